/** What the document's schema is made of: the words of each service, as they declare them. */
import type { AnyKind } from "../links/kind.ts";
import { vxlan } from "../links/kinds/vxlan.ts";
import { boolean, linkName, mac, type Shapes } from "../shape/shape.ts";

export { addressShapes } from "../addresses/words.ts";
export { canonicalIp } from "../families/lookup.ts";
export { fdbShapes, ZERO_MAC } from "../neighbors/entry.ts";
export { neighborShapes } from "../neighbors/words.ts";
export { canonicalRoute, routeShapes } from "../routes/words.ts";

export const kinds: Readonly<Record<string, AnyKind>> = {
  vxlan: vxlan as unknown as AnyKind,
  bridge: { kind: "bridge", wire: vxlan.wire, options: {} },
  veth: { kind: "veth", wire: vxlan.wire, options: {} },
};
export const linkShapes: Shapes = { mac, up: boolean, master: linkName };
export const portShapes: Shapes = { learning: boolean };
