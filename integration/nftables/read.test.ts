import assert from "node:assert";
import { readFileSync } from "node:fs";
import { printTable, type Rule, type Table } from "../../lib/nftables/index.ts";
import { needs } from "../../test/needs.ts";
import { root } from "../../test/nftables/fixture.ts";
import { rulesOf, run, scene, story } from "./kit.ts";

const fixture = (name: string): string => readFileSync(`${root}/test/fixtures/nftables/${name}`, "utf8");
const syn = { protocol: "tcp", tcpFlags: { set: ["syn"], of: ["syn", "rst"] } } as const;

describe("nftables: what nft writes, we read", () => {
  before(function () {
    needs(this, "nft");
  });

  it("the counter of frames that a bridge is about to drop", async () => {
    await using s = await scene();
    await s.load(fixture("blackhole.nft"));
    const table = await s.nftables.get("bridge", "ev-detect");
    const between: Rule = { match: { oifname: "vxlan0", length: [1455, 1500] }, counter: "oversize_tx" };
    assert.deepStrictEqual(rulesOf(table), {
      through: [between, { match: { oifname: "vxlan0", length: { over: 1500 } }, counter: "gso_tx" }],
      local_out: [between],
    });
    assert.deepStrictEqual(await s.nftables.counters("bridge", "ev-detect"), [
      {
        name: "oversize_tx",
        comment: "single frames > vxlan0 mtu + 4, dropped by br_dev_queue_push_xmit",
        packets: 0n,
        bytes: 0n,
      },
      { name: "gso_tx", comment: "longer than one VM frame", packets: 0n, bytes: 0n },
    ]);
  });

  it("the witness of handshakes that promise too much", async () => {
    await using s = await scene();
    await s.load(fixture("mss.nft"));
    const rules = (key: "iifname" | "oifname"): Rule[] => [
      { match: { [key]: "vxlan0", ...syn, mss: { over: 1410 } }, counter: "syn_too_big" },
      { match: { [key]: "vxlan0", ...syn, mss: { atMost: 1410 } }, counter: "syn_ok" },
    ];
    const table = await s.nftables.get("bridge", "ev-mss");
    assert.deepStrictEqual(rulesOf(table), { watch: [...rules("oifname"), ...rules("iifname")] });
  });

  it("and our own writing of both is the same to nft", async () => {
    await using theirs = await scene();
    await using ours = await scene();
    await theirs.load(fixture("blackhole.nft"));
    await theirs.load(fixture("mss.nft"));
    for (const name of ["ev-detect", "ev-mss"]) {
      const table = await theirs.nftables.get("bridge", name);
      assert(table);
      await ours.nftables.replace(table);
    }
    assert.strictEqual(await ours.nft("list", "ruleset"), await theirs.nft("list", "ruleset"));
    assert.strictEqual(
      await ours.nft("--debug=netlink", "list", "ruleset"),
      await theirs.nft("--debug=netlink", "list", "ruleset"),
    );
  });

  it("prefixes that end in a byte, and those that do not", async () => {
    await using s = await scene();
    await s.load(`table ip t {
      chain c {
        ip saddr 10.0.0.0/8 accept
        ip saddr 10.16.0.0/12 accept
        ip saddr 10.16.1.0/24 accept
        ip saddr 10.16.1.1 accept
        ip daddr != 10.16.1.128/31 accept
      }
    }`);
    const rules = rulesOf(await s.nftables.get("ip", "t"))["c"];
    assert.deepStrictEqual(rules, [
      { match: { saddr: "10.0.0.0/8" }, action: "accept" },
      { match: { saddr: "10.16.0.0/12" }, action: "accept" },
      { match: { saddr: "10.16.1.0/24" }, action: "accept" },
      { match: { saddr: "10.16.1.1" }, action: "accept" },
      { match: { daddr: { not: "10.16.1.128/31" } }, action: "accept" },
    ]);
  });

  it("the base chains of every table, so that a foreign drop at forward can be named", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    await s.load(`table ip filter {
      chain FORWARD { type filter hook forward priority filter; policy drop; }
      chain DOCKER { }
    }
    table netdev n { }
    table arp a { chain c { type filter hook input priority 0
 }
 }`);
    const chains = await s.nftables.chains();
    const drops = chains.filter(({ hook, policy }) => hook === "forward" && policy === "drop");
    assert.deepStrictEqual(
      drops.map(({ family, table, name, type, priority }) => [family, table, name, type, priority]),
      [
        ["inet", "linkwright", "lw_fwd", "filter", 0],
        ["ip", "filter", "FORWARD", "filter", 0],
      ],
    );
    assert.deepStrictEqual(
      (await s.nftables.list()).map(({ family, name }) => `${family} ${name}`),
      ["inet linkwright", "ip filter", "netdev n", "arp a"],
    );
    assert.strictEqual(chains.find(({ family }) => family === "arp")?.hook, "input");
  });

  it("keeps what it has no words for, and says so in brackets", async () => {
    await using s = await scene();
    await s.load(`table inet t {
      chain c {
        ip ttl 1 counter drop
        iifname { "a", "b" } accept
        counter ip saddr 10.0.0.1 accept
      }
    }`);
    const seen = await s.nftables.get("inet", "t");
    assert(seen);
    assert.deepStrictEqual(
      seen.chains[0]?.rules.map(({ expressions }) => expressions?.map(({ kind }) => kind)),
      [
        ["meta", "cmp", "payload", "cmp", "counter", "immediate"],
        ["meta", "lookup", "immediate"],
        ["counter", "meta", "cmp", "payload", "cmp", "immediate"],
      ],
    );
    assert.match(printTable(seen), /\[ lookup set "__set0" sreg 1 flags 0 \]/);
    assert.strictEqual((await s.nftables.counters("inet", "t")).length, 2);
  });

  it("the generation, which every change raises by one", async () => {
    await using s = await scene();
    const before = await s.nftables.generation();
    await s.load("table ip t { }");
    assert.strictEqual((await s.nftables.generation()).id, before.id + 1);
  });

  it("counts what passes", async function () {
    needs(this, "ip", "ping");
    await using s = await scene();
    const table: Table = {
      family: "inet",
      name: "count",
      chains: [
        {
          name: "out",
          hook: "output",
          rules: [{ match: { daddr: "127.0.0.1" }, counter: true, comment: "to myself" }],
        },
      ],
    };
    await s.nftables.replace(table);
    await run(s.netns, "ip", ["link", "set", "lo", "up"]);
    await run(s.netns, "ping", ["-c", "3", "-i", "0.2", "-s", "100", "127.0.0.1"]);
    const [reading] = await s.nftables.counters("inet", "count");
    assert.strictEqual(reading?.comment, "to myself");
    assert.strictEqual(reading.packets, 6n);
    assert.strictEqual(reading.bytes, 768n);
  });
});
