/** The kinds of links that are loaded when one of them is first met. */
import { bond } from "./bond.ts";
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
import { vrf } from "./vrf.ts";
import { vti } from "./vti.ts";
import { vti6 } from "./vti6.ts";
import { wireguard } from "./wireguard.ts";
import { xfrm } from "./xfrm.ts";

export const rareKinds = {
  bond,
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
  vrf,
  vti,
  vti6,
  wireguard,
  xfrm,
};
