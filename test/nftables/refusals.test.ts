import assert from "node:assert";
import {
  commandsFor,
  NftablesError,
  printRule,
  printTable,
  priorityOf,
  type Rule,
  type Table,
} from "../../lib/nftables/index.ts";
import { quote } from "../../lib/nftables/print.ts";
import { explain } from "../../lib/nftables/refusal.ts";
import { NetlinkError } from "../../lib/socket/index.ts";

const nat: Table = {
  family: "inet",
  name: "t",
  chains: [{ name: "post", type: "nat", hook: "postrouting", priority: "srcnat" }],
};
const withRule = (rule: unknown, table: Table = nat): Table => ({
  ...table,
  chains: (table.chains ?? []).map((chain) => ({ ...chain, rules: [rule as Rule] })),
});

/** What is refused, and the words. */
const cases: readonly (readonly [Table | unknown, string])[] = [
  [
    { ...nat, name: "snat" },
    'name: "snat" is a word of nft itself, which could not list it again: write lw_snat, for example',
  ],
  [
    { ...nat, name: "1st" },
    'name: a name begins with a letter and has letters, digits, "/", "-", "_" and ".", got "1st"',
  ],
  [{ ...nat, name: "x".repeat(256) }, "name: a name has at most 255 characters, got 256"],
  [{ ...nat, family: "netdev" }, 'family: expected one of ip, ip6, inet, bridge, got "netdev"'],
  [
    { ...nat, chain: [] },
    "chain: unknown; known are family, name, comment, dormant, counters, chains, handle, others, generation, consistent",
  ],
  [
    { ...nat, chains: [{ name: "fwd" }] },
    'chains[0].name: "fwd" is a word of nft itself, which could not list it again: write lw_fwd, for example',
  ],
  [{ ...nat, chains: [{ name: "a" }, { name: "a" }] }, "chains[1].name: there are two chains called a"],
  [
    { ...nat, chains: [{ name: "a", policy: "drop" }] },
    "chains[0].policy: is for a chain with a hook: add hook, or leave it out",
  ],
  [
    { ...nat, chains: [{ name: "a", hook: "ingress" }] },
    'chains[0].hook: expected one of prerouting, input, forward, output, postrouting, got "ingress"',
  ],
  [
    { ...nat, chains: [{ name: "a", hook: "forward", type: "nat" }] },
    "chains[0].hook: NAT does not happen at forward: use postrouting for masquerade and snat, prerouting for dnat",
  ],
  [
    { ...nat, chains: [{ name: "a", hook: "output", type: "nat", priority: "raw" }] },
    "chains[0].priority: NAT needs the connection, which is known after -200: use srcnat or dnat",
  ],
  [
    { ...nat, chains: [{ name: "a", hook: "output", priority: "scrnat" }] },
    'chains[0].priority: expected a number or one of raw, mangle, dstnat, filter, security, srcnat as in "filter - 10", got "scrnat"',
  ],
  [
    withRule({ match: { sadr: "10.0.0.0/8" }, action: "drop" }),
    "chains[0].rules[0].match.sadr: unknown; known are family, saddr, daddr, iifname, oifname, ibrname, obrname, protocol, sport, dport, icmpType, icmpCode, tcpFlags, mss, length, ctState",
  ],
  [
    withRule({ match: { saddr: "10.0.0.1/8" }, action: "drop" }),
    "chains[0].rules[0].match.saddr: 10.0.0.1/8 has bits behind its prefix: write 10.0.0.0/8",
  ],
  [
    withRule({ match: { saddr: "10.0.0.0/33" }, action: "drop" }),
    "chains[0].rules[0].match.saddr: a prefix of IPv4 has 1 to 32 bits, got 10.0.0.0/33",
  ],
  [
    withRule({ match: { saddr: "0.0.0.0/0" }, action: "drop" }),
    "chains[0].rules[0].match.saddr: 0.0.0.0/0 matches every IPv4 packet: leave it out, or write family: ip",
  ],
  [
    withRule({ match: { saddr: "10.0.0" }, action: "drop" }),
    'chains[0].rules[0].match.saddr: expected an address or a prefix such as 12.12.139.0/24, got "10.0.0"',
  ],
  [
    withRule({ match: { saddr: "10.0.0.0/8", daddr: "2001:db8::/32" }, action: "drop" }),
    "chains[0].rules[0].match.daddr: is IPv6, but match.saddr is IPv4: write two rules, one for each",
  ],
  [
    withRule({ match: { saddr: "2001:db8::/32" }, action: "drop" }, { ...nat, family: "ip" }),
    "chains[0].rules[0].match.saddr: is IPv6, but a table of family ip is IPv4: write two rules, one for each",
  ],
  [
    withRule({ match: { saddr: "2001:db8::/32" }, action: { snat: "192.0.2.1" } }),
    "chains[0].rules[0].action.snat: is IPv4, but match.saddr is IPv6: write two rules, one for each",
  ],
  [
    withRule({ match: { oifname: "sixteen-letters-" }, action: "drop" }),
    `chains[0].rules[0].match.oifname: an interface's name has at most 15 bytes, "sixteen-letters-" has 16`,
  ],
  [
    withRule({ match: { oifname: "*" }, action: "drop" }),
    'chains[0].rules[0].match.oifname: "*" matches every interface: leave it out',
  ],
  [
    withRule({ match: { oifname: "a b" }, action: "drop" }),
    'chains[0].rules[0].match.oifname: expected the name of an interface, got "a b"',
  ],
  [
    withRule({ match: { ibrname: "br" }, action: "drop" }),
    "chains[0].rules[0].match.ibrname: only a table of family bridge knows the bridge: match iifname",
  ],
  [
    withRule({ match: { dport: 80 }, action: "drop" }),
    "chains[0].rules[0].match.dport: ports need a protocol that has them: add protocol: tcp or udp",
  ],
  [
    withRule({ match: { protocol: "udp", dport: 65536 }, action: "drop" }),
    "chains[0].rules[0].match.dport: expected a whole number from 0 to 65535, got 65536",
  ],
  [
    withRule({ match: { length: [1500, 1455] }, action: "drop" }),
    "chains[0].rules[0].match.length: the range ends before it begins: write [1455, 1500]",
  ],
  [
    withRule({ match: { length: { above: 5 } }, action: "drop" }),
    'chains[0].rules[0].match.length: expected one of not, over, atLeast, under, atMost, got {"above":5}',
  ],
  [
    withRule({ match: { ctState: [] }, action: "drop" }),
    "chains[0].rules[0].match.ctState: expected a list of invalid, established, related, new, untracked, got []",
  ],
  [
    withRule({ match: { protocol: "udp" }, action: { clampMss: 1410 } }),
    "chains[0].rules[0].match.protocol: this rule is about TCP: write protocol: tcp, or leave it out",
  ],
  [
    withRule({ match: { iifname: "x" } }),
    "chains[0].rules[0].action: the rule does nothing: give it an action, a counter or a log",
  ],
  [
    withRule({ action: { masquerade: "192.0.2.1" } }),
    'chains[0].rules[0].action.masquerade: takes the address of the interface; write ports only, such as ":1024-65535", or use snat',
  ],
  [
    withRule({ action: { snat: "192.0.2.1:80" } }),
    "chains[0].rules[0].action.snat: ports need a protocol that has them: add match: { protocol: tcp }",
  ],
  [
    withRule({ action: { dnat: "192.0.2.1" } }),
    "chains[0].rules[0].action.dnat: works only in a chain of type nat at prerouting or output; post is of type nat at postrouting",
  ],
  [
    withRule({ action: { jump: "nowhere" } }),
    "chains[0].rules[0].action: the table has no chain called nowhere: add it to chains",
  ],
  [
    withRule({ action: { jump: "post" } }),
    "chains[0].rules[0].action: post has a hook of its own: only chains without one can be jumped to",
  ],
  [withRule({ counter: "c" }), "chains[0].rules[0].counter: the table has no counter called c: add it to counters"],
  [
    withRule({ action: "drop", comment: 'say "no"' }),
    "chains[0].rules[0].comment: nft has no way to write quotes, newlines and control characters: leave them out",
  ],
  [
    withRule({ action: "drop", comment: "ü".repeat(65) }),
    "chains[0].rules[0].comment: nft shows comments of at most 128 bytes, this has 130",
  ],
  [
    withRule({ action: { reject: "icmp nonsense" } }),
    'chains[0].rules[0].action.reject: expected true, "tcp reset", or icmpx, icmp or icmpv6 with a reason such as "icmpx admin-prohibited", got "icmp nonsense"',
  ],
  [
    withRule({ action: { masquerade: true } }, { ...nat, family: "bridge", chains: [{ name: "a" }] }),
    "chains[0].rules[0].action.masquerade: a bridge table has no NAT: put the rule into a table of family inet, ip or ip6",
  ],
  [
    withRule({ action: { clampMss: "rt mtu" } }, { ...nat, family: "bridge", chains: [{ name: "a" }] }),
    "chains[0].rules[0].action.clampMss: a bridge has no routes: write the number of bytes, such as 1410",
  ],
  [
    withRule({ expressions: [{ kind: "lookup", data: { set: "s" } }] }),
    "chains[0].rules[0]: looks into a set, and sets are not written: write one rule for each element",
  ],
];

describe("nftables: refused before anything is sent", () => {
  for (const [table, words] of cases)
    it(words, () => {
      assert.throws(
        () => commandsFor(table as Table),
        (error) => {
          assert(error instanceof NftablesError, String(error));
          assert.strictEqual(error.message, words);
          assert.strictEqual(error.code, "ERR_INVALID");
          return true;
        },
      );
    });
});

describe("nftables: the kernel's refusals in words", () => {
  const steps = [{ command: undefined as never, path: "chains[0]", what: "chain a" }];
  const say = (code: number, request: string, attribute?: string, index?: number): string => {
    const error = explain(new NetlinkError({ errno: code, request, attribute, index }), "replace", "table ip t", steps);
    assert(error instanceof NftablesError);
    return error.message;
  };

  it("names the chain and the field", () => {
    assert.strictEqual(
      say(-95, "NFT_MSG_NEWCHAIN", "hook.priority", 0),
      "cannot replace table ip t: chain a: a chain of the type cannot stand at this hook with this priority (EOPNOTSUPP, at chains[0].priority)",
    );
  });
  it("says what a missing family is", () => {
    assert.strictEqual(
      say(-97, "NFT_MSG_NEWTABLE"),
      "cannot replace table ip t: this kernel has no nf_tables for the family (EAFNOSUPPORT)",
    );
  });
  it("falls back to the meaning of the number", () => {
    assert.match(say(-5, "NFT_MSG_NEWRULE"), /^cannot replace table ip t: i\/o error \(EIO\)$/);
  });
  it("lets other errors pass", () => {
    const other = new TypeError("x");
    assert.strictEqual(explain(other, "replace", "table ip t", []), other);
  });
});

describe("nftables: text for people", () => {
  it("escapes what could harm a terminal or mislead a reader", () => {
    assert.strictEqual(quote('a"b\u001b[31m\n\udcff\u202e'), '"a\\x22b\\x1b[31m\\x0a\\xff\\u{202e}"');
    assert.strictEqual(
      printRule("ip", { match: { iifname: "e\u001b" }, action: "drop", comment: "\r" }),
      'iifname "e\\x1b" drop comment "\\x0d"',
    );
  });

  it("knows priorities by name", () => {
    assert.deepStrictEqual(
      ["srcnat", "dstnat", "filter", "filter - 10", "mangle+5"].map((name) => priorityOf("inet", name)),
      [100, -100, 0, -10, -145],
    );
    assert.deepStrictEqual(
      ["srcnat", "dstnat", "filter", "out"].map((name) => priorityOf("bridge", name)),
      [300, -300, -200, 100],
    );
  });

  it("prints a table", () => {
    const table: Table = {
      family: "inet",
      name: "lw",
      comment: "ours",
      counters: [{ name: "c", comment: "shared" }],
      chains: [
        {
          name: "f",
          hook: "forward",
          priority: -5,
          policy: "drop",
          rules: [{ counter: "c", action: { reject: true } }],
        },
      ],
    };
    assert.strictEqual(
      printTable(table),
      `table inet lw {
  comment "ours"
  counter c {
    comment "shared"
  }
  chain f {
    type filter hook forward priority -5; policy drop;
    counter name "c" reject
  }
}
`,
    );
  });
});
