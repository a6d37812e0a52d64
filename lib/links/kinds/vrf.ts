/**
 * Source: include/uapi/linux/if_link.h (IFLA_VRF_*, IFLA_VRF_PORT_*), drivers/net/vrf.c (vrf_nl_policy, vrf_newlink,
 * vrf_fillinfo, vrf_fill_slave_info).
 */
import { integer } from "../../shape/shape.ts";
import { at, attrs, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { type OptionsOf, same, status } from "../option.ts";

/** Links that have a routing table of their own: those whose master this is. */
export const vrf = linkKind({
  kind: "vrf",
  wire: attrs("IFLA_VRF", { table: at(1, u32) }),
  options: {
    /** Number of the routing table. */
    table: same("table", integer(1, 0xffff_ffff), { fixed: true }),
  },
  port: {
    wire: attrs("IFLA_VRF_PORT", { table: at(1, u32) }),
    options: {
      /** The routing table of the VRF that it belongs to. */
      table: status<number>("table", (value: number) => value),
    },
  },
  complete({ table }) {
    return table === undefined ? { key: "table", reason: "missing; a VRF needs its routing table" } : undefined;
  },
});
export interface VrfOptions extends OptionsOf<typeof vrf.options> {}
