/** What differs between two tables, in the words in which rules are printed. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { compareTables, type FriendlyRule, sameTable, type Table } from "../../lib/nftables/index.ts";
import { firstTryCounts } from "../needs.ts";

const rule = (dport: number, more: Partial<FriendlyRule> = {}): FriendlyRule => ({
  match: { protocol: "tcp", dport },
  action: "accept",
  ...more,
});
const table = (...rules: readonly FriendlyRule[]): Table => ({
  family: "inet",
  name: "t",
  chains: [{ name: "c", hook: "forward", rules }],
});
const [a, b, c, d] = [rule(1), rule(2), rule(3), rule(4)];

/** The differences as lines: `-` for what is there, `+` for what shall be. */
function lines(wanted: Table | undefined, seen: Table | undefined): string[] {
  return compareTables(wanted, seen).differences.map(
    ({ field, from, to }) => `${field}${from === undefined ? "" : ` - ${from}`}${to === undefined ? "" : ` + ${to}`}`,
  );
}

describe("compareTables", function () {
  firstTryCounts(this);
  it("finds rules that were added, removed, changed and moved", () => {
    deepEqual(lines(table(a, b), table(a, b)), []);
    deepEqual(lines(table(a, b), table(a)), ["rule + c: tcp dport 2 accept"]);
    deepEqual(lines(table(a), table(d, a)), ["rule - c: tcp dport 4 accept"]);
    deepEqual(lines(table(a, b, c), table(a, d, c)), ["rule - c: tcp dport 4 accept + c: tcp dport 2 accept"]);
    deepEqual(lines(table(a, b, c), table(b, c, a)), [
      "rule - c, place 3: tcp dport 1 accept + c, place 1: tcp dport 1 accept",
    ]);
    deepEqual(lines(table(a, a), table(a)), ["rule + c: tcp dport 1 accept"]);
  });

  it("knows a changed rule by its comment, wherever it is", () => {
    const [mine, theirs] = [rule(1, { comment: "ours" }), rule(1, { comment: "ours", action: "drop" })];
    deepEqual(lines(table(mine, b, c), table(b, c, theirs)), ["rule - c: tcp dport 1 drop + c: tcp dport 1 accept"]);
    deepEqual(lines(table(mine), table(a)), ['rule - c: tcp dport 1 accept + c: tcp dport 1 accept comment "ours"']);
  });

  it("tells chains, counters, comments and tables that come and go", () => {
    const head = "c: type filter hook forward priority filter; policy";
    const closed: Table = { ...table(a), chains: [{ name: "c", hook: "forward", policy: "drop", rules: [a] }] };
    deepEqual(lines(table(a), closed), [`chain - ${head} drop; + ${head} accept;`]);
    deepEqual(lines(table(a), undefined), [`chain + ${head} accept;`, "rule + c: tcp dport 1 accept"]);
    deepEqual(lines(undefined, table(a)), [`chain - ${head} accept;`, "rule - c: tcp dport 1 accept"]);
    deepEqual(lines({ ...table(a), comment: "x", dormant: true }, table(a)), ["comment + x", "dormant + true"]);
    deepEqual(lines(table(a), { ...table(a), counters: [{ name: "n" }] }), ["counter - n"]);
    deepEqual(lines(table(a), { ...table(a), others: 2 } as Table), ["others - 2 sets, maps or other objects"]);
    const jump = { ...table(a), chains: [{ name: "c", rules: [{ action: { jump: "gone" } }] }] };
    equal(lines(table(a), jump)[0]?.startsWith("table - chains[0].rules[0].action: the table has no chain"), true);
  });

  it("counts everything once, and is silent exactly where tables are the same", () => {
    const rules = fc.array(fc.constantFrom(a, b, c, d, rule(1, { comment: "x" }), rule(2, { comment: "x" })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(rules, rules, (one, other) => {
        const { same, differences } = compareTables(table(...one), table(...other));
        equal(differences.length === 0, sameTable(table(...one), table(...other)));
        // The head of the chain, and the rules.
        equal(same.length + differences.filter(({ to }) => to !== undefined).length, one.length + 1);
        equal(same.length + differences.filter(({ from }) => from !== undefined).length, other.length + 1);
        ok(differences.every(({ from, to }) => from !== to));
      }),
    );
  });
});
