/** The kinds of links that can be made. A new one is its file and two lines here. */
import type { AnyKind } from "../kind.ts";
import { bridge } from "./bridge.ts";
import { dummy } from "./dummy.ts";
import { ifb } from "./ifb.ts";
import { veth } from "./veth.ts";
import { vxlan } from "./vxlan.ts";
import { wireguard } from "./wireguard.ts";

export const linkKinds = { bridge, dummy, ifb, veth, vxlan, wireguard };
/** Names of the kinds that can be made. */
export type KindName = keyof typeof linkKinds;

/** The kind of this name; undefined where it is not known here. */
export function kindNamed(name: string | undefined): AnyKind | undefined {
  return name !== undefined && Object.hasOwn(linkKinds, name)
    ? (linkKinds[name as KindName] as unknown as AnyKind)
    : undefined;
}
