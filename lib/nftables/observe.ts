/** Tables, chains and rules as the kernel tells them. */
import { nfproto } from "../families/netfilter.ts";
import type { MessageOut } from "../wire/index.ts";
import { describe } from "./describe.ts";
import type { newChain, newObject, newRule, newTable } from "./messages.ts";
import type { Count, Family } from "./rule.ts";
import type {
  ChainEntry,
  ChainType,
  CounterReading,
  ObservedChain,
  ObservedRule,
  ObservedTable,
  OtherHook,
  TableEntry,
} from "./table.ts";
import { commentOf } from "./userdata.ts";
import { hooks, nameOf } from "./words.ts";

type TableMessage = MessageOut<typeof newTable>;
type ChainMessage = MessageOut<typeof newChain>;
type RuleMessage = MessageOut<typeof newRule>;
type ObjectMessage = MessageOut<typeof newObject>;

const familyOf = (number: number): TableEntry["family"] =>
  (nameOf(nfproto, number) as TableEntry["family"] | undefined) ?? `#${number}`;

/** NF_NETDEV_INGRESS, NF_NETDEV_EGRESS; NF_INET_INGRESS. Source: include/uapi/linux/netfilter.h. */
const arpHooks = { input: 0, output: 1, forward: 2 } as const;
function hookOf(family: TableEntry["family"], number: number): keyof typeof hooks | OtherHook {
  if (family === "netdev" && number < 2) return number === 0 ? "ingress" : "egress";
  if (family === "inet" && number === 5) return "ingress";
  const table = family === "arp" ? arpHooks : hooks;
  return (nameOf(table, number) as keyof typeof hooks | undefined) ?? `#${number}`;
}

const remark = (userdata: Uint8Array | undefined): { comment?: string } => {
  const comment = commentOf(userdata);
  return comment === undefined ? {} : { comment };
};
const countOf = (data: { readonly packets?: bigint; readonly bytes?: bigint } | undefined): Count => ({
  packets: data?.packets ?? 0n,
  bytes: data?.bytes ?? 0n,
});

/** An entry of the list of tables. */
export function tableEntry({ header, attrs }: TableMessage): TableEntry {
  return {
    family: familyOf(header.family),
    name: attrs.name ?? "",
    handle: attrs.handle ?? 0n,
    ...remark(attrs.userdata),
    dormant: attrs.flags?.dormant === true,
    ...(attrs.owner !== undefined && { owner: attrs.owner }),
  };
}

/** An entry of the list of chains. */
export function chainEntry({ header, attrs }: ChainMessage): ChainEntry {
  const family = familyOf(header.family);
  const { hook } = attrs;
  const devices = hook?.devs?.name ?? (hook?.dev === undefined ? undefined : [hook.dev]);
  return {
    family,
    table: attrs.table ?? "",
    name: attrs.name ?? "",
    handle: attrs.handle ?? 0n,
    ...(hook && { hook: hookOf(family, hook.hooknum ?? 0), priority: hook.priority ?? 0 }),
    ...(attrs.type !== undefined && { type: attrs.type }),
    ...(typeof attrs.policy === "string" && { policy: attrs.policy }),
    ...(devices && { devices }),
    ...remark(attrs.userdata),
  };
}

function observedRule(family: Family, { attrs }: RuleMessage): ObservedRule {
  const { comment } = remark(attrs.userdata);
  return { ...describe(family, attrs.expressions ?? [], comment), handle: attrs.handle ?? 0n };
}

function observedChain(family: Family, message: ChainMessage, rules: readonly RuleMessage[]): ObservedChain {
  const { family: _, table: __, devices: ___, type, ...chain } = chainEntry(message);
  return {
    ...chain,
    ...(type !== undefined && { type: type as ChainType }),
    rules: rules.map((rule) => observedRule(family, rule)),
  };
}

/** A whole table from its dumps. Dumps of chains are of the whole family. */
export function observedTable(
  family: Family,
  table: TableMessage,
  objects: readonly ObjectMessage[],
  chains: readonly ChainMessage[],
  rules: readonly RuleMessage[],
  generation: number,
  consistent: boolean,
): ObservedTable {
  const { owner: _, dormant, ...entry } = tableEntry(table);
  const own = chains.filter(({ attrs }) => attrs.table === entry.name);
  const counters = objects
    .filter(({ attrs }) => attrs.table === entry.name && attrs.type === "counter")
    .map(({ attrs }) => ({ name: attrs.name ?? "", ...remark(attrs.userdata), count: countOf(attrs.data) }));
  const byChain = new Map<string, RuleMessage[]>();
  for (const rule of rules)
    if (rule.attrs.table === entry.name) {
      const chain = rule.attrs.chain ?? "";
      const group = byChain.get(chain);
      if (group) group.push(rule);
      else byChain.set(chain, [rule]);
    }
  return {
    ...entry,
    family,
    ...(dormant && { dormant }),
    counters,
    chains: own.map((chain) => observedChain(family, chain, byChain.get(chain.attrs.name ?? "") ?? [])),
    others: Math.max(0, (table.attrs.use ?? 0) - own.length - counters.length),
    generation,
    consistent,
  };
}

/** The counters in the dumps of rules and of objects. */
export function readings(rules: readonly RuleMessage[], objects: readonly ObjectMessage[]): CounterReading[] {
  const inRules = rules.flatMap(({ attrs }) =>
    (attrs.expressions ?? []).flatMap((step): CounterReading[] => {
      if (step.kind !== "counter") return [];
      return [{ chain: attrs.chain ?? "", rule: attrs.handle ?? 0n, ...remark(attrs.userdata), ...countOf(step.data) }];
    }),
  );
  const named = objects.flatMap(({ attrs }): CounterReading[] =>
    attrs.type === "counter" ? [{ name: attrs.name ?? "", ...remark(attrs.userdata), ...countOf(attrs.data) }] : [],
  );
  return [...inRules, ...named];
}
