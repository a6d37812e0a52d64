/** Which links a plan deletes, and what is read of those only: settings that are lost with a link. */
import type { Host } from "../host.ts";
import { formatKey } from "../sysctl/key.ts";
import type { SavedSysctl } from "../sysctl/sysctl.ts";
import type { Desired } from "./desired.ts";
import type { Observed } from "./observed.ts";
import { fatesOf } from "./plan-links.ts";
import { Planner } from "./planner.ts";
import { absentOf } from "./remove.ts";
import { peerOf } from "./restore.ts";
import { secretKey } from "./secrets.ts";

/** Names of links that go, for good or to be made again, with their other ends; `removal` of what the document describes. */
export function goingOf(desired: Desired, observed: Observed, removal: boolean): ReadonlySet<string> {
  const { removed, recreated } = fatesOf(new Planner(removal ? absentOf(desired) : desired, observed));
  const names = [...removed, ...recreated];
  return new Set([...names, ...names.flatMap((name) => peerOf(observed, name) ?? [])]);
}

/** Groups of sysctls that each link has of its own. */
const GROUPS = ["ipv4", "ipv6"].flatMap((family) => ["conf", "neigh"].map((table) => ["net", family, table] as const));
/**
 * What is no setting: the MTU is the link's, and how addresses are made is an option of it. The secret that they are made
 * of stands in no plan, see {@link ownSecretsOf}. Whether a link forwards multicast is for its routing daemon to say:
 * nobody can write it.
 */
const OTHERS = ["mtu", "addr_gen_mode", "stable_secret", "mc_forwarding"];

/** The link has none of the family, or the setting is not this user's to read. */
function absent(error: { readonly code?: unknown }): undefined {
  if (["ENOENT", "EACCES", "EIO"].includes(String(error.code))) return undefined;
  throw error;
}

/** Settings of a group that one link has, or `default`; none where there is no such group. */
async function groupOf(
  { sysctls }: Host,
  group: readonly string[],
  name: string,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const key of (await sysctls.list([...group, name]).catch(absent)) ?? []) {
    const setting = key.slice(key.lastIndexOf(".") + 1);
    const value = OTHERS.includes(setting) ? undefined : await sysctls.get(key).catch(absent);
    if (value !== undefined) found.set(setting, value);
  }
  return found;
}

/**
 * Sysctls of links that are not as those of a new one would be, which has the values of `default`; all of a group that
 * has none, as those of neighbors outside of the first namespace. In an order in which they can be put back: that of their
 * names, as a time in milliseconds comes after the same in seconds.
 */
export async function linkSysctlsOf(
  host: Host,
  names: ReadonlySet<string>,
): Promise<Readonly<Record<string, readonly SavedSysctl[]>>> {
  const found: Record<string, SavedSysctl[]> = {};
  for (const group of names.size === 0 ? [] : GROUPS) {
    const usual = await groupOf(host, group, "default");
    for (const name of names) {
      const own = [...(await groupOf(host, group, name))].filter(([setting, value]) => usual.get(setting) !== value);
      const saved = own.map(([setting, value]) => ({ key: formatKey([...group, name, setting]), value }));
      found[name] = [...(found[name] ?? []), ...saved];
    }
  }
  return found;
}

/** Of these links, those whose IPv6 addresses are made of a secret of their own; what it is stays with the kernel. */
export async function ownSecretsOf(host: Host, names: ReadonlySet<string>): Promise<readonly string[]> {
  const read = (name: string): Promise<string | undefined> => host.sysctls.get(secretKey(name)).catch(absent);
  const usual = names.size === 0 ? undefined : await read("default");
  const found: string[] = [];
  for (const name of names) {
    const own = await read(name);
    if (own !== undefined && own !== usual) found.push(name);
  }
  return found;
}
