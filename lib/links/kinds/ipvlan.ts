/**
 * Source: include/uapi/linux/if_link.h (IFLA_IPVLAN_*, IPVLAN_MODE_*, IPVLAN_F_*), drivers/net/ipvlan/ipvlan_main.c
 * (ipvlan_nl_policy, ipvlan_nl_changelink, ipvlan_nl_fillinfo). An ipvtap has the same attributes
 * (drivers/net/ipvlan/ipvtap.c).
 */
import { choice } from "../../shape/shape.ts";
import { at, attrs, oneOf, u16 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { below, type OptionsOf, same } from "../option.ts";

const wire = attrs("IFLA_IPVLAN", {
  mode: at(1, oneOf(u16, { l2: 0, l3: 1, l3s: 2 })),
  flags: at(2, oneOf(u16, { bridge: 0, private: 1, vepa: 2 })),
});
const options = {
  /** Name of the link whose MAC address it shares. */
  dev: below(),
  /** What the host sees of it: frames (`l2`), packets (`l3`, the default), packets that pass netfilter too (`l3s`). One for all on the same `dev`. */
  mode: same("mode", choice("l2", "l3", "l3s")),
  /** How links on the same `dev` reach each other: directly (`bridge`, the default), not at all (`private`), through the switch outside (`vepa`). */
  flags: same("flags", choice("bridge", "private", "vepa")),
};
function complete({ dev }: OptionsOf<typeof options>): { key: "dev"; reason: string } | undefined {
  return dev === undefined
    ? { key: "dev", reason: "missing; it needs the link that its traffic goes through" }
    : undefined;
}

/** A link with IP addresses of its own and the MAC address of another link. */
export const ipvlan = linkKind({ kind: "ipvlan", wire, options, complete });
/** An ipvlan that programs read and write through /dev/tapN. */
export const ipvtap = linkKind({ kind: "ipvtap", wire, options, complete });
export interface IpvlanOptions extends OptionsOf<typeof ipvlan.options> {}
