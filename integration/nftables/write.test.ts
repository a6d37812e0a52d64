import assert from "node:assert";
import { type NftablesError, printTable, sameTable, type Table } from "../../lib/nftables/index.ts";
import { needs } from "../../test/needs.ts";
import { rulesOf, scene, story } from "./kit.ts";

/** nft's JSON without handles and versions. */
async function json(text: Promise<string>): Promise<readonly Record<string, Record<string, unknown>>[]> {
  const { nftables } = JSON.parse(await text) as { nftables: Record<string, Record<string, unknown>>[] };
  for (const entry of nftables) for (const key in entry) delete entry[key]?.["handle"];
  return nftables.filter((entry) => !("metainfo" in entry));
}

describe("nftables: what we write, nft reads", () => {
  before(function () {
    needs(this, "nft");
  });

  it("lists the policy of the story as nft would have written it", async () => {
    await using ours = await scene();
    await using theirs = await scene();
    await ours.nftables.replace(story);
    await theirs.load(`
      table inet linkwright {
        comment "managed by linkwright"
        chain lw_post {
          type nat hook postrouting priority srcnat; policy accept;
          ip saddr 12.12.139.0/24 oifname "ens34f0" counter masquerade comment "nat"
          ip6 saddr 2001:db8:39::/64 oifname "ens*" masquerade random
        }
        chain lw_fwd {
          type filter hook forward priority filter; policy drop;
          iifname "br-vm" oifname "ens34f0" accept comment "out"
          iifname "ens34f0" oifname "br-vm" ct state established,related accept
          oifname "ens34f0" tcp flags & (syn|rst) == syn tcp option maxseg size set rt mtu
          tcp flags syn tcp option maxseg size > 1410 tcp option maxseg size set 1410
          jump lw_sub
        }
        chain lw_sub {
          comment "jumped to"
          udp dport 4789 counter
        }
      }`);
    assert.deepStrictEqual(
      await json(ours.nft("-j", "list", "table", "inet", "linkwright")),
      await json(theirs.nft("-j", "list", "table", "inet", "linkwright")),
    );
    assert.strictEqual(await ours.nft("list", "ruleset"), await theirs.nft("list", "ruleset"));
    assert.strictEqual(
      await ours.nft("--debug=netlink", "list", "ruleset"),
      await theirs.nft("--debug=netlink", "list", "ruleset"),
    );
  });

  it("prints what nft -f loads again, to the same table", async () => {
    await using s = await scene();
    await s.load(printTable(story));
    const seen = await s.nftables.get("inet", "linkwright");
    assert(seen && sameTable(story, seen), printTable(seen ?? story));
  });

  it("is loaded again from nft's own listing", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    const text = await s.nft("list", "ruleset");
    await s.nft("flush", "ruleset");
    await s.load(text);
    const seen = await s.nftables.get("inet", "linkwright");
    assert(seen && sameTable(story, seen));
  });

  it("replaces a table with an equal one, and ensure sends nothing", async () => {
    await using s = await scene();
    assert.strictEqual(await s.nftables.ensure(story), true);
    const first = await s.nft("list", "ruleset");
    const { id } = await s.nftables.generation();
    for (let i = 0; i < 100; i++) assert.strictEqual(await s.nftables.ensure(story), false);
    assert.strictEqual((await s.nftables.generation()).id, id);
    await s.nftables.replace(story);
    const seen = await s.nftables.get("inet", "linkwright");
    assert(seen && sameTable(story, seen));
    assert.strictEqual(await s.nft("list", "ruleset"), first);
  });

  it("sees every change of another program to the table", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    for (const edit of [
      "add rule inet linkwright lw_sub drop",
      "add chain inet linkwright extra",
      "add set inet linkwright s { type ipv4_addr; }",
      "add counter inet linkwright c",
      "add chain inet linkwright lw_fwd { policy accept; }",
      "flush chain inet linkwright lw_sub",
    ]) {
      await s.nft(edit);
      const seen = await s.nftables.get("inet", "linkwright");
      assert(seen && !sameTable(story, seen), edit);
      assert.strictEqual(await s.nftables.ensure(story), true, edit);
      assert.strictEqual(await s.nftables.ensure(story), false, edit);
    }
  });

  it("restores a table that was read, counts included", async () => {
    await using s = await scene();
    await s.load(`table ip old {
      counter named { packets 3 bytes 300
 }
      chain f { type filter hook forward priority -5; policy drop; counter packets 7 bytes 700 accept
 counter name "named"
        ip ttl 1 drop comment "no words for this"
 }
 }`);
    const text = await s.nft("list", "ruleset");
    const seen = await s.nftables.get("ip", "old");
    assert(seen);
    await s.nftables.delete("ip", "old");
    assert.strictEqual(await s.nft("list", "ruleset"), "");
    await s.nftables.replace(seen);
    assert.strictEqual(await s.nft("list", "ruleset"), text);
  });

  it("leaves other tables alone, byte for byte", async () => {
    await using s = await scene();
    await s.load(`table ip nat { chain post { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade
 }
 }
      table inet fw { set s { type ifname
 elements = { "a", "b" }
 }
        chain f { type filter hook forward priority 0; policy drop; iifname @s accept
 }
 }`);
    const before = await s.nft("-a", "list", "ruleset");
    await s.nftables.replace(story);
    await s.nftables.replace({ ...story, chains: [] });
    await s.nftables.delete("inet", "linkwright");
    assert.strictEqual(await s.nft("-a", "list", "ruleset"), before);
  });

  it("carries 1,000 rules in one transaction, and reads them back", async () => {
    await using s = await scene();
    const rules = Array.from({ length: 1000 }, (_, i) => ({
      match: { saddr: `10.${i >> 8}.${i & 255}.0/24`, oifname: "ens34f0" },
      counter: true as const,
      action: { masquerade: true as const },
      comment: `rule ${i}`,
    }));
    const big: Table = {
      family: "ip",
      name: "big",
      chains: [{ name: "post", type: "nat", hook: "postrouting", priority: "srcnat", rules }],
    };
    await s.nftables.replace(big);
    const seen = await s.nftables.get("ip", "big");
    assert(seen && sameTable(big, seen));
    assert.deepStrictEqual(rulesOf(seen)["post"]?.length, 1000);
    assert.strictEqual((await s.nftables.counters("ip", "big")).length, 1000);
  });

  it("knows the priorities of each family by nft's names", async () => {
    await using s = await scene();
    for (const family of ["ip", "ip6", "inet", "bridge"] as const) {
      const chains = [
        { name: "a", hook: "prerouting", priority: "dstnat" },
        { name: "b", hook: "forward", priority: "filter - 10" },
        { name: "c", hook: "postrouting", priority: "srcnat" },
      ] as const;
      await s.nftables.replace({ family, name: "prio", chains });
      const text = await s.nft("list", "table", family, "prio");
      for (const name of ["dstnat", "filter - 10", "srcnat"])
        assert.match(text, new RegExp(`priority ${name};`), family);
    }
  });

  it("writes every action and match that the printed text has", async () => {
    await using s = await scene();
    const table: Table = {
      family: "inet",
      name: "every",
      counters: [{ name: "shared", comment: "of two rules" }],
      chains: [
        {
          name: "pre",
          type: "nat",
          hook: "prerouting",
          priority: "dstnat",
          rules: [
            { match: { daddr: "192.0.2.23", protocol: "tcp", dport: 6443 }, action: { dnat: "198.51.100.11:6443" } },
            {
              match: { daddr: "2001:db8::23", protocol: "tcp", dport: [80, 90] },
              action: { dnat: "[2001:db8::1]:80-90" },
            },
            { match: { protocol: "udp", dport: { not: [1, 9] } }, action: { redirect: ":80" } },
            { match: { protocol: "udp", dport: { not: 53 }, sport: { atLeast: 1024 } }, action: { redirect: true } },
            { action: { dnat: "192.0.2.7" } },
          ],
        },
        {
          name: "post",
          type: "nat",
          hook: "postrouting",
          priority: "srcnat",
          rules: [
            { match: { saddr: "10.0.0.1" }, action: { snat: "192.0.2.1", flags: ["persistent", "fully-random"] } },
            { match: { protocol: "tcp", saddr: { not: "10.0.0.0/9" } }, action: { masquerade: ":1024-65535" } },
          ],
        },
        {
          name: "f",
          hook: "forward",
          rules: [
            { match: { family: "ip6", length: { atMost: 1280 } }, action: "accept" },
            { match: { length: { not: [100, 200] } }, counter: "shared" },
            { match: { length: 100 }, counter: "shared", action: "return" },
            { match: { protocol: "icmp", icmpType: "destination-unreachable", icmpCode: 4 }, action: "accept" },
            { match: { protocol: "icmpv6", icmpType: "packet-too-big" }, action: "accept" },
            {
              match: { protocol: { not: "tcp" } },
              limit: { rate: 5, per: "second" },
              log: { prefix: "no tcp ", level: "info" },
            },
            { limit: { rate: 10, per: "minute", burst: 20, over: true }, action: "drop" },
            { match: { iifname: { not: "ens*" }, ctState: ["invalid", "untracked"] }, action: { reject: true } },
            { match: { protocol: "tcp", dport: 22 }, action: { reject: "tcp reset" } },
            { match: { daddr: "10.0.0.0/8" }, action: { reject: "icmp host-prohibited" } },
            { match: { daddr: "2001:db8::/33" }, action: { reject: "icmpv6 admin-prohibited" } },
            { match: { tcpFlags: { set: [], of: ["syn", "ack"] }, mss: [500, 600] }, action: "drop" },
            { match: { protocol: 99, iifname: "weird\\*" }, action: { goto: "sub" } },
            { log: {}, comment: "höflich" },
          ],
        },
        { name: "sub" },
      ],
    };
    await s.nftables.replace(table);
    const seen = await s.nftables.get("inet", "every");
    assert(seen);
    for (const chain of seen.chains)
      for (const rule of chain.rules) assert(!rule.expressions, JSON.stringify(rule.comment));
    assert(sameTable(table, seen), printTable(seen));
    const listed = await s.nft("list", "table", "inet", "every");
    await s.nft("flush", "ruleset");
    await s.load(listed);
    const reloaded = await s.nftables.get("inet", "every");
    assert(reloaded && sameTable(table, reloaded), `${printTable(reloaded ?? table)}\n${listed}`);
    await s.nft("flush", "ruleset");
    await s.load(printTable(table));
    const printed = await s.nftables.get("inet", "every");
    assert(printed && sameTable(table, printed), printTable(printed ?? table));
  });

  it("keeps a dormant table dormant", async () => {
    await using s = await scene();
    await s.nftables.replace({ family: "ip", name: "asleep", dormant: true });
    assert.match(await s.nft("list", "ruleset"), /flags dormant/);
    const [entry] = await s.nftables.list();
    assert.deepStrictEqual({ ...entry, handle: 0n }, { family: "ip", name: "asleep", handle: 0n, dormant: true });
  });

  it("deletes, and tells whether there was something to delete", async () => {
    await using s = await scene();
    await s.nftables.replace(story);
    assert.strictEqual(await s.nftables.delete("inet", "linkwright"), true);
    assert.strictEqual(await s.nftables.delete("inet", "linkwright"), false);
    assert.strictEqual(await s.nftables.get("inet", "linkwright"), undefined);
    const counters = await s.nftables.counters("inet", "linkwright").catch((error: NftablesError) => error.code);
    assert(Array.isArray(counters) || counters === "ENOENT");
  });
});
