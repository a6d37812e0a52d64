/** Source: include/uapi/linux/veth.h (VETH_INFO_PEER), drivers/net/veth.c (veth_policy, veth_newlink). */
import { at, attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import type { OptionsOf } from "../option.ts";
import { peerMessage, peerOf, peerOption } from "../peer.ts";

/** A cable with two ends, which may lie in two namespaces. */
export const veth = linkKind({
  kind: "veth",
  wire: attrs("VETH_INFO", { peer: at(1, peerMessage) }),
  options: { peer: peerOption("peer") },
  beside: peerOf,
});
export interface VethOptions extends OptionsOf<typeof veth.options> {}
