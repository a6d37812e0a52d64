/**
 * Ports of a bond: what a link is told about as a part of its bond. Written as IFLA_INFO_SLAVE_DATA, which Linux takes on
 * a link that is a port already.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_BOND_SLAVE_*), include/uapi/linux/if_bonding.h (BOND_STATE_*, BOND_LINK_*,
 * LACP_STATE_*), drivers/net/bonding/bond_netlink.c (bond_slave_policy, bond_slave_changelink,
 * bond_fill_slave_info).
 */
import { integer } from "../../shape/shape.ts";
import { at, attrs, bits, hardware, oneOf, s32, u8, u16, u32 } from "../../wire/index.ts";
import { same, status } from "../option.ts";

/** Bits of an actor's or partner's state, IEEE 802.1AX. */
const LACP = {
  active: 0x01,
  shortTimeout: 0x02,
  aggregating: 0x04,
  inSync: 0x08,
  collecting: 0x10,
  distributing: 0x20,
  defaulted: 0x40,
  expired: 0x80,
};
const churn = oneOf(u8, { monitor: 0, churn: 1, no_churn: 2 });

/** Attributes of a bond's port. */
export const bondSlave = attrs("IFLA_BOND_SLAVE", {
  state: at(1, oneOf(u8, { active: 0, backup: 1 })),
  miiStatus: at(2, oneOf(u8, { up: 0, going_down: 1, down: 2, going_back: 3 })),
  linkFailureCount: at(3, u32),
  permHwaddr: at(4, hardware),
  queueId: at(5, u16),
  adAggregatorId: at(6, u16),
  adActorOperPortState: at(7, bits(u8, LACP)),
  adPartnerOperPortState: at(8, bits(u16, LACP)),
  prio: at(9, s32),
  actorPortPrio: at(10, u16),
  adChurnActorState: at(11, churn),
  adChurnPartnerState: at(12, churn),
});

type Lacp = { readonly [K in keyof typeof LACP]?: boolean };
const asIs = <T>(value: T): T => value;

/** What a port may be told, in the words of `ip link set … type bond_slave`. */
export const bondPortOptions = {
  /** Queue of the bond that goes through this port, default 0: none in particular. */
  queueId: same("queueId", integer(0, 0xffff)),
  /** When the active port is lost, the port with the highest takes over; default 0. Linux 6.0 and later. */
  prio: same("prio", integer(-0x8000_0000, 0x7fff_ffff)),
  /** Priority of the port in LACP; the lower is preferred. Default 255; mode 802.3ad. Linux 6.18 and later. */
  actorPortPrio: same("actorPortPrio", integer(0, 0xffff), {
    unfit: ({ mode }) => (mode === "802.3ad" ? undefined : "needs a bond of mode 802.3ad"),
  }),

  /** Whether it is in use, or waits. */
  state: status<"active" | "backup">("state", asIs<"active" | "backup">),
  /** What link monitoring says: `going_down` and `going_back` are while the delays run. */
  miiStatus: status<"up" | "going_down" | "down" | "going_back">(
    "miiStatus",
    asIs<"up" | "going_down" | "down" | "going_back">,
  ),
  linkFailureCount: status<number>("linkFailureCount", asIs<number>),
  /** The MAC address that it has outside of the bond. */
  permHwaddr: status<string>("permHwaddr", asIs<string>),
  /** LACP, only with mode 802.3ad: the aggregator that it is in. */
  adAggregatorId: status<number>("adAggregatorId", asIs<number>),
  /** Our state in LACP; what is not named is not so. */
  adActorOperPortState: status<Lacp>("adActorOperPortState", asIs<Lacp>),
  /** The other side's state in LACP. */
  adPartnerOperPortState: status<Lacp>("adPartnerOperPortState", asIs<Lacp>),
  adChurnActorState: status<string>("adChurnActorState", (value: string | number) => String(value)),
  adChurnPartnerState: status<string>("adChurnPartnerState", (value: string | number) => String(value)),
};
