/** Which journal is about the namespace that is there now, and what is said of one that is not over. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Host } from "../../lib/host.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { bootId } from "../../lib/transaction/boot.ts";
import { type Begin, type Entry, Journal } from "../../lib/transaction/journal.ts";
import { clock, isHere, pendingRemark, rootOf, Store, seconds } from "../../lib/transaction/store.ts";

const DOCUMENT = { mode: "apply", file: "f.yaml", value: { linkwright: 1 } } as const;

describe("the store of a namespace", () => {
  let netns: Netns;
  let host: Host;
  let folder: string;
  let store: Store;
  before(() => {
    netns = Netns.current();
    host = { netns } as unknown as Host;
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "linkwright-store-"));
    store = await Store.open(host, { directory: folder, wait: 0 });
  });
  afterEach(() => rm(folder, { recursive: true }));
  after(() => netns.close());

  async function begun(...entries: readonly Entry[]): Promise<Begin> {
    await using journal = await store.begin({ document: DOCUMENT, steps: [], confirm: 5 });
    for (const entry of entries) await journal.append(entry);
    return journal.begin;
  }

  /** What a journal begins with, without leaving it. */
  async function fresh(): Promise<Begin> {
    await rm(join(store.directory, "journal"));
    const begin = await begun();
    await rm(join(store.directory, "journal"));
    return begin;
  }

  it("has a directory of its own, wherever the process goes", () => {
    equal(store.directory, join(folder, `netns-${netns.identity.inode}`));
    equal(rootOf({ directory: relative(process.cwd(), folder) }), folder);
    equal(isHere(host), true);
  });

  it("writes down what a journal is about: this boot, this namespace, this process", async () => {
    const { id: _, at, netns: where, ...rest } = await begun();
    deepEqual(rest, {
      type: "begin",
      format: 1,
      boot: bootId(),
      pid: process.pid,
      document: DOCUMENT,
      steps: [],
      confirm: 5,
    });
    equal(new Date(at).toISOString(), at);
    equal(where.inode, netns.identity.inode);
    equal(where.cookie !== undefined && where.cookie > 0n, true);
    deepEqual((await store.pending())?.begin.netns, where);
    // Another look at the same namespace comes to the same.
    await rm(join(store.directory, "journal"));
    deepEqual((await begun()).netns, where);
  });

  const OTHERS: readonly (readonly [what: string, change: (begin: Begin) => Partial<Begin>])[] = [
    ["another boot", () => ({ boot: "another" })],
    ["a namespace that had the same number", (begin) => ({ netns: { ...begin.netns, cookie: 1n << 62n } })],
  ];
  for (const [what, change] of OTHERS)
    it(`takes a journal of ${what} for no more than a file, and out of the way`, async () => {
      const { type: _, format: __, id: ___, ...begin } = await begun();
      await (await Journal.create(store.directory, { ...begin, ...change(begin as Begin) }))[Symbol.asyncDispose]();
      equal(await store.pending(), undefined);
      await store.refusePending();
      deepEqual(await readdir(store.directory), ["journal"]);
      equal(await store.journal(), undefined);
      deepEqual(await readdir(store.directory), []);
    });

  it("knows its journal where the kernel gives namespaces no cookie", async () => {
    const { type: _, format: __, id: ___, ...begin } = await begun();
    const netns = { inode: begin.netns.inode };
    await (await Journal.create(store.directory, { ...begin, netns }))[Symbol.asyncDispose]();
    deepEqual((await store.pending())?.begin.netns, netns);
    await using journal = await store.journal();
    deepEqual(journal?.begin.netns, netns);
  });

  it("lets nothing begin after what waits to be confirmed", async () => {
    await store.refusePending();
    const { at } = await begun({ type: "done" }, { type: "wait", deadline: 5 });
    await rejects(store.refusePending(), {
      code: "ERR_PENDING",
      pid: process.pid,
      message: `what was applied at ${clock(at)} waits to be confirmed; keep it with linkwright confirm, or take it back with linkwright revert`,
    });
  });

  it("lets nothing begin after what was interrupted", async () => {
    const { at } = await begun({ type: "wait", deadline: 5 }, { type: "back", reason: "so" });
    await rejects(store.refusePending(), {
      code: "ERR_PENDING",
      pid: process.pid,
      message: `the application of ${clock(at)} by process ${process.pid} was interrupted; put the host in order first with linkwright recover`,
    });
  });

  it("is told of to whoever only looks, who makes nothing", async () => {
    const remark = (directory = folder): Promise<string | undefined> => pendingRemark(host, { directory });
    equal(await remark(), undefined);
    const { at } = await begun({ type: "done" }, { type: "wait", deadline: 5 });
    equal(
      await remark(),
      `what was applied at ${clock(at)} waits to be confirmed: linkwright confirm keeps it, linkwright revert takes it back`,
    );
    await rm(join(store.directory, "journal"));
    const { at: later } = await begun({ type: "wait", deadline: 5 }, { type: "back", reason: "so" });
    equal(
      await remark(),
      `the application that process ${process.pid} began at ${clock(later)} is under way, or was interrupted: see linkwright recover`,
    );
    equal(await remark(join(folder, "nowhere")), undefined);
    await writeFile(join(store.directory, "journal"), "nonsense\n");
    match(
      (await remark()) ?? "",
      /^whether an application waits to be confirmed is not known: .* was edited at line 1,/,
    );
    const { type: _, format: __, id: ___, ...begin } = { ...(await fresh()), boot: "another" };
    await (await Journal.create(store.directory, begin))[Symbol.asyncDispose]();
    equal(await remark(), undefined);
  });

  it("is changed by one at a time, who is named", async () => {
    {
      await using _ = await store.lock();
      await rejects(store.lock(), {
        code: "ERR_LOCKED",
        pid: process.pid,
        message: `process ${process.pid} is changing this network namespace; wait for it, or wait longer with --wait`,
      });
    }
    await using _ = await store.lock();
  });
});

describe("time, as people say it,", () => {
  it("is in seconds, then in minutes, and never negative", () =>
    deepEqual([-3, 0, 0.4, 119.4, 119.6, 149, 7200].map(seconds), [
      "0 s",
      "0 s",
      "0 s",
      "119 s",
      "2 min",
      "2 min",
      "120 min",
    ]));

  it("has the date where it is not of today", () => {
    const now = new Date();
    const at = new Date(now.getFullYear(), now.getMonth(), now.getDate(), 7, 8, 9);
    equal(clock(at), "07:08:09");
    equal(clock(at.toISOString()), "07:08:09");
    equal(clock(new Date(2020, 1, 3, 14, 5, 6)), "2020-02-03 14:05:06");
  });
});
