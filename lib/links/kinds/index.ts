/** The kinds of links that can be made. A new one is its file and two lines here. */
import type { AnyKind } from "../kind.ts";
import { bond } from "./bond.ts";
import { bridge } from "./bridge.ts";
import { dummy } from "./dummy.ts";
import { erspan } from "./erspan.ts";
import { geneve } from "./geneve.ts";
import { gre } from "./gre.ts";
import { gretap } from "./gretap.ts";
import { hsr } from "./hsr.ts";
import { ifb } from "./ifb.ts";
import { ip6erspan } from "./ip6erspan.ts";
import { ip6gre } from "./ip6gre.ts";
import { ip6gretap } from "./ip6gretap.ts";
import { ip6tnl } from "./ip6tnl.ts";
import { ipip } from "./ipip.ts";
import { ipvlan, ipvtap } from "./ipvlan.ts";
import { macsec } from "./macsec.ts";
import { macvlan, macvtap } from "./macvlan.ts";
import { netkit } from "./netkit.ts";
import { nlmon } from "./nlmon.ts";
import { sit } from "./sit.ts";
import { tun } from "./tun.ts";
import { vcan } from "./vcan.ts";
import { veth } from "./veth.ts";
import { vlan } from "./vlan.ts";
import { vrf } from "./vrf.ts";
import { vti } from "./vti.ts";
import { vti6 } from "./vti6.ts";
import { vxlan } from "./vxlan.ts";
import { wireguard } from "./wireguard.ts";
import { xfrm } from "./xfrm.ts";

export const linkKinds = {
  bond,
  bridge,
  dummy,
  erspan,
  geneve,
  gre,
  gretap,
  hsr,
  ifb,
  ip6erspan,
  ip6gre,
  ip6gretap,
  ip6tnl,
  ipip,
  ipvlan,
  ipvtap,
  macsec,
  macvlan,
  macvtap,
  netkit,
  nlmon,
  sit,
  tun,
  vcan,
  veth,
  vlan,
  vrf,
  vti,
  vti6,
  vxlan,
  wireguard,
  xfrm,
};
/** Names of the kinds that can be made. */
export type KindName = keyof typeof linkKinds;

/** The kind of this name; undefined where it is not known here. */
export function kindNamed(name: string | undefined): AnyKind | undefined {
  return name !== undefined && Object.hasOwn(linkKinds, name)
    ? (linkKinds[name as KindName] as unknown as AnyKind)
    : undefined;
}
