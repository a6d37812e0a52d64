/** The order of steps: what is needed first, and beyond that the same order whatever the document's was. */
import type { Step } from "./step.ts";

/** Sorts of steps, where no dependency says otherwise. Rules that protect come before what they protect. */
const RANKS: Readonly<Record<Exclude<Step["object"], "sysctl">, readonly [comes: number, goes: number]>> = {
  nftables: [0, 90],
  link: [30, 20],
  ethtool: [35, 35],
  qdisc: [36, 36],
  class: [37, 34],
  queue: [38, 33],
  filter: [39, 32],
  // What a peer no longer has another one may get.
  wireguard: [43, 42],
  vni: [44, 47],
  // A port is not left without a VLAN meanwhile.
  vlan: [45, 46],
  vlanGlobal: [48, 48],
  // From the start it is known which address is taken.
  addressLabel: [49, 7],
  address: [50, 14],
  // It is opened at an address that is there, and what Linux keeps goes before its link.
  fou: [52, 6],
  nexthop: [55, 13],
  route: [60, 12],
  fdb: [70, 11],
  mdb: [75, 10],
  neighbor: [80, 9],
  // What leads to a table comes once there is something in it.
  rule: [85, 8],
};
function rank({ object, action, subject }: Step): number {
  // Those of `all` rewrite those of interfaces.
  if (object === "sysctl") return /\.(conf|neigh)\.(?!all\.|default\.)/.test(subject) ? 41 : 40;
  return RANKS[object][action === "remove" ? 1 : 0];
}

function compare(a: Step, b: Step): number {
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}

/** In the order of `compare`, rank by rank: of many steps each comparison counts. */
function byRank(steps: readonly Step[]): readonly Step[] {
  const ranks: Step[][] = [];
  for (const step of steps) {
    const same = ranks[rank(step)];
    if (same === undefined) ranks[rank(step)] = [step];
    else same.push(step);
  }
  return ranks.flatMap((same) => same.sort((a, b) => (a.id < b.id ? -1 : 1)));
}

/** Steps so that each comes after all that it needs. A circle is cut at the step that would be first without it. */
export function inOrder(steps: readonly Step[]): readonly Step[] {
  const sorted = byRank(steps);
  const wanted = new Set<string>();
  for (const { needs } of steps) for (const id of needs) wanted.add(id);
  // What no other needs has its turn once, and is not looked for.
  const byId = new Map<string, Step>();
  for (const step of sorted) if (wanted.has(step.id)) byId.set(step.id, step);
  const ordered: Step[] = [];
  const seen = new Set<Step>();
  const visit = (step: Step): void => {
    if (seen.has(step)) return;
    if (byId.has(step.id)) seen.add(step);
    // Of most steps all that they need is there by now.
    let needed: Step[] | undefined;
    for (const id of step.needs) {
      const one = byId.get(id);
      if (one === undefined || seen.has(one)) continue;
      needed ??= [];
      needed.push(one);
    }
    for (const one of needed?.sort(compare) ?? []) visit(one);
    ordered.push(step);
  };
  for (const step of sorted) visit(step);
  return ordered;
}
