/** The order of steps: what is needed first, and beyond that the same order whatever the document's was. */
import type { Step } from "./step.ts";

/** Sorts of steps, where no dependency says otherwise. Rules that protect come before what they protect. */
function rank({ object, action, subject }: Step): number {
  const removes = action === "remove";
  switch (object) {
    case "nftables":
      return removes ? 90 : 0;
    case "neighbor":
      return removes ? 10 : 80;
    case "fdb":
      return removes ? 11 : 70;
    case "route":
      return removes ? 12 : 60;
    case "address":
      return removes ? 13 : 50;
    case "link":
      return removes ? 20 : 30;
    case "sysctl":
      // Those of `all` rewrite those of interfaces.
      return /\.(conf|neigh)\.(?!all\.|default\.)/.test(subject) ? 41 : 40;
  }
}

function compare(a: Step, b: Step): number {
  return rank(a) - rank(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Steps so that each comes after all that it needs. A circle is cut at the step that would be first without it. */
export function inOrder(steps: readonly Step[]): readonly Step[] {
  const byId = new Map([...steps].sort(compare).map((step) => [step.id, step]));
  const ordered: Step[] = [];
  const seen = new Set<string>();
  const visit = (step: Step): void => {
    if (seen.has(step.id)) return;
    seen.add(step.id);
    const needed = step.needs.flatMap((id) => byId.get(id) ?? []).sort(compare);
    for (const one of needed) visit(one);
    ordered.push(step);
  };
  for (const step of byId.values()) visit(step);
  return ordered;
}
