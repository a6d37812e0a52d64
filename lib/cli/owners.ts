/** Links that networkd or NetworkManager manage: refused, unless they do what the document says or somebody allowed it. */
import { existsSync } from "node:fs";
import type { Host } from "../host.ts";
import type { Desired, Plan } from "../state/index.ts";
import type { Owner } from "../systemd/index.ts";
import { TRACES } from "../systemd/traces.ts";
import type { Given } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Looks through a plan for what would not last. */
export type CheckOwners = (plan: Plan) => void;

/** Who asks. */
export interface Asking {
  readonly given: Given;
  readonly terminal: Terminal;
  /** Owners that matter; by default all. */
  readonly matters?: ((link: string, owner: Owner) => boolean) | undefined;
  /** Whether the document is applied at each boot from now on, as others then have all of their links again. Default: false. */
  readonly atBoot?: boolean | undefined;
  /** What was said already, where it is asked again and again. */
  readonly said?: Set<string> | undefined;
}

/**
 * Asks who manages links, and gives what looks through plans: it throws where a link of somebody else would be changed,
 * and says once what else would not last.
 */
export async function askOwners(host: Host, desired: Desired, asking: Asking): Promise<CheckOwners> {
  // Where nothing of them is there, nothing more is loaded or asked.
  if (!Object.values(TRACES).some((path) => existsSync(path))) return () => undefined;
  const { mayBeOwned, ownersOf, checkOwners } = await import("../systemd/index.ts");
  if (!mayBeOwned(host)) return () => undefined;
  const { given, terminal, matters = () => true, atBoot = false, said = new Set<string>() } = asking;
  const all = await ownersOf(host, desired);
  const owners = { ...all, links: new Map([...all.links].filter(([link, owner]) => matters(link, owner))) };
  return (plan) => {
    for (const warning of checkOwners(
      plan,
      desired,
      owners,
      given["allow-managed"] === true,
      atBoot ? desired : undefined,
    )) {
      if (!said.has(warning)) terminal.remark(warning);
      said.add(warning);
    }
  };
}
