/** What `bridge -json` should tell of VLANs that we read. */
import type { Vlan } from "../../lib/bridges/vlans.ts";
import { given, type Scene } from "../routes/kit.ts";

export type Json = Record<string, unknown>;

/** What is told of a link in a list of links. */
export const partOf = (all: readonly Json[], key: string, dev: string): Json[] =>
  all.flatMap((one) => (one["ifname"] === dev ? (one[key] as Json[]) : []));
/** What a command tells of a link in a list of links. */
export async function told(here: Scene, command: string, key: string, dev: string): Promise<Json[]> {
  return partOf(await here.json(command), key, dev);
}

export function asVlan({ vid, vidEnd, pvid, untagged, state, mcastRouter }: Vlan): Json {
  const flags = [pvid && "PVID", untagged && "Egress Untagged"].filter((word) => typeof word === "string");
  return given({
    vlan: vid,
    vlanEnd: vidEnd,
    ...(flags.length > 0 && { flags }),
    state,
    mcast_router: mcastRouter,
  });
}
export function asTunnel({ vid, vidEnd, tunnelId }: Vlan): Json {
  return given({ vlan: vid, vlanEnd: vidEnd, tunid: tunnelId, tunidEnd: vidEnd && (tunnelId ?? 0) + vidEnd - vid });
}
