/** What the document's schema is made of: the words of each service, as they declare them. */
import type { AnyKind } from "../links/kind.ts";
import { linkKinds } from "../links/kinds/index.ts";

export { addressShapes } from "../addresses/words.ts";
export { mdbShapes } from "../bridges/mdb.ts";
export { vlanShapes } from "../bridges/vlans.ts";
export { vniShapes } from "../bridges/vnis.ts";
export { canonicalIp } from "../families/lookup.ts";
export { kindNamed } from "../links/kinds/index.ts";
export { portShapes, settablePortOptions } from "../links/ports.ts";
export { linkShapes } from "../links/words.ts";
export { fdbShapes } from "../neighbors/entry.ts";
export { neighborShapes } from "../neighbors/words.ts";
export { ZERO_MAC } from "../neighbors/zero-mac.ts";
export { canonicalNexthop, nexthopShapes } from "../nexthops/words.ts";
export { canonicalRoute, routeShapes } from "../routes/words.ts";
export { canonicalRule, ruleShapes } from "../rules/words.ts";

export const kinds = linkKinds as unknown as Readonly<Record<string, AnyKind>>;
