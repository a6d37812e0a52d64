import { deepEqual } from "node:assert/strict";
import { judge, type Packet } from "../../lib/doctor/verdict.ts";
import type { Action, Match, ObservedTable } from "../../lib/nftables/index.ts";

type Line = readonly [match: Match | undefined, action: Action];
/** A table of family inet whose forward chain has these rules; `more` are chains that it jumps to. */
function table(
  rules: readonly Line[],
  policy: "accept" | "drop" = "accept",
  more: Readonly<Record<string, readonly Line[]>> = {},
) {
  const written = (lines: readonly Line[]) =>
    lines.map(([match, action], at) => ({ ...(match !== undefined && { match }), action, handle: BigInt(at) }));
  const chains = [
    { name: "forward", hook: "forward", policy, handle: 1n, rules: written(rules) },
    ...Object.entries(more).map(([name, lines]) => ({ name, handle: 2n, rules: written(lines) })),
  ];
  return { family: "inet", name: "t", chains } as unknown as ObservedTable;
}
const PACKET: Packet = { family: "ip", in: "br-vm", out: "up0", saddr: "192.0.2.7", protocol: "tcp", ctState: "new" };
const fate = (...tables: readonly ObservedTable[]): string => judge(tables, "forward", PACKET).verdict;
/** Of which nothing is known. */
const DOUBT: Match = { protocol: "tcp", dport: [80, 90] };

describe("what a packet filter makes of a packet", () => {
  const cases: Readonly<Record<string, readonly [ObservedTable, string]>> = {
    "the policy, where no rule is for it": [table([[{ iifname: "other" }, "accept"]], "drop"), "drop"],
    "the first rule that is for it": [
      table([
        [{ iifname: "br-*" }, "accept"],
        [undefined, "drop"],
      ]),
      "accept",
    ],
    "not what it is not": [table([[{ saddr: { not: "192.0.2.0/24" } }, "drop"]]), "accept"],
    "what a chain says that it jumps to": [
      table([[undefined, { jump: "c" }]], "accept", { c: [[{ ctState: ["new"] }, "drop"]] }),
      "drop",
    ],
    "the policy, after a chain that it went to for good": [
      table(
        [
          [undefined, { goto: "c" }],
          [undefined, "drop"],
        ],
        "accept",
        { c: [[{ iifname: "other" }, "drop"]] },
      ),
      "accept",
    ],
    "drop, where it is rejected": [table([[undefined, { reject: true }]]), "drop"],
    "what is sure anyway": [table([[DOUBT, "accept"]]), "accept"],
    "nothing sure, where a rule may be for it": [table([[DOUBT, "drop"]]), "unsure"],
    "nothing sure, where it may have left the chain": [
      table([
        [DOUBT, "return"],
        [undefined, "drop"],
      ]),
      "unsure",
    ],
    "nothing sure, where it may have left a chain that it jumped to": [
      table([[undefined, { jump: "c" }]], "accept", {
        c: [
          [DOUBT, "return"],
          [undefined, "drop"],
        ],
      }),
      "unsure",
    ],
  };
  for (const [what, [one, verdict]] of Object.entries(cases)) it(`is ${what}`, () => deepEqual(fate(one), verdict));

  it("is dropped by one table, whatever the others accept", () => {
    deepEqual(fate(table([[undefined, "accept"]]), table([], "drop")), "drop");
    deepEqual(fate(table([], "accept"), { ...table([], "drop"), family: "ip6" } as ObservedTable), "accept");
  });
});
