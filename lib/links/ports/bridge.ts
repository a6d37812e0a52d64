/**
 * Ports of a bridge: what a link is told about as a part of its bridge. Written as IFLA_INFO_SLAVE_DATA, which Linux takes
 * on a link that is a port already, not in the message that makes the link;
 * `state` alone is written as IFLA_PROTINFO of AF_BRIDGE.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_BRPORT_*), include/uapi/linux/if_bridge.h (BR_STATE_*),
 * net/bridge/br_netlink.c (br_port_policy, br_setport, br_port_fill_attrs).
 */
import { boolean, choice, integer, linkName } from "../../shape/shape.ts";
import { at, attrs, be16, bool, flag, mac, oneOf, padding, struct, u8, u16, u32, u64 } from "../../wire/index.ts";
import { reference, same, status } from "../option.ts";

const bridgeId = struct("ifla_bridge_id", { prio: be16, addr: mac });
const STATES = { disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 } as const;

/** Attributes of a bridge's port. */
export const brport = attrs("IFLA_BRPORT", {
  state: at(1, oneOf(u8, STATES)),
  priority: at(2, u16),
  cost: at(3, u32),
  /** Hairpin. */
  mode: at(4, bool),
  guard: at(5, bool),
  protect: at(6, bool),
  fastLeave: at(7, bool),
  learning: at(8, bool),
  unicastFlood: at(9, bool),
  proxyarp: at(10, bool),
  learningSync: at(11, bool),
  proxyarpWifi: at(12, bool),
  rootId: at(13, bridgeId),
  bridgeId: at(14, bridgeId),
  designatedPort: at(15, u16),
  designatedCost: at(16, u16),
  id: at(17, u16),
  no: at(18, u16),
  topologyChangeAck: at(19, bool),
  configPending: at(20, bool),
  messageAgeTimer: at(21, u64),
  forwardDelayTimer: at(22, u64),
  holdTimer: at(23, u64),
  /** Its presence forgets what was learned at this port. */
  flush: flag(24),
  multicastRouter: at(25, u8),
  pad: padding(26),
  mcastFlood: at(27, bool),
  mcastToUcast: at(28, bool),
  vlanTunnel: at(29, bool),
  bcastFlood: at(30, bool),
  groupFwdMask: at(31, u16),
  neighSuppress: at(32, bool),
  isolated: at(33, bool),
  /** Interface index; 0 for none. */
  backupPort: at(34, u32),
  mrpRingOpen: at(35, bool),
  mrpInOpen: at(36, bool),
  mcastEhtHostsLimit: at(37, u32),
  mcastEhtHostsCnt: at(38, u32),
  locked: at(39, bool),
  mab: at(40, bool),
  mcastNGroups: at(41, u32),
  mcastMaxGroups: at(42, u32),
  neighVlanSuppress: at(43, bool),
  backupNhid: at(44, u32),
  neighForwardGrat: at(45, bool),
});

const idText = ({ prio, addr }: { readonly prio: number; readonly addr: string }): string =>
  `${prio.toString(16).padStart(4, "0")}.${addr}`;
const timer = (value: bigint): number => Number(value) / 100;
const asIs = <T>(value: T): T => value;
const count = integer(0, 0xffff_ffff);

/** What a port may be told, in the words of `bridge link set`. */
export const portOptions = {
  /**
   * State in the spanning tree; changes only while the bridge runs none itself and the link is up. Without any spanning
   * tree `blocking` does not stay, and `disabled` only until the carrier changes: Linux goes on to `forwarding`.
   */
  state: same("state", choice("disabled", "listening", "learning", "forwarding", "blocking")),
  /** 0 to 63, default 32; the lower is preferred. */
  priority: same("priority", integer(0, 63)),
  /** Path cost, 1 to 65535; the default follows the speed of the link. */
  cost: same("cost", integer(1, 0xffff)),
  /** Whether a frame may leave where it came in. Default false. */
  hairpin: same("mode", boolean),
  /** Whether spanning tree packets from here are dropped. Default false. */
  guard: same("guard", boolean),
  /** Whether this port may not become the root port. Default false. */
  rootBlock: same("protect", boolean),
  /** Whether one leave message is enough. Default false. */
  fastLeave: same("fastLeave", boolean),
  /** Whether addresses are learned from what comes in. Default true. */
  learning: same("learning", boolean),
  /** Whether frames to unknown addresses leave here. Default true. */
  flood: same("unicastFlood", boolean),
  /** Whether multicast without members leaves here. Default true. */
  mcastFlood: same("mcastFlood", boolean),
  /** Whether broadcast leaves here. Default true. */
  bcastFlood: same("bcastFlood", boolean),
  /** Whether multicast is sent to each member as unicast. Default false. */
  mcastToUnicast: same("mcastToUcast", boolean),
  /** Multicast router at this port: 0 none, 1 found out (the default), 2 always, 3 for a while. */
  mcastRouter: same("multicastRouter", integer(0, 3)),
  /** Most groups at this port, default 0: no limit. Linux 6.3 and later. */
  mcastMaxGroups: same("mcastMaxGroups", count),
  /** Most hosts for each group that are tracked, default 512. */
  mcastEhtHostsLimit: same("mcastEhtHostsLimit", count),
  proxyArp: same("proxyarp", boolean),
  proxyArpWifi: same("proxyarpWifi", boolean),
  /** Whether neighbor requests that the bridge can answer itself do not leave here. Default false. */
  neighSuppress: same("neighSuppress", boolean),
  /** The same for each VLAN of its own. Linux 6.4 and later. */
  neighVlanSuppress: same("neighVlanSuppress", boolean),
  /** Whether unasked neighbor announcements pass in spite of `neighSuppress`. */
  neighForwardGrat: same("neighForwardGrat", boolean),
  /** Whether VLANs are mapped to tunnel ids. Default false. */
  vlanTunnel: same("vlanTunnel", boolean),
  /** Whether nothing passes between this port and other isolated ones. Default false. */
  isolated: same("isolated", boolean),
  /** Whether only known addresses may send. Default false. */
  locked: same("locked", boolean),
  /** Whether unknown addresses are noted at a locked port; needs `learning` and `locked`. Linux 6.2 and later. */
  mab: same("mab", boolean),
  /** As the bridge's, for this port. */
  groupFwdMask: same("groupFwdMask", integer(0, 0xffff)),
  /** Name of the port of the same bridge that takes over when this one has no carrier. */
  backupPort: reference("backupPort", linkName),
  /** Nexthop object that takes over; 0 for none. Linux 6.6 and later. */
  backupNhid: same("backupNhid", count, { none: 0 }),

  /** Priority and MAC address, as `8000.02:00:00:00:00:01`. */
  rootId: status<string>("rootId", idText),
  bridgeId: status<string>("bridgeId", idText),
  designatedPort: status<number>("designatedPort", asIs<number>),
  designatedCost: status<number>("designatedCost", asIs<number>),
  id: status<number>("id", asIs<number>),
  /** Number of the port in its bridge. */
  number: status<number>("no", asIs<number>),
  topologyChangeAck: status<boolean>("topologyChangeAck", asIs<boolean>),
  configPending: status<boolean>("configPending", asIs<boolean>),
  /** Timers run down, in seconds; 0 when they do not run. */
  messageAgeTimer: status<number>("messageAgeTimer", timer),
  forwardDelayTimer: status<number>("forwardDelayTimer", timer),
  holdTimer: status<number>("holdTimer", timer),
  mrpRingOpen: status<boolean>("mrpRingOpen", asIs<boolean>),
  mrpInOpen: status<boolean>("mrpInOpen", asIs<boolean>),
  /** Hosts that are tracked now. */
  mcastEhtHosts: status<number>("mcastEhtHostsCnt", asIs<number>),
  /** Groups now. */
  mcastGroups: status<number>("mcastNGroups", asIs<number>),
};
