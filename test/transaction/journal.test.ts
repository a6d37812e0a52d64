/** What a journal still says after it was closed, cut off, edited, or put there by somebody else. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Move, Request, Step } from "../../lib/state/step.ts";
import { type Begin, type End, type Entry, Journal } from "../../lib/transaction/journal.ts";
import { undoing } from "../../lib/transaction/undoing.ts";

const request = (name: string, verb: Request["verb"] = "delete"): Request => ({
  object: "link",
  verb,
  words: { name },
});
const makes = (...names: readonly string[]): Step => ({
  id: `link ${names.join()}`,
  action: "create",
  object: "link",
  subject: names.join(),
  path: [],
  differences: [],
  reason: "not there",
  drops: [],
  needs: [],
  moves: names.map((name): Move => ({ request: request(name, "create"), undo: [request(name)] })),
});
const STEPS = [makes("a"), makes("b", "c"), { ...makes("d"), moves: [{ request: request("d", "create"), undo: [] }] }];
const WHAT: Omit<Begin, "type" | "format" | "id"> = {
  boot: "this one",
  netns: { inode: 7, cookie: 2n ** 63n + 1n },
  pid: 42,
  at: "2026-11-28T12:00:00.000Z",
  document: { mode: "apply", file: "f.yaml", value: { linkwright: 1 } },
  steps: STEPS,
};
const FIRST: Entry = { type: "do", step: 0, move: 0 };
const SECOND: Entry = { type: "do", step: 1, move: 0 };
/** The name of a file that a key is kept in. */
const KEY = `held-${"0".repeat(32)}`;
const DONE: Entry = { type: "done" };

describe("a journal", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "linkwright-journal-"));
    path = join(folder, "journal");
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** One that was written and left. */
  async function left(...entries: readonly Entry[]): Promise<string> {
    await using journal = await Journal.create(folder, WHAT);
    for (const entry of entries) await journal.append(entry);
    return readFile(path, "utf8");
  }
  async function reopened(): Promise<Journal> {
    const journal = await Journal.open(folder);
    if (journal === undefined) throw new Error("it is gone");
    return journal;
  }

  it("says what was written, large numbers and bytes too", async () => {
    const bytes = { ...makes("e"), differences: [{ field: "mac", from: undefined, to: new Uint8Array([0, 255]) }] };
    const journal = await Journal.create(folder, { ...WHAT, steps: [bytes] });
    await journal.append(FIRST);
    await journal[Symbol.asyncDispose]();
    const record = await Journal.read(folder);
    const { id, ...begin } = record?.begin ?? { id: "" };
    match(id, /^[0-9a-f]{16}$/);
    deepEqual(begin, {
      type: "begin",
      format: 1,
      ...WHAT,
      steps: [{ ...bytes, differences: [{ field: "mac", to: new Uint8Array([0, 255]) }] }],
    });
    deepEqual(record?.entries, [FIRST]);
  });

  it("is gone on with where it was left, by whoever opens it", async () => {
    await left(FIRST);
    const journal = await reopened();
    equal(journal.directory, folder);
    deepEqual(journal.begin.steps, STEPS);
    deepEqual([journal.entries, journal.isOver], [[FIRST], false]);
    await journal.append(SECOND);
    deepEqual(journal.entries, [FIRST, SECOND]);
    await journal[Symbol.asyncDispose]();
    deepEqual((await Journal.read(folder))?.entries, [FIRST, SECOND]);
  });

  it("takes no line for said that was being written when the power went", async () => {
    const text = await left(FIRST, SECOND);
    await writeFile(path, text.slice(0, -5));
    deepEqual((await Journal.read(folder))?.entries, [FIRST]);
    equal((await stat(path)).size, text.length - 5);
    const journal = await reopened();
    await journal.append(DONE);
    await journal[Symbol.asyncDispose]();
    deepEqual((await Journal.read(folder))?.entries, [FIRST, DONE]);
  });

  it("is for its owner alone, and its draft is gone", async () => {
    await left();
    deepEqual(await readdir(folder), ["journal"]);
    equal((await stat(path)).mode & 0o777, 0o600);
  });

  it("takes drafts along of those who were killed over theirs, and nothing else", async () => {
    const others = ["journal.0123", "journal.0123456789abcdef.old", KEY];
    for (const name of [...others, "journal.0123456789abcdef"]) await writeFile(join(folder, name), "");
    await left();
    deepEqual((await readdir(folder)).sort(), [...others, "journal"].sort());
  });

  it("is written to before and after what its witness hears", async () => {
    const heard: string[] = [];
    const witness = (moment: string, { type }: Begin | Entry): void => void heard.push(`${moment} ${type}`);
    const journal = await Journal.create(folder, WHAT, witness);
    await journal.append(DONE);
    await journal[Symbol.asyncDispose]();
    const again = await Journal.open(folder, witness);
    await again?.note({ type: "back", reason: "so" });
    await again?.[Symbol.asyncDispose]();
    deepEqual(heard, ["before begin", "after begin", "before done", "after done", "before back", "after back"]);
  });

  it("says nothing more than is on the disk", async () => {
    const journal = await Journal.create(folder, WHAT);
    await journal[Symbol.asyncDispose]();
    await rejects(journal.append(FIRST));
    await journal.note(FIRST);
    deepEqual(journal.entries, []);
  });

  const LINES: readonly (readonly [what: string, edit: (lines: string[]) => string[], said: string])[] = [
    [
      "with another name in it",
      ([one = "", ...rest]) => [one.replace("f.yaml", "g.yaml"), ...rest],
      "edited at line 1",
    ],
    [
      "with another sum before a line",
      ([one, two = "", ...rest]) => [one ?? "", two.replace(/^./, "x"), ...rest],
      "edited at line 2",
    ],
    ["without a line in the middle", ([one = "", _, ...rest]) => [one, ...rest], "edited at line 2"],
    ["with two lines exchanged", ([one = "", two = "", three = ""]) => [one, three, two], "edited at line 2"],
    ["with a line twice", ([one = "", two = "", ...rest]) => [one, two, two, ...rest], "edited at line 3"],
    [
      "with a tab before what a line says",
      ([one = "", ...rest]) => [one.replace(" ", "\t"), ...rest],
      "edited at line 1",
    ],
  ];
  for (const [what, edit, said] of LINES)
    it(`is not believed ${what}, and stays as it is`, async () => {
      const text = `${edit((await left(FIRST, SECOND)).split("\n").slice(0, -1)).join("\n")}\n`;
      await writeFile(path, text);
      const message = `${path} was ${said}, so nothing is undone by it; look at the host, then remove it with: linkwright recover --discard`;
      for (const way of [Journal.read, Journal.open])
        await rejects(way(folder), { name: "TransactionError", code: "ERR_JOURNAL", message });
      equal(await readFile(path, "utf8"), text);
    });

  it("is not believed where nothing whole is in it", async () => {
    const text = await left();
    for (const [content, said] of [
      ["", "is empty"],
      [text.slice(0, -1), "was cut off"],
    ] as const) {
      await writeFile(path, content);
      await rejects(Journal.open(folder), { code: "ERR_JOURNAL", message: new RegExp(`^${path} ${said}, so nothing`) });
    }
  });

  it("is not read by a version that does not know its format", async () => {
    const { createHash } = await import("node:crypto");
    const said = JSON.stringify({ type: "begin", format: 2 });
    await left();
    await writeFile(path, `${createHash("sha256").update(said).digest("hex").slice(0, 32)} ${said}\n`);
    await rejects(Journal.read(folder), { code: "ERR_JOURNAL", message: /has format 2, and this version reads 1,/ });
  });

  it("is nothing where there is none", async () => {
    deepEqual(
      [await Journal.open(folder), await Journal.read(folder), await Journal.readLast(folder)],
      [undefined, undefined, undefined],
    );
    equal(await Journal.discard(folder), false);
  });

  const FOREIGN: readonly (readonly [what: string, put: () => Promise<void>, said: string])[] = [
    ["that others may write to", () => chmod(path, 0o620), "others may write to it; look at it, and remove it"],
    [
      "with a second name",
      () => link(path, join(folder, "other")),
      "it has another name elsewhere; look at it, and remove it",
    ],
    [
      "that is a link",
      () => rename(path, join(folder, "other")).then(() => symlink("other", path)),
      "it is a symbolic link; remove it",
    ],
    ["that is a directory", () => rm(path).then(() => mkdir(path)), "it is no file; look at it, and remove it"],
  ];
  for (const [what, put, said] of FOREIGN)
    it(`is not read from a file ${what}`, async () => {
      await left();
      await put();
      const message = `cannot keep a journal in ${path}: ${said}`;
      await rejects(Journal.read(folder), { code: "ERR_STATE_DIRECTORY", message });
    });

  it("that ended stays to be read, until the next one ends", async () => {
    for (const [outcome, reason] of [
      ["committed", undefined],
      ["reverted", "nobody confirmed"],
    ] as const) {
      const journal = await Journal.create(folder, WHAT);
      await writeFile(join(folder, KEY), "a key", { mode: 0o600 });
      await journal.append(FIRST);
      await journal.end(outcome, reason);
      equal(journal.isOver, true);
      await journal[Symbol.asyncDispose]();
      deepEqual(await readdir(folder), ["last"]);
      const { entries } = (await Journal.readLast(folder)) ?? { entries: [] };
      const [first, { at, ...end }] = entries as [Entry, End];
      deepEqual([first, end], [FIRST, { type: "end", outcome, ...(reason !== undefined && { reason }) }]);
      equal(new Date(at).toISOString(), at);
    }
  });

  it("has not ended as committed where that cannot be written, but has as reverted", async () => {
    const journal = await Journal.create(folder, WHAT);
    await journal[Symbol.asyncDispose]();
    await rejects(journal.end("committed"));
    deepEqual([journal.isOver, await readdir(folder)], [false, ["journal"]]);
    await journal.end("reverted");
    deepEqual([journal.isOver, await readdir(folder)], [true, ["last"]]);
  });

  it("has ended, whatever of what lies beside it cannot be taken away", async () => {
    await using journal = await Journal.create(folder, WHAT);
    await mkdir(join(folder, KEY));
    await journal.end("committed");
    equal(journal.isOver, true);
    deepEqual((await readdir(folder)).sort(), [KEY, "last"]);
  });

  it("is taken away with the keys beside it, whatever is in it", async () => {
    await writeFile(path, "nonsense");
    await writeFile(join(folder, KEY), "a key");
    equal(await Journal.discard(folder), true);
    deepEqual(await readdir(folder), []);
    await mkdir(path);
    await rejects(Journal.discard(folder));
  });

  it("that cannot be put in its place leaves nothing behind, and says so", async () => {
    await mkdir(path);
    const message = `cannot write ${path} (EISDIR); nothing was changed: make room, or name another directory with --state`;
    await rejects(Journal.create(folder, WHAT), { code: "ERR_STATE_DIRECTORY", message });
    deepEqual(await readdir(folder), ["journal"]);
    const nowhere = join(folder, "nowhere");
    await rejects(Journal.create(nowhere, WHAT), {
      code: "ERR_STATE_DIRECTORY",
      message: new RegExp(`^cannot make ${nowhere}/journal\\.[0-9a-f]{16}$`),
    });
  });
});

describe("what takes back an application", () => {
  const back = (nothing?: readonly { step: number; move: number }[]): Entry => ({
    type: "back",
    reason: "so",
    ...(nothing && { nothing }),
  });
  const CASES: readonly (readonly [what: string, entries: readonly Entry[], names: readonly string[]])[] = [
    ["is nothing where nothing was begun", [], []],
    ["is the reverse of what was begun", [FIRST, SECOND, { type: "do", step: 1, move: 1 }], ["c", "b", "a"]],
    ["is the same once it was done, or is being taken back", [FIRST, SECOND, DONE, back()], ["b", "a"]],
    ["is all of several steps that were begun at once", [{ type: "do", step: 0, last: 1, move: 0 }], ["b", "a"]],
    ["leaves out what has no inverse", [FIRST, { type: "do", step: 2, move: 0 }], ["a"]],
    ["leaves out what is known to have done nothing", [FIRST, SECOND, back([{ step: 1, move: 0 }])], ["a"]],
    ["leaves out that one only", [SECOND, { type: "do", step: 1, move: 1 }, back([{ step: 1, move: 0 }])], ["c"]],
    ["leaves out steps that the journal does not have", [FIRST, { type: "do", step: 9, move: 0 }], ["a"]],
    ["leaves out moves that the step does not have", [FIRST, { type: "do", step: 1, move: 5 }], ["a"]],
  ];
  for (const [what, entries, names] of CASES)
    it(what, () => {
      const found = undoing({ begin: { type: "begin", format: 1, id: "x", ...WHAT }, entries });
      deepEqual(
        found.map(({ requests }) => requests),
        names.map((name) => [request(name)]),
      );
      for (const { step, requests } of found)
        equal(
          step.moves.some(({ undo }) => undo === requests),
          true,
        );
    });
});
