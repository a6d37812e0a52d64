/**
 * `payload`: bytes of the packet, loaded into a register or written from one.
 *
 * Source: enum nft_payload_attributes, nft_payload_bases; net/netfilter/nft_payload.c nft_payload_policy, nft_payload_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { register } from "./data.ts";

export const payload = attrs("NFTA_PAYLOAD", {
  dreg: at(1, register),
  base: at(2, oneOf(be32, { link: 0, network: 1, transport: 2, inner: 3 })),
  offset: at(3, be32),
  len: at(4, be32),
  sreg: at(5, register),
  csumType: at(6, be32),
  csumOffset: at(7, be32),
  csumFlags: at(8, be32),
});
