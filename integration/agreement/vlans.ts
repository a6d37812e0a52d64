/** Random VLANs of a bridge and of its ports. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { type VlanConfig, Vlans } from "../../lib/bridges/vlans.ts";
import { asTunnel, asVlan, partOf } from "../bridges/oracle.ts";
import type { Scene } from "../routes/kit.ts";
import { asAsked, type Sort, some, upTo, whole } from "./kit.ts";

/** The port of a VXLAN whose VLANs have VNIs. */
const TUNNEL = "vxt";
const DEVICES = ["d1", "br0", TUNNEL];
export const FILTERING = `ip link set br0 type bridge vlan_filtering 1
ip link add ${TUNNEL} type vxlan dstport 4790 external; ip link set ${TUNNEL} master br0 up
bridge link set dev ${TUNNEL} vlan_tunnel on`;

/** VLANs from which each of a set has its own, so that none changes another one, nor stands beside it or VLAN 1. */
const ROOM = 200;
const MOST = 20;
const parts = some(
  { dev: fc.constantFrom(...DEVICES), first: whole(3, ROOM / 2), more: whole(0, ROOM / 2 - 1) },
  { untagged: fc.boolean(), tunnelId: whole(0, 0xff_0000), pvid: fc.boolean() },
);
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;
function vlanOf({ dev, first, more, untagged, tunnelId, pvid }: Parts, i: number): VlanConfig {
  const vid = i * ROOM + first;
  return {
    dev,
    vid,
    ...(more > 0 && { vidEnd: vid + more }),
    ...(untagged !== undefined && { untagged }),
    // There is one PVID only: the next one would take it away.
    ...(pvid !== undefined && i === 0 && more === 0 && { pvid }),
    ...(tunnelId !== undefined && dev === TUNNEL && { tunnelId }),
    ...(dev === "br0" && { self: true }),
  };
}

function lines({ dev, vid, vidEnd = vid, untagged, pvid, tunnelId, self }: VlanConfig): string[] {
  const range = (from: number): string => (vidEnd === vid ? `${from}` : `${from}-${from + vidEnd - vid}`);
  const add = `vlan add dev ${dev} vid ${range(vid)}`;
  const flags = `${pvid === true ? "pvid" : ""} ${untagged === true ? "untagged" : ""} ${self === true ? "self" : ""}`;
  return [`${add} ${flags}`, ...(tunnelId === undefined ? [] : [`${add} tunnel_info id ${range(tunnelId)}`])];
}

export function vlansIn(here: Scene): Sort<VlanConfig> {
  const vlans = new Vlans(here.connection, here.links);
  return {
    name: "VLANs",
    program: "bridge",
    drawn: fc.array(parts, upTo(MOST)).map((list) => list.map(vlanOf)),
    write: (config) => vlans.create(config),
    lines,
    async compare(made) {
      const shown = await here.json("bridge -d -json vlan show");
      const tunnels = await here.json("bridge -json vlan tunnelshow");
      for (const dev of DEVICES) {
        const ours = await vlans.list({ dev });
        deepEqual(ours.map(asVlan), partOf(shown, "vlans", dev));
        const mapped = ours.filter(({ tunnelId }) => tunnelId !== undefined);
        deepEqual(mapped.map(asTunnel), partOf(tunnels, "tunnels", dev));
        for (const { self: _, ...asked } of made.filter((one) => one.dev === dev))
          asAsked(
            asked,
            ours.find(({ vid }) => vid === asked.vid),
            `VLAN ${asked.vid} of ${dev}`,
          );
      }
    },
    async clear() {
      for (const dev of DEVICES)
        await vlans.delete({ dev, vid: 2, vidEnd: 4094, ...(dev === "br0" && { self: true }) });
    },
  };
}
