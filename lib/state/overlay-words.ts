/** What the words of overlays look like: of those that are not a link's own. */
import { address, boolean, integer, linkName, mac, type Shape, type Shapes, text } from "../shape/shape.ts";

const hops = integer(1, 255, "hops");
/** How frames without a known place reach the others. */
export const flood: Shape<unknown> = {
  expected: "unicast, evpn, or { multicast: GROUP }, with ttl where routers are between the hosts",
  json: {
    anyOf: [
      { enum: ["unicast", "evpn"] },
      {
        type: "object",
        properties: { multicast: address.json, ttl: hops.json },
        required: ["multicast"],
        additionalProperties: false,
      },
    ],
  },
  accepts: (value): value is unknown => {
    if (value === "unicast" || value === "evpn") return true;
    if (typeof value !== "object" || value === null) return false;
    const { multicast, ttl, ...more } = value as { multicast?: unknown; ttl?: unknown };
    return address.accepts(multicast) && (ttl === undefined || hops.accepts(ttl)) && Object.keys(more).length === 0;
  },
};

/** The name of a host of the document. */
export const hostName = text(64);
/** A network identifier; 0 is for what has none. */
export const overlayVni = integer(1, 0xff_ffff);
/** Number of an autonomous system. */
export const asn = integer(1, 0xffff_ffff);
/** Number of a routing table. */
export const vrfTable = integer(1, 0xffff_ffff);
/** What BGP knows a host by. */
export const routerId: Shape<string> = {
  expected: "an IPv4 address",
  json: { type: "string", format: "ipv4" },
  accepts: (value): value is string => address.accepts(value) && !value.includes(":"),
};

/** What may be left out of an overlay. */
export const overlayShapes = {
  flood,
  bridge: linkName,
  vxlan: linkName,
  dstport: integer(1, 65_535),
  vlan: integer(1, 4094),
  over: text(64),
  learning: boolean,
  gatewayMac: mac,
  vrf: linkName,
} as const satisfies Shapes;
