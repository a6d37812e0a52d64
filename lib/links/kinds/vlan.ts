/**
 * Source: include/uapi/linux/if_link.h (IFLA_VLAN_*, struct ifla_vlan_flags, struct ifla_vlan_qos_mapping),
 * include/uapi/linux/if_vlan.h (VLAN_FLAG_*), net/8021q/vlan_netlink.c (vlan_policy, vlan_changelink, vlan_fill_info).
 */
import { choice, integer, type Shape } from "../../shape/shape.ts";
import { at, attrs, be16, many, struct, u16, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { below, converted, custom, type Option, type OptionsOf, same } from "../option.ts";
import { switches, switchOf } from "../switches.ts";

/** Bit numbers of IFLA_VLAN_FLAGS. */
const FLAGS = { reorderHdr: 0, gvrp: 1, looseBinding: 2, mvrp: 3, bridgeBinding: 4 };
const qosMap = attrs("IFLA_VLAN_QOS", { mapping: many(1, struct("ifla_vlan_qos_mapping", { from: u32, to: u32 })) });
/** The kernel tells nothing of them when all are off. */
const flag = (key: keyof typeof FLAGS): Option<boolean> => switchOf("flags", key, false);

/** Priorities by priorities. What stands for 0 is the same as what is not there. */
export type QosMap = Readonly<Record<number, number>>;
type Mapping = { readonly from: number; readonly to: number };

const ANY = 0xffff_ffff;
/** Bits of the priority in a frame. */
const PCP = 7;

function mapShape(most: { readonly from: number; readonly to: number }, example: string): Shape<QosMap> {
  const [from, to] = [integer(0, most.from), integer(0, most.to)];
  return {
    expected: `a map such as ${example}, from numbers of 0 to ${most.from} to numbers of 0 to ${most.to}`,
    json: { type: "object", propertyNames: { pattern: "^(0|[1-9][0-9]*)$" }, additionalProperties: to.json },
    accepts: (value): value is QosMap =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.entries(value).every(
        ([key, one]) => /^(0|[1-9]\d*)$/.test(key) && from.accepts(Number(key)) && to.accepts(one),
      ),
  };
}
const counting = (map: QosMap): [string, number][] => Object.entries(map).filter(([, to]) => to !== 0);
const sameMap = (a: QosMap, b: QosMap): boolean =>
  JSON.stringify(counting(a).sort()) === JSON.stringify(counting(b).sort());

/** The kernel adds to its map: what is to be there no more is sent as 0. */
function qos(key: string, shape: Shape<QosMap>): Option<QosMap> {
  return custom<QosMap>(
    [key],
    shape,
    (value, _, before = {}) => {
      const gone = Object.fromEntries(Object.keys(before).map((from) => [from, 0]));
      const mapping = Object.entries({ ...gone, ...value }).map(([from, to]) => ({ from: Number(from), to }));
      return { [key]: { mapping } };
    },
    (wire) => {
      const { mapping = [] } = (wire[key] ?? {}) as { readonly mapping?: readonly Mapping[] };
      return Object.fromEntries(mapping.map(({ from, to }) => [from, to]));
    },
    { equal: sameMap },
  );
}

/** The frames of one VLAN of another link. */
export const vlan = linkKind({
  kind: "vlan",
  wire: attrs("IFLA_VLAN", {
    id: at(1, u16),
    flags: at(2, switches("ifla_vlan_flags", FLAGS)),
    egressQos: at(3, qosMap),
    ingressQos: at(4, qosMap),
    protocol: at(5, be16),
  }),
  options: {
    /** Name of the link whose frames these are. Same as: ip link add link DEV name NAME type vlan id ID */
    dev: below(),
    /** VLAN identifier, 0 to 4094. */
    id: same("id", integer(0, 4094), { ignored: true }),
    /** The tag's type, default 802.1Q; 802.1ad is that of a provider's outer tag. */
    protocol: converted<"802.1Q" | "802.1ad", number>(
      "protocol",
      choice("802.1Q", "802.1ad"),
      (value) => (value === "802.1Q" ? 0x8100 : 0x88a8),
      (value) => (value === 0x8100 ? "802.1Q" : value === 0x88a8 ? "802.1ad" : undefined),
      { ignored: true },
    ),
    /** Whether the tag is taken out of what is received here, as seen by packet sockets. Default true. */
    reorderHdr: flag("reorderHdr"),
    /** Whether this VLAN is told to the switch by GVRP. Default false. */
    gvrp: flag("gvrp"),
    /** Whether this VLAN is told to the switch by MVRP. Default false. */
    mvrp: flag("mvrp"),
    /** Whether this link keeps its own state when the one below is switched off. Default false. */
    looseBinding: flag("looseBinding"),
    /** Whether the carrier is that of the bridge's ports in this VLAN; only on a bridge. Default false. */
    bridgeBinding: flag("bridgeBinding"),
    /** Priority of packets by the priority in their tag, the whole map; 0 where nothing else is said. */
    ingressQosMap: qos("ingressQos", mapShape({ from: PCP, to: ANY }, "{ 3: 6 }")),
    /** Priority in the tag by the priority of packets, the whole map; 0 where nothing else is said. */
    egressQosMap: qos("egressQos", mapShape({ from: ANY, to: PCP }, "{ 6: 3 }")),
  },
  complete({ dev, id }) {
    if (dev === undefined) return { key: "dev", reason: "missing; a VLAN needs the link whose frames it takes" };
    return id === undefined ? { key: "id", reason: "missing; a VLAN needs its identifier, such as id: 10" } : undefined;
  },
});
export interface VlanOptions extends OptionsOf<typeof vlan.options> {}
