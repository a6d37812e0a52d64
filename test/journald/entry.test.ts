/** Entries as bytes, by the protocol's page; that the journal takes them is seen in integration/systemd. */
import { equal, ok, throws } from "node:assert/strict";
import { fstatSync, readFileSync } from "node:fs";
import { encodeEntry, isJournal, MESSAGE_IDS, withPriority, writeJournal } from "../../lib/journald/index.ts";

const text = (entry: Parameters<typeof encodeEntry>[0]): string => Buffer.from(encodeEntry(entry)).toString("latin1");

describe("an entry of the journal", () => {
  it("is a line for each field", () => {
    equal(
      text({
        message: "it is up",
        priority: "warning",
        messageId: MESSAGE_IDS.applied,
        fields: { A: 1, B: ["x", "y"] },
      }),
      `MESSAGE=it is up\nPRIORITY=4\nMESSAGE_ID=${MESSAGE_IDS.applied}\nSYSLOG_IDENTIFIER=linkwright\nA=1\nB=x\nB=y\n`,
    );
  });

  it("tells the length of a value with several lines, so that none is taken for another field", () => {
    const said = text({ message: "one\nPRIORITY=0" });
    ok(said.startsWith("MESSAGE\n\u000e\0\0\0\0\0\0\0one\nPRIORITY=0\nPRIORITY=6\n"), JSON.stringify(said));
  });

  it("fits into a datagram, and is cut between characters", () => {
    const bytes = encodeEntry({ message: "€".repeat(100_000), fields: { X: new Array(1000).fill("y") } });
    ok(bytes.length < 20_000);
    ok(!Buffer.from(bytes).toString("utf8").includes("\ufffd"));
  });

  it("takes no names that the journal would drop", () => {
    for (const name of ["", "a", "_A", "1A", "A=B", "A\nB"])
      throws(
        () => encodeEntry({ message: "", fields: { [name]: 1 } }),
        /^TypeError: fields: expected a name of capitals/,
      );
  });

  it("is not written where there is no journal", async () => {
    equal(await writeJournal({ message: "x" }, "/nowhere/socket"), false);
  });

  it("has ids as systemd makes them, each its own, and all in the documentation", () => {
    const ids = Object.values(MESSAGE_IDS);
    equal(new Set(ids).size, ids.length);
    const page = readFileSync("docs/systemd.md", "utf8");
    for (const [kind, id] of Object.entries(MESSAGE_IDS))
      ok(new RegExp(`^\\| \`${kind}\` +\\| \`${id}\` +\\|`, "m").test(page), kind);
    for (const id of ids) ok(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/.test(id), id);
  });
});

describe("what is printed", () => {
  it("has its priority before each line", () => {
    equal(withPriority("one\ntwo", "error"), "<3>one\n<3>two");
  });

  it("goes to the journal where that is what the descriptor is", () => {
    const { dev, ino } = fstatSync(2, { bigint: true });
    equal(isJournal(2, { JOURNAL_STREAM: `${dev}:${ino}` }), true);
    equal(isJournal(2, { JOURNAL_STREAM: `${dev}:${ino + 1n}` }), false);
    equal(isJournal(2, {}), false);
  });
});
