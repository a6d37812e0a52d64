import assert from "node:assert";
import { batchBegin, batchEnd, nftBatch } from "../../lib/families/netfilter.ts";
import { headerOf } from "../../lib/nftables/commands.ts";
import { NftablesError, type Rule, StaleGenerationError, type Table } from "../../lib/nftables/index.ts";
import { newTable } from "../../lib/nftables/messages.ts";
import { Connection, command } from "../../lib/socket/index.ts";
import { load, needs } from "../../test/needs.ts";
import { run, type Scene, scene, story } from "./kit.ts";

/** The error of a change, and that it changed nothing, byte for byte. */
async function refused(s: Scene, change: () => Promise<unknown>): Promise<NftablesError> {
  const before = await s.nft("-a", "list", "ruleset");
  const { id } = await s.nftables.generation();
  const error = await change().then(
    () => assert.fail("not refused"),
    (caught: unknown) => caught,
  );
  assert(error instanceof NftablesError, String(error));
  assert.strictEqual(await s.nft("-a", "list", "ruleset"), before);
  assert.strictEqual((await s.nftables.generation()).id, id);
  return error;
}

const accept: Rule = { match: { iifname: "br-vm" }, action: "accept" };
const table = (bad: Rule, more: Partial<Table> = {}): Table => ({
  family: "inet",
  name: "linkwright",
  chains: [{ name: "lw_fwd", hook: "forward", rules: [accept, accept, bad, accept, accept] }],
  ...more,
});

describe("nftables: whole or not at all", () => {
  before(function () {
    needs(this, "nft");
  });

  it("one bad rule of five: nothing changes, and the error names the rule", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    const bad: Rule = { expressions: [{ kind: "masq", data: {} }], comment: "no NAT here" };
    const error = await refused(s, () => s.nftables.replace(table(bad)));
    assert.strictEqual(error.code, "EOPNOTSUPP");
    assert.strictEqual(error.path, "chains[0].rules[2]");
    assert.match(
      error.message,
      /^cannot replace table inet linkwright: rule 3 of chain lw_fwd \(\[ masq \] comment "no NAT here"\): one of its expressions does not work in this family, or in a chain of this type at this hook \(EOPNOTSUPP, at chains\[0\]\.rules\[2\]\)$/,
    );
  });

  it("expressions that the kernel does not have", async () => {
    await using s = await scene();
    const error = await refused(s, () =>
      s.nftables.replace(table({ expressions: [{ kind: "#nosuch", data: new Uint8Array() }] })),
    );
    assert.strictEqual(error.code, "ENOENT");
    assert.match(
      error.message,
      /rule 3 of chain lw_fwd \(\[ #nosuch 0x \]\): it refers to something that does not exist/,
    );
  });

  it("jumps in a circle", async () => {
    await using s = await scene();
    const error = await refused(s, () =>
      s.nftables.replace({
        family: "ip",
        name: "circle",
        chains: [
          { name: "base", hook: "forward", rules: [{ action: { jump: "one" } }] },
          { name: "one", rules: [{ action: { jump: "two" } }] },
          { name: "two", rules: [{ action: { jump: "one" } }] },
        ],
      }),
    );
    assert.match(error.message, /the jumps make a circle/);
  });

  it("a hook and type that do not go together", async () => {
    await using s = await scene();
    const chains = [{ name: "lw_route", type: "route", hook: "output", priority: 0 }] as const;
    const error = await refused(s, () => s.nftables.replace({ family: "bridge", name: "b", chains }));
    assert.match(
      error.message,
      /^cannot replace table bridge b: chain lw_route: this kernel has no chains of the type/,
    );
    assert.match(error.path, /^chains\[0\]/);
  });

  it("a stale generation: nothing is applied, and the error has a type", async () => {
    await using s = await scene();
    const { id } = await s.nftables.generation();
    await s.load("table ip foreign { }");
    const error = await refused(s, () => s.nftables.replace(story, { generation: id }));
    assert(error instanceof StaleGenerationError);
    assert.strictEqual(error.code, "ERESTART");
    assert.match(error.message, /^cannot replace table inet linkwright: the ruleset was changed by somebody else/);
    assert(
      (await refused(s, () => s.nftables.delete("ip", "foreign", { generation: id }))) instanceof StaleGenerationError,
    );
    await s.nftables.replace(story, { generation: (await s.nftables.generation()).id });
  });

  it("an edit by nft between reading and replacing is noticed", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    const seen = await s.nftables.get("inet", "linkwright");
    assert(seen?.consistent);
    await s.nft("add rule inet linkwright lw_sub counter drop");
    const error = await refused(s, () => s.nftables.replace(story, { generation: seen.generation }));
    assert(error instanceof StaleGenerationError);
    assert.match(await s.nft("list", "ruleset"), /counter packets 0 bytes 0 drop/);
  });

  it("ensure wins against a program that edits all the time, or says that it lost", async () => {
    await using s = await scene();
    let over = false;
    const edits = (async () => {
      for (let i = 0; !over; i++) await s.nft(`add table ip t${i % 7}`);
    })();
    let made = 0;
    for (let i = 0; i < 20; i++) {
      const wanted: Table = { ...story, comment: `round ${i}` };
      try {
        await s.nftables.ensure(wanted);
        made++;
        const seen = await s.nftables.get("inet", "linkwright");
        assert.strictEqual(seen?.comment, `round ${i}`);
      } catch (error) {
        assert(error instanceof StaleGenerationError, String(error));
      }
    }
    over = true;
    await edits;
    assert(made > 0);
  });

  it("200 callers at once: all of them are served, and the table is one of theirs, whole", async function () {
    load(this);
    await using s = await scene();
    const tables = Array.from(
      { length: 200 },
      (_, i): Table => ({ ...story, name: `t${i % 10}`, comment: `caller ${i}` }),
    );
    const ended = await Promise.allSettled(tables.map((wanted) => s.nftables.replace(wanted)));
    for (const end of ended)
      if (end.status === "rejected") assert(end.reason instanceof StaleGenerationError, String(end.reason));
    const seen = await s.nftables.get("inet", "t3");
    assert.match(seen?.comment ?? "", /^caller \d*3$/);
    assert.strictEqual(seen?.chains.length, 3);
  });

  it("without privileges: EPERM, told clearly, at once", async function () {
    load(this);
    needs(this, "unshare");
    const script = `
      const { Connection } = await import(${JSON.stringify(new URL("../../lib/socket/index.js", import.meta.url).href)});
      const { Nftables } = await import(${JSON.stringify(new URL("../../lib/nftables/index.js", import.meta.url).href)});
      const connection = Connection.open({ protocol: 12 });
      const start = performance.now();
      const rules = Array.from({ length: 1000 }, () => ({ action: "accept" }));
      await new Nftables(connection).replace({ family: "ip", name: "t", chains: [{ name: "c", rules }] }).catch((error) => {
        console.log(JSON.stringify([error.name, error.code, error.message, performance.now() - start < 1000]));
      });
      connection.close();`;
    const args = ["--user", process.execPath, "--input-type=module", "-e", script];
    await using s = await scene();
    const stdout = await run(s.netns, "unshare", args);
    assert.deepStrictEqual(JSON.parse(stdout), [
      "NftablesError",
      "EPERM",
      "cannot replace table ip t: this needs CAP_NET_ADMIN in the network namespace, and the table must not belong to another program (EPERM)",
      true,
    ]);
  });

  it("a table that belongs to another program's socket", async () => {
    await using s = await scene();
    const owner = Connection.open({ protocol: 12, netns: s.netns.fd });
    const value = { header: headerOf("ip"), attrs: { name: "theirs", flags: { owner: true } } };
    const frame = (message: typeof batchBegin) => command(message, nftBatch(), 0);
    await owner.transaction(frame(batchBegin), [command(newTable, value, 0x400)], frame(batchEnd));
    const [entry] = await s.nftables.list();
    assert.strictEqual(entry?.owner, owner.port);
    const error = await s.nftables.replace({ family: "ip", name: "theirs" }).catch((caught: unknown) => caught);
    assert(error instanceof NftablesError && error.code === "EPERM", String(error));
    assert.match(error.message, /must not belong to another program/);
    owner.close();
  });
});
