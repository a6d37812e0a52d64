import assert from "node:assert";
import {
  describe as describeRule,
  encodeRule,
  type Family,
  isRaw,
  printRule,
  type Rule,
} from "../../lib/nftables/index.ts";
import { newChain, newGen, newObject, newRule, newTable } from "../../lib/nftables/messages.ts";
import { chainEntry, readings, tableEntry } from "../../lib/nftables/observe.ts";
import { commentOf } from "../../lib/nftables/userdata.ts";
import { type Message, NLMSG_HDRLEN, Reader, split, Writer, writeMessage } from "../../lib/wire/index.ts";
import { captured, decoded } from "./fixture.ts";

const files = ["story.hex", "blackhole.hex", "mss.hex", "foreign.hex"];
const kinds: readonly Message<never, unknown>[] = [newTable, newChain, newRule, newObject, newGen];
const familyOf = (file: string): Family => (file === "story.hex" ? "inet" : file === "foreign.hex" ? "ip" : "bridge");

/** Attributes as a tree, each nest in the order of its numbers, without padding and the mark of nests. */
function tree(payload: Uint8Array, depth: number): unknown {
  try {
    const attributes = split(payload);
    if (depth === 0 || attributes.length === 0 || attributes.some(({ type }) => (type & 0x3fff) === 0))
      throw new Error();
    const used = attributes.reduce((sum, attr) => sum + 4 + ((attr.payload.length + 3) & ~3), 0);
    if (used !== ((payload.length + 3) & ~3)) throw new Error();
    return attributes
      .map((attr, at) => [attr.type & 0x3fff, at, tree(attr.payload, depth - 1)] as const)
      .sort(([a, i], [b, j]) => a - b || i - j)
      .map(([number, , inner]) => [number, inner]);
  } catch {
    return Buffer.from(payload).toString("hex");
  }
}

function rules(file: string): readonly Rule[] {
  return decoded(file, newRule).map(({ attrs }) =>
    describeRule(familyOf(file), attrs.expressions ?? [], commentOf(attrs.userdata)),
  );
}

describe("nftables: captured dumps", () => {
  for (const file of files)
    it(`${file}: what is read and written again has the same attributes`, () => {
      for (const { name, bytes } of captured(file)) {
        const kind = kinds.find((candidate) => candidate.name === `NFT_MSG_${name}`) as Message<unknown, unknown>;
        const whole = new Uint8Array(bytes);
        const value = kind.body.read(new Reader(whole), NLMSG_HDRLEN, whole.length);
        const out = new Writer();
        writeMessage(out, kind, value, 0, 1);
        const [again, before] = [out.finish(), whole].map((message) => message.slice(NLMSG_HDRLEN));
        assert.deepStrictEqual(again?.slice(0, 4), before?.slice(0, 4));
        assert.deepStrictEqual(tree(again?.slice(4) ?? whole, 6), tree(before?.slice(4) ?? whole, 6), name);
      }
    });

  it("story.hex: every rule in words, and what has none in brackets", () => {
    assert.deepStrictEqual(
      rules("story.hex").map((rule) => printRule("inet", rule)),
      [
        'ip saddr 12.12.139.0/24 oifname "ens34f0" masquerade comment "nat br-vm"',
        'ip saddr 198.51.100.0/25 ip daddr != 198.51.100.0/24 oifname "ens34f0" masquerade',
        'ip saddr 198.51.100.8/29 oifname "ens*" masquerade random,persistent',
        'ip saddr 198.51.100.9 oifname "ens34f0" snat ip to 192.0.2.23',
        'ip6 saddr 2001:db8:39::/64 oifname "ens34f0" counter packets 0 bytes 0 masquerade',
        'ip6 saddr 2001:db8:39:8000::/49 oifname != "ens34f0" masquerade',
        'ip daddr 192.0.2.23 iifname "ens34f0" tcp dport 6443 dnat ip to 198.51.100.11:6443',
        'ip6 daddr 2001:db8::23 iifname "ens34f0" tcp dport 443 dnat ip6 to [2001:db8:39::b]:8443',
        'iifname "ens34f0" tcp dport 8000-8009 redirect to :80',
        'iifname "br-vm" oifname "ens34f0" accept',
        'iifname "ens34f0" oifname "br-vm" ct state established,related accept',
        "ct state invalid drop",
        'iifname "br-vm" oifname "br-vm" counter packets 7 bytes 4900 accept',
        "ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp sport 1024 tcp dport 2048 accept",
        "tcp flags syn tcp option maxseg size set rt mtu",
        "tcp flags syn / syn,rst tcp option maxseg size set 1360",
        'oifname "ens34f0" tcp flags syn / syn,rst tcp option maxseg size > 1360 tcp option maxseg size set 1360',
        '[ meta key "iifname" dreg 1 ] [ lookup set "__set0" sreg 1 flags 0 ] [ immediate dreg 0 data verdict code "accept" ]',
        "icmp type destination-unreachable icmp code 4 accept",
        'udp dport 4789 limit rate 5/second log prefix "ev " reject with icmpx port-unreachable',
        "meta nfproto ipv6 udp dport != 4000-4789 meta length 1455-1500 drop",
        '[ meta key "nfproto" dreg 1 ] [ cmp sreg 1 op "eq" data value 0x02 ] [ payload dreg 1 base "network" offset 12 len 4 ] ' +
          '[ bitwise sreg 1 dreg 1 len 4 op "mask_xor" mask value 0x00000000 xor value 0x00000000 ] ' +
          '[ cmp sreg 1 op "eq" data value 0x00000000 ] [ immediate dreg 0 data verdict code "accept" ]',
        "reject with icmpx port-unreachable",
        "tcp dport 22 reject with tcp reset",
        "ip daddr 10.0.0.0/8 reject with icmp host-prohibited",
        'limit rate over 10/minute burst 20 packets log prefix "over " level debug drop',
        "jump lw_sub",
        "goto lw_sub",
        "meta length > 1500 counter packets 0 bytes 0",
        "meta length 1500 counter packets 0 bytes 0",
        "meta length != 100-200 counter packets 0 bytes 0",
        "return",
      ],
    );
  });

  for (const file of files)
    it(`${file}: a rule in words gives a rule of the same words`, () => {
      for (const rule of rules(file)) {
        if (isRaw(rule)) continue;
        assert.deepStrictEqual(describeRule(familyOf(file), encodeRule(familyOf(file), rule), rule.comment), rule);
      }
    });

  it("foreign.hex: matches and targets of iptables are kept whole", () => {
    const seen = rules("foreign.hex").map((rule) => printRule("ip", rule));
    assert.deepStrictEqual(
      seen.map((text) => text.match(/\[ (?:xt [^\]]*|[a-z]+)/g)?.map((step) => step.slice(2).trim())),
      [
        ["meta", "cmp", "payload", "cmp", "counter", 'xt target "MASQUERADE"'],
        ["meta", "cmp", "meta", "cmp", 'xt match "comment"', "counter", "immediate"],
        ['xt match "conntrack"', "counter", "immediate"],
        ["meta", "cmp", "payload", "bitwise", "cmp", "counter", 'xt target "TCPMSS"'],
      ],
    );
    const counts = readings(decoded("foreign.hex", newRule), decoded("foreign.hex", newObject));
    assert.deepStrictEqual(
      counts.map(({ chain }) => chain),
      ["POSTROUTING", "FORWARD", "FORWARD", "FORWARD"],
    );
    const forward = decoded("foreign.hex", newChain)
      .map(chainEntry)
      .find(({ name }) => name === "FORWARD");
    assert.deepStrictEqual(
      [forward?.hook, forward?.policy, forward?.priority, forward?.table],
      ["forward", "drop", 0, "filter"],
    );
  });

  it("tables and chains have their comments", () => {
    assert.deepStrictEqual(decoded("story.hex", newTable).map(tableEntry), [
      { family: "inet", name: "lw", handle: 1n, comment: "linkwright", dormant: false },
    ]);
    const chains = decoded("story.hex", newChain).map(chainEntry);
    assert.deepStrictEqual(
      chains.map(({ name, hook, priority, comment }) => [name, hook, priority, comment]),
      [
        ["lw_post", "postrouting", 100, undefined],
        ["lw_pre", "prerouting", -100, undefined],
        ["lw_fwd", "forward", 0, undefined],
        ["lw_sub", undefined, undefined, "a chain that others jump to"],
      ],
    );
  });
});
