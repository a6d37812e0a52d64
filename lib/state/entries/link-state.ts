/** What a link will be once a plan was carried out. */
import { linkOf } from "../observed.ts";
import type { Planner } from "../planner.ts";
import type { Words } from "../step.ts";

/** Its kind, and its options: those of the document over those that it has. */
export function willBe(planner: Planner, name: string): { readonly kind: string | undefined; readonly options: Words } {
  const described = planner.desired.links.find((link) => link.name === name && !link.absent);
  const seen = linkOf(planner.before, name);
  return { kind: described?.kind ?? seen?.kind, options: { ...seen, ...described?.options } };
}

/** The name of the bridge that a link will be a port of. */
export function bridgeOf(planner: Planner, name: string): string | undefined {
  const { master } = willBe(planner, name).options;
  return typeof master === "string" && willBe(planner, master).kind === "bridge" ? master : undefined;
}
