import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { maskedAddress } from "../../lib/families/prefix.ts";
import { fibRuleHdr } from "../../lib/families/route.ts";
import { FIB_RULE, FR_ACT, fra, newrule } from "../../lib/rules/schema.ts";
import { checkRule, type Rule, type RuleConfig, ruleFromWire, ruleToWire } from "../../lib/rules/words.ts";
import { Reader, Writer } from "../../lib/wire/index.ts";
import { readAgain } from "../addresses/attributes.ts";
import { compare, compareBits, header } from "../headers.ts";
import { firstTryCounts } from "../needs.ts";

const plain = { family: "inet", action: "table", protocol: "unspec" };
const CAPTURES: Readonly<Record<string, object>> = {
  from: { ...plain, priority: 501, from: "10.0.0.0/8", table: 100 },
  not: {
    ...plain,
    priority: 502,
    not: true,
    from: "10.0.0.0/8",
    to: "10.1.1.1",
    iif: "eth9",
    iifDetached: true,
    oif: "d0",
    fwmark: 1,
    fwmask: 0xff,
    tos: 16,
    table: 1000,
    protocol: "static",
    suppressPrefixlength: 0,
    suppressIfgroup: 3,
  },
  ports: { ...plain, priority: 503, ipproto: "tcp", sport: 53, dport: "1024-2048", uidrange: 0, tunId: 39, table: 5 },
  l3mdev: { ...plain, priority: 504, l3mdev: true },
  goto: { ...plain, priority: 505, action: "goto", goto: 600, unresolved: true },
  nop: { ...plain, priority: 506, action: "nop" },
  blackhole: { ...plain, priority: 507, action: "blackhole", realm: 0x3_0004 },
  dscp: { ...plain, priority: 509, protocol: "linkwright", dscp: 46, dscpMask: 62, table: 5 },
  flowlabel: {
    ...plain,
    family: "inet6",
    priority: 510,
    protocol: "linkwright",
    flowlabel: 0x12300,
    flowlabelMask: 0xfff00,
    table: 5,
  },
  "port-masks": {
    ...plain,
    priority: 511,
    protocol: "linkwright",
    ipproto: "tcp",
    sport: 1024,
    sportMask: 0xff00,
    dport: 80,
    dportMask: 0xfff0,
    table: 5,
  },
  ipv6: {
    ...plain,
    priority: 508,
    family: "inet6",
    from: "2001:db8::/32",
    to: "2001:db8:1::1",
    action: "prohibit",
  },
};

const REFUSED: readonly (readonly [config: object, verb: string, message: RegExp])[] = [
  [{ prio: 5 }, "create", /^prio: unknown key; /],
  [{ priority: -1 }, "create", /^priority: expected a whole number from 0 to 4294967295/],
  [{ from: "10.0.0.1/8" }, "create", /^from: .* has bits set beyond its length; write 10\.0\.0\.0\/8/],
  [{ from: "10.0.0.0/8", to: "2001:db8::/32" }, "create", /^to: .* is not of the family of the other network/],
  [{ from: "10.0.0.0/8", family: "inet6" }, "create", /^family: inet6, but the networks are of the other/],
  [{ dport: "9-5" }, "create", /^dport: expected a whole number from 1 to 65534, or a range such as 1024-65534/],
  [{ dport: "0-5" }, "create", /^dport: expected/],
  [{ action: "goto" }, "create", /^goto: missing/],
  [{ goto: 5, priority: 5 }, "create", /^goto: 5 is no later rule than 5/],
  [{ action: "blackhole", table: 5 }, "create", /^table: a rule with action blackhole has none/],
  [{ l3mdev: true, table: 5 }, "create", /^table: stands beside l3mdev/],
  [{ fwmask: 5 }, "create", /^fwmark: missing; needed by fwmask/],
  [{ action: "jump" }, "create", /^action: expected one of table, goto, nop, blackhole/],
  [{ family: "inet6", realm: 5 }, "create", /^realm: is for IPv4 only/],
  [{ flowlabel: 5 }, "create", /^flowlabel: is for IPv6 only/],
  [{}, "delete", /^priority: missing; with no property at all the kernel deletes its first rule/],
  [{ family: "inet6" }, "delete", /^priority: missing/],
];

describe("rules", function () {
  firstTryCounts(this);
  for (const [name, expected] of Object.entries(CAPTURES))
    it(`reads the kernel's ${name}`, () => {
      deepEqual(ruleFromWire(readAgain(`rules/${name}.hex`, newrule, fibRuleHdr.size)), expected);
    });

  for (const [config, verb, message] of REFUSED)
    it(`refuses to ${verb} ${JSON.stringify(config)}`, () => {
      throws(() => checkRule(config as RuleConfig, verb), { code: "ERR_INPUT", message });
    });

  it("deletes by what is given alone", () => {
    const { header: head, attrs } = ruleToWire({ priority: 5 }, "delete");
    deepEqual([head.action, head.table, attrs?.priority, attrs?.protocol], [FR_ACT.UNSPEC, 0, 5, undefined]);
  });

  it("reads what it writes", () => {
    const number = fc.integer({ min: 1, max: 0xffff_fffe });
    const port = fc.integer({ min: 1, max: 0x7fff });
    const range = fc.oneof(
      port,
      fc.tuple(port, port).map(([first, more]) => `${first}-${first + more}` as const),
    );
    const network = fc
      .tuple(fc.ipV4(), fc.integer({ min: 1, max: 31 }))
      .map(([address, length]) => `${maskedAddress(address, length)}/${length}`);
    const config = fc.record(
      {
        priority: number,
        not: fc.constant(true),
        from: network,
        to: network,
        iif: fc.constantFrom("eth0", "lo"),
        oif: fc.constantFrom("eth0", "lo"),
        fwmark: number,
        tos: fc.integer({ min: 1, max: 255 }),
        dscp: fc.integer({ min: 1, max: 63 }),
        ipproto: fc.constantFrom("tcp" as const, "udp" as const, 200),
        sport: range,
        dport: range,
        uidrange: range,
        tunId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        table: fc.oneof(
          fc.constantFrom("local" as const, "default" as const),
          fc.integer({ min: 256, max: 0xffff_ffff }),
        ),
        suppressPrefixlength: fc.integer({ min: 0, max: 32 }),
        suppressIfgroup: fc.integer({ min: 0, max: 0x7fff_ffff }),
        realm: number,
        protocol: fc.constantFrom("bgp" as const, "linkwright" as const),
      },
      { requiredKeys: ["priority", "protocol", "table"] },
    );
    fc.assert(
      fc.property(config, (given) => {
        checkRule(given, "create");
        const out = new Writer();
        newrule.body.write(out, ruleToWire(given, "create"));
        const bytes = out.finish();
        const found = ruleFromWire(newrule.body.read(new Reader(bytes), 0, bytes.length)) as Rule;
        deepEqual(found, { family: "inet", action: "table", ...given } satisfies Rule);
      }),
    );
  });

  it("numbers are those of fib_rules.h, all of them", function () {
    const numbers = header(this, "fib_rules.h");
    const { checked, wrong } = compare(numbers, fra);
    deepEqual(wrong, []);
    ok(checked >= 24);
    deepEqual(compareBits(numbers, "FR_ACT", FR_ACT), { checked: Object.keys(FR_ACT).length, wrong: [] });
    deepEqual(compareBits(numbers, "FIB_RULE", FIB_RULE), { checked: Object.keys(FIB_RULE).length, wrong: [] });
    equal(numbers.get("FRA_DPORT_RANGE"), 24);
  });
});
