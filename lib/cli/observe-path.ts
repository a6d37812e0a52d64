/** Reads a host's links as the path of a packet. */

import type { Host } from "../host.ts";
import type { Link } from "../links/index.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import type { PathLink, Tunnel } from "./path.ts";

const LOOPBACK = 772;

/** What a reader wants to know of a link's state: `up` also where the kernel has no word for it. */
function stateOf({ up, operstate, carrier }: Link): string {
  if (!up) return "down";
  if (operstate === "up" || (operstate === "unknown" && carrier)) return "up";
  return operstate === "down" || operstate === "lowerlayerdown" || !carrier ? "no carrier" : operstate;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function tunnelOf(link: Link, flooded: readonly string[]): Tunnel {
  const { vni, dstport } = link;
  const [local, remote, df] = [text(link["local"]), text(link["remote"]), text(link["df"])];
  return {
    ...(typeof vni === "number" && link["external"] !== true ? { vni } : {}),
    ...(typeof dstport === "number" ? { dstport } : {}),
    ...(local === undefined ? {} : { local }),
    peers: [...new Set([...(remote === undefined ? [] : [remote]), ...flooded])],
    ...(df === undefined ? {} : { df }),
  };
}

/** The device by which the first peer is reached, for a tunnel that names none. */
async function routedDev(host: Host, tunnel: Tunnel | undefined): Promise<string | undefined> {
  const [peer] = tunnel?.peers ?? [];
  if (peer === undefined) return undefined;
  try {
    return (await host.routes.get(peer)).dev;
  } catch {
    return undefined; // no route: then there is no underlay to show
  }
}

/** All links of a host. Takes no privileges. */
export async function observePath(host: Host): Promise<PathLink[]> {
  const [links, addresses, entries] = await Promise.all([host.links.list(), host.addresses.list(), host.fdb.list()]);
  return await Promise.all(
    links.map(async (link): Promise<PathLink> => {
      const flooded = entries.filter(({ dev, mac }) => dev === link.name && mac === ZERO_MAC);
      const isTunnel = link.kind === "vxlan";
      const peers = flooded.flatMap(({ dst }) => (dst === undefined ? [] : [dst]));
      const tunnel = isTunnel ? tunnelOf(link, peers) : undefined;
      const named = text(link["dev"]);
      const dev = named ?? (await routedDev(host, tunnel));
      return {
        name: link.name,
        kind: link.kind ?? (link.wire.header.type === LOOPBACK ? "loopback" : "device"),
        mtu: link.mtu,
        state: stateOf(link),
        addresses: addresses.filter((one) => one.dev === link.name && one.scope !== "link").map((one) => one.address),
        ...(link.master === undefined ? {} : { master: link.master }),
        ...(dev === undefined ? {} : { dev, ...(named === undefined ? { routed: true } : {}) }),
        ...(tunnel === undefined ? {} : { tunnel }),
      };
    }),
  );
}
