/** What the document's schema is made of: the words of each service, as they declare them. */

import { channels, coalesce, pause, rings } from "../ethtool/settings.ts";
import type { AnyKind } from "../links/kind.ts";
import { linkKinds } from "../links/kinds/index.ts";
import { nexthopShapes as everyNexthopShape } from "../nexthops/words.ts";
import { checkWhole } from "../qdiscs/check.ts";
import { filterKinds } from "../qdiscs/filters/index.ts";
import { classKinds, qdiscKinds } from "../qdiscs/kinds/index.ts";
import { shapesOf as qdiscShapesOf } from "../qdiscs/option.ts";
import { isKnown, retold, settableOf } from "../qdiscs/retold.ts";
import {
  checkConfig,
  classShapes as classPlaceShapes,
  classSort,
  filterShapes,
  filterSort,
  qdiscSort,
  type Sort,
  qdiscShapes as tcQdiscShapes,
} from "../qdiscs/words.ts";
import type { Shape, Shapes } from "../shape/shape.ts";
import { deviceShapes, peerShapes } from "../wireguard/words.ts";

export { addressLabelShapes, canonicalAddressLabel, checkAddressLabel, ORIGINAL_LABELS } from "../addresses/labels.ts";
export { addressShapes } from "../addresses/words.ts";
export { mdbShapes } from "../bridges/mdb.ts";
export { vlanGlobalShapes, vlanOptionShapes, vlanShapes } from "../bridges/vlans.ts";
export { vniShapes } from "../bridges/vnis.ts";
export { expandFeature } from "../ethtool/names.ts";
export { canonicalIp } from "../families/lookup.ts";
export { canonicalFou, FOU_ABSENCE, FOU_NAME, fouShapes } from "../fou/words.ts";
export { kindNamed } from "../links/kinds/index.ts";
export { portShapes, settablePortOptions } from "../links/ports.ts";
export { linkShapes } from "../links/words.ts";
export { fdbShapes } from "../neighbors/entry.ts";
export { neighborShapes } from "../neighbors/words.ts";
export { ZERO_MAC } from "../neighbors/zero-mac.ts";
export { canonicalNexthop } from "../nexthops/words.ts";
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

const shapesOfKinds = (kinds: readonly { readonly kind: string; readonly options: object }[]) =>
  Object.fromEntries(kinds.map(({ kind, options }) => [kind, qdiscShapesOf(options as never)]));
const { fq, fq_codel, netem, tbf, pfifo, bfifo, htb, prio, clsact, ingress } = qdiscKinds;
/** Queues that may be at the root of a link. */
export const qdiscShapes: Readonly<Record<string, Shapes>> = shapesOfKinds([
  ...[fq, fq_codel, netem, tbf, pfifo, bfifo],
  ...[htb, prio],
]);
/** Queues that may be elsewhere. */
export const innerShapes: Readonly<Record<string, Shapes>> = { ...qdiscShapes, ...shapesOfKinds([clsact, ingress]) };
export const classKindShapes: Readonly<Record<string, Shapes>> = shapesOfKinds(Object.values(classKinds));
export const filterKindShapes: Readonly<Record<string, Shapes>> = shapesOfKinds(Object.values(filterKinds));

const { ingressBlock: _, egressBlock: __, ...qdiscPlaceShapes } = tcQdiscShapes;
const { block: ___, ...filterPlaceShapes } = filterShapes;
// Whether hardware counts is told only to who asks for counters, which older kernels refuse to tell.
const { hwStats: ____, ...nexthopShapes } = everyNexthopShape;

export { classPlaceShapes, filterPlaceShapes, nexthopShapes, qdiscPlaceShapes };

type Values = Readonly<Record<string, unknown>>;
/** Objects of traffic control as the kernel would tell them. @throws {InputError} */
export const retoldQdisc = (config: Values): Values => retold(qdiscSort, config);
export const retoldClass = (config: Values): Values => retold(classSort, config);
export const retoldFilter = (config: Values): Values => retold(filterSort, config);
/** What can be set of what the kernel tells of them. */
export const toldQdisc = (told: Values): Values => settableOf(qdiscSort, told);
export const toldClass = (told: Values): Values => settableOf(classSort, told);
export const toldFilter = (told: Values): Values => settableOf(filterSort, told);
/** Whether all of a filter has a word. */
export const isToldWhole = (told: Values): boolean => isKnown(filterSort, told);

/** What is wrong with a config as a whole. */
function complaint(sort: Sort, config: Values): string | undefined {
  try {
    checkWhole([], checkConfig(sort, config), config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
/** What is wrong with a queue. */
export const checkQdisc = (config: Values): string | undefined => complaint(qdiscSort, config);
/** What is wrong with a class. */
export const checkClass = (config: Values): string | undefined => complaint(classSort, config);

/** What a document may say of a device, besides features. */
export const deviceGroupShapes: Readonly<Record<string, Shapes>> = {
  rings: rings.shapes,
  channels: channels.shapes,
  coalesce: coalesce.shapes,
  pause: pause.shapes,
};

export const kinds = linkKinds as unknown as Readonly<Record<string, AnyKind>>;
