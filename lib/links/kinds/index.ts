/**
 * The kinds of links that can be made. A new one is its file, two lines in `rare.ts` and its name here. What few scripts
 * use is loaded when it is first met.
 */
import { late } from "../../families/late.ts";
import type { AnyKind } from "../kind.ts";
import { bridge } from "./bridge.ts";
import { dummy } from "./dummy.ts";
import type { rareKinds } from "./rare.ts";
import { veth } from "./veth.ts";
import { vlan } from "./vlan.ts";
import { vxlan } from "./vxlan.ts";

const common = { bridge, dummy, veth, vlan, vxlan };
type Rare = typeof rareKinds;
const RARE: { readonly [N in keyof Rare]: true } = {
  bond: true,
  erspan: true,
  geneve: true,
  gre: true,
  gretap: true,
  hsr: true,
  ifb: true,
  ip6erspan: true,
  ip6gre: true,
  ip6gretap: true,
  ip6tnl: true,
  ipip: true,
  ipvlan: true,
  ipvtap: true,
  macsec: true,
  macvlan: true,
  macvtap: true,
  netkit: true,
  nlmon: true,
  sit: true,
  tun: true,
  vcan: true,
  vrf: true,
  vti: true,
  vti6: true,
  wireguard: true,
  xfrm: true,
};
const rare = (): Rare => late<{ rareKinds: Rare }>("links/kinds/rare").rareKinds;

/** Names of the kinds that can be made. */
export type KindName = keyof typeof common | keyof Rare;
type Kinds = typeof common & Rare;

/** An object with these names, in order, whose values `pick` gives when they are asked for. */
export function whenAsked<T>(names: readonly string[], pick: (name: string) => unknown): T {
  const all = {};
  for (const name of [...names].sort())
    Object.defineProperty(all, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = pick(name);
        Object.defineProperty(all, name, { enumerable: true, value });
        return value;
      },
    });
  return all as T;
}

/** The kinds by their names. */
export const linkKinds: { readonly [N in KindName]: Kinds[N] } = whenAsked(
  [...Object.keys(common), ...Object.keys(RARE)],
  (name) => (Object.hasOwn(common, name) ? common[name as keyof typeof common] : rare()[name as keyof Rare]),
);

/** The kind of this name; undefined where it is not known here. */
export function kindNamed(name: string | undefined): AnyKind | undefined {
  return name !== undefined && Object.hasOwn(linkKinds, name)
    ? (linkKinds[name as KindName] as unknown as AnyKind)
    : undefined;
}
