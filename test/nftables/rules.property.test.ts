import assert from "node:assert";
import fc from "fast-check";
import { kinds } from "../../lib/nftables/expressions/index.ts";
import {
  type Action,
  type Compared,
  commandsFor,
  describe as describeRule,
  encodeRule,
  type Family,
  isRaw,
  type Match,
  NftablesError,
  type Not,
  normalRule,
  printRule,
  type Rule,
  sameTable,
  type Table,
} from "../../lib/nftables/index.ts";
import { newRule } from "../../lib/nftables/messages.ts";
import { NLMSG_HDRLEN, Reader, Writer, writeMessage } from "../../lib/wire/index.ts";
import { firstTryCounts } from "../needs.ts";

const maybeNot = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Not<T>> =>
  fc.oneof(
    value,
    value.map((not) => ({ not })),
  );
const compared = (max: number): fc.Arbitrary<Compared> => {
  const number = fc.integer({ min: 0, max });
  const range = fc.tuple(number, number).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  return fc.oneof(
    maybeNot<number | readonly [number, number]>(fc.oneof(number, range)),
    number.map((over) => ({ over })),
    number.map((atLeast) => ({ atLeast })),
    number.map((under) => ({ under })),
    number.map((atMost) => ({ atMost })),
  );
};

function prefix(bytes: readonly number[], length: number): string {
  const masked = bytes.map((byte, at) => byte & ((0xff << (8 - Math.max(0, Math.min(8, length - 8 * at)))) & 0xff));
  if (masked.length === 4) return `${masked.join(".")}/${length}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((masked[2 * i] ?? 0) << 8) | (masked[2 * i + 1] ?? 0)).toString(16),
  );
  return `${groups.join(":")}/${length}`;
}
const address = (family: "ip" | "ip6"): fc.Arbitrary<string> => {
  const size = family === "ip" ? 4 : 16;
  const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: size, maxLength: size });
  return fc.tuple(bytes, fc.integer({ min: 1, max: 8 * size })).map(([given, length]) => prefix(given, length));
};
const letters = [..."abcxyz019-_.@+ü\udcff"];
const iface = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.join(""))
  .filter((name) => name !== "." && name !== "..")
  .chain((name) => fc.constantFrom(name, `${name}*`, `${name}\\*`));

const flags = fc.subarray(["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"] as const, { minLength: 1 });
const common = (network: "ip" | "ip6"): Record<string, fc.Arbitrary<unknown>> => ({
  family: fc.constant(network),
  saddr: maybeNot(address(network)),
  daddr: maybeNot(address(network)),
  iifname: maybeNot(iface),
  oifname: maybeNot(iface),
  mss: compared(0xffff),
  length: compared(0xffff_ffff),
  tcpFlags: fc.oneof(
    flags.chain((of) => fc.subarray(of).map((set) => ({ set, of }))),
    flags.map((any) => ({ any })),
  ),
  ctState: fc.subarray(["invalid", "established", "related", "new", "untracked"] as const, { minLength: 1 }),
});
const partial = (record: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Match> =>
  fc.record(record, { requiredKeys: [] }) as fc.Arbitrary<Match>;

const matches = (network: "ip" | "ip6"): fc.Arbitrary<Match> => {
  const { mss: _, tcpFlags: __, ...rest } = common(network);
  const protocol = maybeNot(fc.oneof(fc.constantFrom("tcp", "udp", "gre", "icmp"), fc.integer({ min: 0, max: 255 })));
  const ports = { sport: compared(0xffff), dport: compared(0xffff) };
  const icmp = { icmpType: fc.integer({ min: 0, max: 255 }), icmpCode: fc.integer({ min: 0, max: 255 }) };
  return fc.oneof(
    partial({ ...rest, protocol }),
    partial(common(network)),
    fc
      .tuple(partial({ ...rest, ...ports }), fc.constantFrom("tcp", "udp", "sctp"))
      .map(([match, name]) => ({ ...match, protocol: name })),
    fc
      .tuple(partial({ ...rest, ...icmp }))
      .map(([match]) => ({ ...match, protocol: network === "ip" ? "icmp" : "icmpv6" })),
  ) as fc.Arbitrary<Match>;
};

const port = fc.integer({ min: 1, max: 65535 });
const natFlags = fc.subarray(["random", "fully-random", "persistent"] as const);
const actions = (family: Family, network: "ip" | "ip6"): fc.Arbitrary<Action | undefined> => {
  const host = network === "ip" ? "192.0.2.1" : "2001:db8::1";
  const kind = fc.constantFrom("snat", "dnat");
  const nat = fc.tuple(kind, natFlags).map(([name, list]) => ({ [name]: host, flags: list }) as unknown as Action);
  const bare = fc
    .tuple(fc.constantFrom("masquerade", "redirect"), natFlags)
    .map(([name, list]) => ({ [name]: true, flags: list }) as unknown as Action);
  const plain = fc.constantFrom<Action | undefined>(
    "accept",
    "drop",
    "return",
    { jump: "x" },
    { goto: "y.z" },
    { reject: true },
    undefined,
  );
  return family === "bridge" ? plain : fc.oneof(plain, nat, bare);
};

const rule = (family: Family): fc.Arbitrary<Rule> =>
  fc.constantFrom(...(family === "ip" || family === "ip6" ? [family] : (["ip", "ip6"] as const))).chain(
    (network) =>
      fc.record({
        match: matches(network),
        counter: fc.constantFrom("named", { packets: 1n, bytes: 2n ** 63n }),
        action: actions(family, network),
        comment: fc.option(
          fc.string({ maxLength: 20 }).filter((text) => !/["\p{Cc}]/u.test(text)),
          { nil: undefined },
        ),
        limit: fc.option(
          fc.record({ rate: port, per: fc.constantFrom("second", "minute", "hour", "day", "week"), burst: port }),
          { nil: undefined },
        ),
        log: fc.option(fc.record({ prefix: fc.constant("p "), level: fc.constantFrom("emerg", "warn", "debug") }), {
          nil: undefined,
        }),
      }) as fc.Arbitrary<Rule>,
  );

const families: readonly Family[] = ["ip", "ip6", "inet", "bridge"];

/** Through the bytes of a message and back. */
function overTheWire(family: Family, value: Rule): Rule {
  const out = new Writer();
  const header = { family: 1, version: 0, resId: 0 };
  writeMessage(out, newRule, { header, attrs: { expressions: encodeRule(family, value) } }, 0, 1);
  const { attrs } = newRule.body.read(new Reader(out.finish()), NLMSG_HDRLEN, out.length);
  return describeRule(family, attrs.expressions ?? [], value.comment);
}

describe("nftables: any rule", function () {
  firstTryCounts(this);
  for (const family of families)
    it(`of family ${family} reads back as its one form`, () => {
      fc.assert(
        fc.property(rule(family), (given) => {
          const normal = normalRule(family, given);
          assert.deepStrictEqual(normalRule(family, normal), normal);
          const seen = overTheWire(family, given);
          assert.deepStrictEqual(seen, normal);
          assert(!isRaw(seen));
          assert.doesNotMatch(printRule(family, seen), /\p{Cc}/u);
        }),
        { numRuns: 1000 },
      );
    });

  it("any steps can be described and printed, and none is lost", () => {
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    const number = fc.oneof(fc.integer({ min: 0, max: 24 }), fc.constant(undefined));
    const step = fc.tuple(
      fc.constantFrom(...names),
      fc.dictionary(fc.constantFrom("dreg", "sreg", "len", "offset", "#9"), number),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), fc.constantFrom(...families), (steps, family) => {
        const given = steps.map(([kind, data]) => ({ kind, data })) as never;
        const seen = describeRule(family, given);
        printRule(family, seen);
        if (isRaw(seen)) assert.deepStrictEqual(seen.expressions, given);
      }),
    );
  });

  it("a table is the same as itself, and not as one with another rule", () => {
    fc.assert(
      fc.property(fc.array(rule("inet"), { maxLength: 5 }), rule("inet"), (rules, extra) => {
        const targets = [{ name: "x" }, { name: "y.z" }];
        const make = (list: readonly Rule[]): Table => ({
          family: "inet",
          name: "t",
          counters: [{ name: "named" }],
          chains: [...targets, { name: "c", rules: list }],
        });
        assert(sameTable(make(rules), make(rules)));
        assert(!sameTable(make(rules), make([...rules, extra])));
        assert.strictEqual(commandsFor(make(rules)).length, 7 + rules.length);
      }),
    );
  });

  it("nonsense is refused with the path of the field, and never crashes", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true }),
        fc.constantFrom("match", "action", "limit", "log", "counter", "comment"),
        (value, key) => {
          try {
            encodeRule("inet", { action: "accept", [key]: value } as Rule);
          } catch (error) {
            assert(error instanceof NftablesError, String(error));
            assert(error.path.startsWith(key) || error.path === "action", error.path);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
