/**
 * What the two kinds of virtual tunnel interfaces share.
 *
 * Source: include/uapi/linux/if_tunnel.h (IFLA_VTI_*), net/ipv4/ip_vti.c (vti_policy, vti_fill_info),
 * net/ipv6/ip6_vti.c (vti6_policy, vti6_fill_info). Keys are in network order.
 */
import { at, attrs, be32, type Fixed, u32 } from "../../wire/index.ts";
import { same } from "../option.ts";
import { fwmark, mark } from "./outer.ts";

/** The attributes, with addresses of the family of the outer packets. */
export const vtiAttrs = (ip: Fixed<string>) =>
  attrs("IFLA_VTI", {
    link: at(1, u32),
    ikey: at(2, be32),
    okey: at(3, be32),
    local: at(4, ip),
    remote: at(5, ip),
    fwmark: at(6, u32),
  });

/** Marks that choose the policy, and that of the outer packets. The word `key` of iproute2 means `ikey` and `okey`. */
export const vtiMarks = {
  /** Mark of packets that come in, for the policy to look for; default 0. */
  ikey: same("ikey", mark),
  /** Mark of packets that go out; default 0. */
  okey: same("okey", mark),
  fwmark,
};
