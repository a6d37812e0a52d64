/** What the document's schema is made of: the words of each service, as they declare them. */

import { channels, coalesce, pause, rings } from "../ethtool/settings.ts";
import type { AnyKind } from "../links/kind.ts";
import { linkKinds } from "../links/kinds/index.ts";
import { checkWhole } from "../qdiscs/check.ts";
import { qdiscKinds } from "../qdiscs/kinds/index.ts";
import { shapesOf as qdiscShapesOf } from "../qdiscs/option.ts";
import { checkConfig, qdiscSort } from "../qdiscs/words.ts";
import type { Shape, Shapes } from "../shape/shape.ts";
import { deviceShapes, peerShapes } from "../wireguard/words.ts";

export { addressShapes } from "../addresses/words.ts";
export { mdbShapes } from "../bridges/mdb.ts";
export { vlanShapes } from "../bridges/vlans.ts";
export { vniShapes } from "../bridges/vnis.ts";
export { expandFeature } from "../ethtool/names.ts";
export { canonicalIp } from "../families/lookup.ts";
export { kindNamed } from "../links/kinds/index.ts";
export { portShapes, settablePortOptions } from "../links/ports.ts";
export { linkShapes } from "../links/words.ts";
export { fdbShapes } from "../neighbors/entry.ts";
export { neighborShapes } from "../neighbors/words.ts";
export { ZERO_MAC } from "../neighbors/zero-mac.ts";
export { canonicalNexthop, nexthopShapes } from "../nexthops/words.ts";
export { canonicalRoute, isWide as isWideRoute, routeShapes } from "../routes/words.ts";
export { canonicalRule, ruleShapes } from "../rules/words.ts";

/** A file on the host that a document is applied to. */
const file: Shape<string> = {
  expected: "the path of a file, from / on",
  json: { type: "string", pattern: "^/" },
  accepts: (value): value is string => typeof value === "string" && /^\/[^\0]+$/.test(value),
};
const { listenPort, fwmark } = deviceShapes;
const { publicKey, endpoint, persistentKeepalive, allowedIps } = peerShapes;
/** A WireGuard link in a document: the service's words, and files in place of keys. */
export const wireguardShapes = { listenPort, fwmark, privateKeyFile: file };
/** A peer in a document. */
export const wireguardPeerShapes = { publicKey, endpoint, persistentKeepalive, allowedIps, presharedKeyFile: file };

const { fq, fq_codel, netem, tbf, pfifo, bfifo } = qdiscKinds;
/** Queues that are whole by themselves, without classes. */
export const qdiscShapes: Readonly<Record<string, Shapes>> = Object.fromEntries(
  [fq, fq_codel, netem, tbf, pfifo, bfifo].map(({ kind, options }) => [kind, qdiscShapesOf(options)]),
);
/** What is wrong with a queue. */
export function checkQdisc(config: Readonly<Record<string, unknown>>): string | undefined {
  try {
    checkWhole([], checkConfig(qdiscSort, config), config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a document may say of a device, besides features. */
export const deviceGroupShapes: Readonly<Record<string, Shapes>> = {
  rings: rings.shapes,
  channels: channels.shapes,
  coalesce: coalesce.shapes,
  pause: pause.shapes,
};

export const kinds = linkKinds as unknown as Readonly<Record<string, AnyKind>>;
