/** Steps for sysctls and for our nftables table. */
import { compareTables, sameTable, type Table } from "../nftables/index.ts";
import { alsoWrites, standsFor } from "../sysctl/effect.ts";
import { parseKey } from "../sysctl/key.ts";
import { normalizeValue } from "../sysctl/range.ts";
import { isSecret } from "../sysctl/secret.ts";
import type { DesiredSysctl } from "./desired.ts";
import { interfaceOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { droppingChains, TABLE } from "./policy.ts";
import { Hidden, secretAgain } from "./secrets.ts";
import { DIFFERS, type Difference, type Request, type Words } from "./step.ts";
import { expectation } from "./swap-table.ts";

/** Whether writing `trigger` rewrites `key`. */
function rewrites(trigger: string, key: string): boolean {
  const path = parseKey(key);
  return (
    trigger !== key &&
    alsoWrites(parseKey(trigger)).some(
      (pattern) => pattern.length === path.length && pattern.every((part, i) => standsFor(part, path[i] ?? "")),
    )
  );
}

/** What a step that sets a sysctl does and tells; a secret, and the one that it takes the place of, are told nobody. */
function settingOf(
  { before }: Planner,
  { key, value }: DesiredSysctl,
  seen: string | undefined,
): { readonly told: Difference; readonly set: Words; readonly back: readonly Request[] } {
  const path = parseKey(key);
  const from = seen ?? before.sysctls?.[key];
  if (isSecret(path)) {
    const wanted = "the document's secret";
    const is = from === undefined || normalizeValue(from) === normalizeValue(value) ? from && wanted : "another secret";
    const back = seen === undefined ? [] : [secretAgain(path[3] ?? "")];
    return { told: { field: "value", from: is, to: wanted }, set: { key, value: new Hidden(value) }, back };
  }
  const saved = before.rewritten?.[key] ?? (seen === undefined ? [] : [{ key, value: seen }]);
  const back: readonly Request[] = saved.length === 0 ? [] : [{ object: "sysctl", verb: "restore", words: { saved } }];
  return { told: { field: "value", from, to: value }, set: { key, value }, back };
}

function planSysctl(planner: Planner, one: DesiredSysctl, seen: string | undefined, by: readonly string[]): void {
  const { key, path } = one;
  const { told, set, back } = settingOf(planner, one, seen);
  const again = seen === undefined && planner.before.sysctls?.[key] !== undefined;
  planner.add({
    action: "change",
    object: "sysctl",
    subject: key,
    path,
    reason: by.length > 0 ? `${by.join(", ")} rewrites it` : again ? "goes with its link, and is set again" : DIFFERS,
    differences: [told],
    needs: [...planner.linkIds(interfaceOf(key)), ...by.map((other) => `sysctl ${other}`)],
    moves: [move({ object: "sysctl", verb: "set", words: set }, ...back)],
  });
}

/** All steps for sysctls. Those of an interface come after it, and after those that rewrite them. */
export function planSysctls(planner: Planner, world: Observed): void {
  const { sysctls } = planner.desired;
  const differs = (one: DesiredSysctl): boolean => {
    const seen = world.sysctls?.[one.key];
    return seen === undefined || normalizeValue(seen) !== normalizeValue(one.value);
  };
  const changed = sysctls.filter(differs).map(({ key }) => key);
  for (const one of sysctls) {
    const seen = world.sysctls?.[one.key];
    const dev = interfaceOf(one.key);
    if (dev !== undefined && !planner.willExist(dev)) {
      planner.sayMissing(dev, one.path, "key");
      continue;
    }
    const appears = dev !== undefined && (planner.ends.has(dev) || world.links.every(({ name }) => name !== dev));
    if (seen === undefined && !appears) {
      planner.say(one.path, `this kernel has no sysctl ${one.key}; leave it out, or load what brings it`, "key");
      continue;
    }
    const by = changed.filter((trigger) => rewrites(trigger, one.key));
    if (seen !== undefined && !differs(one) && by.length === 0) planner.keep("sysctl", one.key, ["value"]);
    else planSysctl(planner, one, seen, by);
  }
}

function warn(planner: Planner): void {
  const { desired, before } = planner;
  if (desired.table === undefined && before.table !== undefined)
    planner.warn(
      `table ${TABLE.family} ${TABLE.name} is there, and the document has neither nat nor forward; write nat: [] to have it removed`,
    );
  if ((desired.table?.chains ?? []).some(({ name }) => name === "forward"))
    for (const chain of droppingChains((before.chains ?? []) as never))
      planner.warn(
        `chain ${chain.name} of table ${chain.family} ${chain.table} drops at forward whatever it does not accept itself, also what is accepted here; accept it there too`,
      );
  for (const { name } of desired.ruleLinks)
    if (!planner.willExist(name))
      planner.warn(`there is no interface ${name} yet; rules that name it match nothing until there is`);
}

/** The step for our nftables table: replaced whole, in one transaction. */
export function planTable(planner: Planner): void {
  const { desired, before } = planner;
  warn(planner);
  if (desired.table === undefined) return;
  if (before.hidden === true) planner.warn("nf_tables shows its rules to root only; they may be right already");
  const subject = `${TABLE.family} ${TABLE.name}`;
  const now = before.table;
  const wanted = desired.table ?? undefined;
  const remove: Request = { object: "nftables", verb: "delete", words: { ...TABLE } };
  const put = (table: Table): Request => ({
    object: "nftables",
    verb: "replace",
    words: { table } as unknown as Words,
  });
  const same = wanted === undefined ? now === undefined : now !== undefined && sameTable(wanted, now);
  const compared = compareTables(wanted, now);
  if (compared.same.length > 0) planner.keep("nftables", subject, compared.same);
  if (same) return;
  const { words, ...call } = wanted === undefined ? remove : put(wanted);
  const request: Request = { ...call, words: { ...words, ...expectation(before) } };
  planner.add({
    action: wanted === undefined ? "remove" : now === undefined ? "create" : "change",
    object: "nftables",
    subject,
    path: desired.source.value !== null && "nat" in (desired.source.value as object) ? ["nat"] : ["forward"],
    reason: wanted === undefined ? "to be absent" : now === undefined ? "not there" : DIFFERS,
    differences: compared.differences,
    moves: [move(request, now === undefined ? remove : put(now))],
  });
}
