/**
 * `nat`: source or destination NAT to addresses and ports in registers.
 *
 * Source: enum nft_nat_attributes, nft_nat_types, NF_NAT_RANGE_* in include/uapi/linux/netfilter/nf_nat.h;
 * net/netfilter/nft_nat.c nft_nat_policy, nft_nat_dump (which adds map_ips and proto_specified to the flags).
 */
import { at, attrs, be32, bits, oneOf } from "../../wire/index.ts";
import { register } from "./data.ts";

/** NF_NAT_RANGE_*. */
export const natFlags = bits(be32, {
  mapIps: 1,
  protoSpecified: 2,
  random: 4,
  persistent: 8,
  fullyRandom: 16,
});

export const nat = attrs("NFTA_NAT", {
  type: at(1, oneOf(be32, { snat: 0, dnat: 1 })),
  family: at(2, oneOf(be32, { ip: 2, ip6: 10 })),
  regAddrMin: at(3, register),
  regAddrMax: at(4, register),
  regProtoMin: at(5, register),
  regProtoMax: at(6, register),
  flags: at(7, natFlags),
});
