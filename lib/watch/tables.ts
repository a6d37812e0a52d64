/**
 * What can be watched: for each table the multicast groups that tell of it, the messages, and their words.
 *
 * Source: include/uapi/linux/rtnetlink.h (RTNLGRP_*).
 */
import { deladdr, newaddr } from "../addresses/schema.ts";
import { type Address, addressFromWire } from "../addresses/words.ts";
import { type MdbEntry, mdbEntries } from "../bridges/mdb.ts";
import { deltunnel, delvlan, newmdb, newtunnel, newvlan, toldGone } from "../bridges/schema.ts";
import { type Vlan, vlanFromWire } from "../bridges/vlans.ts";
import { type Vni, vniFromWire } from "../bridges/vnis.ts";
import { type NetconfEntry, netconfFromWire } from "../devconf/netconf.ts";
import { delnetconf, NETCONF_GROUPS, newnetconf } from "../devconf/schema.ts";
import type { EthtoolChange } from "../ethtool/notices.ts";
import { type Listing, linkNamed } from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { linkFromWire, linkGone, linkTold } from "../links/observed.ts";
import type { Link } from "../links/words.ts";
import { entryFromWire, type FdbEntry } from "../neighbors/entry.ts";
import { delneigh, newneigh } from "../neighbors/schema.ts";
import { type Neighbor, neighborFromWire } from "../neighbors/words.ts";
import { delnsid, type NetnsId, NSID_GROUP, newnsid, nsidsFromWire } from "../netns/nsids.ts";
import { delnexthop, newnexthop } from "../nexthops/schema.ts";
import { type NexthopObject, nexthopFromWire } from "../nexthops/words.ts";
import { delclass, delfilter, delqdisc, newclass, newfilter, newqdisc } from "../qdiscs/schema.ts";
import {
  classFromWire,
  filterFromWire,
  type Qdisc,
  qdiscFromWire,
  type TcClass,
  type TcFilter,
} from "../qdiscs/words.ts";
import { isRoute, routeFromWire } from "../routes/convert.ts";
import { delroute, newroute } from "../routes/schema.ts";
import type { Route } from "../routes/words.ts";
import { delrule, newrule } from "../rules/schema.ts";
import { type Rule, ruleFromWire } from "../rules/words.ts";
import type { Message, MessageOut } from "../wire/index.ts";

/** Names of links by their index. */
export type Names = ReadonlyMap<number, string>;

/**
 * The objects of each table. The kernel does not tell of neighbors that are `incomplete` or `noarp`, which it makes by
 * itself, or that become `delay`; nor of the multicast addresses that a device listens to, which its forwarding entries
 * list; nor in netconf of what was set by netlink instead of a file under /proc/sys; nor of classes that a qdisc makes by
 * itself for flows.
 */
export interface Watched {
  readonly links: Link;
  readonly addresses: Address;
  readonly routes: Route;
  readonly neighbors: Neighbor;
  readonly fdb: FdbEntry;
  readonly rules: Rule;
  readonly nexthops: NexthopObject;
  readonly qdiscs: Qdisc;
  readonly classes: TcClass;
  /** A removal whose `handle` is 0 is of all filters that have the same place, `chain`, `pref` and `protocol`. */
  readonly filters: TcFilter;
  readonly netconf: NetconfEntry;
  readonly vlans: Vlan;
  readonly vnis: Vni;
  readonly mdb: MdbEntry;
  /** Numbers of namespaces. */
  readonly nsids: NetnsId;
  /**
   * Settings of devices, never removed. Of these there is no table: the kernel tells what somebody set, and not what
   * becomes of it with the cable.
   */
  readonly ethtool: EthtoolChange;
}
/** What can be watched. */
export type WatchName = keyof Watched;
/** What there are tables of. */
export type TableName = Exclude<WatchName, "ethtool">;
/** Whole tables, as their services list them. */
export type Tables<K extends WatchName = WatchName> = { readonly [T in Extract<K, TableName>]?: readonly Watched[T][] };
/** How to read each table whole. */
export type Lists = { readonly [T in TableName]: () => Promise<Listing<Watched[T]>> };

/** How one table is watched. */
export interface Watchable<M, T> {
  /** {@link WatchEvent.type} of its changes. */
  readonly type: string;
  readonly groups: readonly number[];
  readonly made: Message<never, M>;
  readonly gone: Message<never, M>;
  /** The objects in words; none for a message about something else. */
  read(message: M, names: Names): readonly T[];
  /**
   * What tells an object from the others of its table, where a table is kept up to date by its events alone; the
   * other tables are read anew after a change, as the kernel does not tell of all that a change takes with it.
   */
  key?(object: T): string;
  /**
   * What a new object may have taken the place of without a word, where more than the key. An object with the same
   * group and another key has the table read anew.
   */
  group?(object: T): string;
  /** Tables whose changes take objects of this one with them, or change them, without a word. */
  readonly dependsOn?: readonly string[];
}

const some = <T>(object: T | undefined): readonly T[] => (object === undefined ? [] : [object]);
const watchable = <M, T, const N extends string>(table: Watchable<M, T> & { readonly type: N }): typeof table => table;
const neighborMessages = { made: newneigh, gone: delneigh } as const;
const joined = (...parts: readonly unknown[]): string => parts.join(" ");

export const watchables = {
  links: watchable({
    type: "link",
    groups: [1],
    made: linkTold,
    gone: linkGone,
    read: (message, names): readonly Link[] => {
      const fdOf = (): never => {
        throw new TypeError("no namespace is opened to read a link");
      };
      const indexOf = fdOf;
      const nameOf = (index: number): string | undefined => names.get(index);
      return message.header.family === AF_BRIDGE ? [] : [linkFromWire(message, { nameOf, indexOf, fdOf }, false)];
    },
    dependsOn: ["qdiscs"], // it bears the name of the kind of its root qdisc
  }),
  addresses: watchable({
    type: "address",
    groups: [5, 9],
    made: newaddr as Message<never, MessageOut<typeof newaddr>>,
    gone: deladdr as Message<never, MessageOut<typeof newaddr>>,
    read: (message, names): readonly Address[] => some(addressFromWire(message, names)),
  }),
  routes: watchable({
    type: "route",
    groups: [7, 11],
    made: newroute as Message<never, MessageOut<typeof newroute>>,
    gone: delroute as Message<never, MessageOut<typeof newroute>>,
    read: (message, names): readonly Route[] => (isRoute(message) ? [routeFromWire(message, names)] : []),
    dependsOn: ["links", "addresses", "nexthops"],
  }),
  neighbors: watchable({
    type: "neighbor",
    groups: [3],
    ...neighborMessages,
    read: (message: MessageOut<typeof newneigh>, names): readonly Neighbor[] => some(neighborFromWire(message, names)),
    key: ({ address, dev, proxy }) => joined(address, dev, proxy),
  }),
  fdb: watchable({
    type: "fdb",
    groups: [3],
    ...neighborMessages,
    read: (message: MessageOut<typeof newneigh>, names): readonly FdbEntry[] =>
      message.header.family === AF_BRIDGE ? [entryFromWire(message, names)] : [],
    key: ({ mac, dev, vlan, srcVni, self, master, dst, nhid, port, vni, via }) =>
      joined(mac, dev, vlan, srcVni, self, master, dst, nhid, port, vni, via),
    // A VXLAN that learns an address behind another far end, and a bridge behind another port, tell the new one only.
    group: ({ mac, dev, master, vlan, srcVni, self }) => joined(mac, master ?? dev, vlan, srcVni, self),
  }),
  rules: watchable({
    type: "rule",
    groups: [8, 19],
    made: newrule as Message<never, MessageOut<typeof newrule>>,
    gone: delrule as Message<never, MessageOut<typeof newrule>>,
    read: (message): readonly Rule[] => some(ruleFromWire(message)),
    dependsOn: ["links"],
  }),
  nexthops: watchable({
    type: "nexthop",
    groups: [32],
    made: newnexthop as Message<never, MessageOut<typeof newnexthop>>,
    gone: delnexthop as Message<never, MessageOut<typeof newnexthop>>,
    read: (message, names): readonly NexthopObject[] => [nexthopFromWire(message, names)],
    dependsOn: ["links"],
  }),
  qdiscs: watchable({
    type: "qdisc",
    groups: [4],
    made: newqdisc as Message<never, MessageOut<typeof newqdisc>>,
    gone: delqdisc as Message<never, MessageOut<typeof newqdisc>>,
    read: (message, names): readonly Qdisc[] => [qdiscFromWire(message, (index) => linkNamed(names, index))],
    dependsOn: ["links"],
  }),
  classes: watchable({
    type: "class",
    groups: [4],
    made: newclass as Message<never, MessageOut<typeof newclass>>,
    gone: delclass as Message<never, MessageOut<typeof newclass>>,
    read: (message, names): readonly TcClass[] => [classFromWire(message, (index) => linkNamed(names, index))],
    dependsOn: ["links", "qdiscs"],
  }),
  filters: watchable({
    type: "filter",
    groups: [4],
    made: newfilter as Message<never, MessageOut<typeof newfilter>>,
    gone: delfilter as Message<never, MessageOut<typeof newfilter>>,
    read: (message, names): readonly TcFilter[] => [filterFromWire(message, (index) => linkNamed(names, index))],
    dependsOn: ["links", "qdiscs", "classes"],
  }),
  netconf: watchable({
    type: "netconf",
    groups: Object.values(NETCONF_GROUPS),
    made: newnetconf as Message<never, MessageOut<typeof newnetconf>>,
    gone: delnetconf as Message<never, MessageOut<typeof newnetconf>>,
    read: (message, names): readonly NetconfEntry[] => [netconfFromWire(message, names)],
    dependsOn: ["links"],
  }),
  vlans: watchable({
    type: "vlan",
    groups: [33],
    made: newvlan as Message<never, MessageOut<typeof newvlan>>,
    gone: delvlan as Message<never, MessageOut<typeof newvlan>>,
    read: ({ header, attrs: { entry = [] } }, names): readonly Vlan[] =>
      entry.map((one) => vlanFromWire(linkNamed(names, header.ifindex), one)),
    dependsOn: ["links"],
  }),
  vnis: watchable({
    type: "vni",
    groups: [35],
    made: newtunnel as Message<never, MessageOut<typeof newtunnel>>,
    gone: deltunnel as Message<never, MessageOut<typeof newtunnel>>,
    read: ({ header, attrs: { entry = [] } }, names): readonly Vni[] =>
      entry.map((one) => vniFromWire(linkNamed(names, header.ifindex), one)),
    dependsOn: ["links"],
  }),
  mdb: watchable({
    type: "mdb",
    groups: [26],
    made: newmdb as Message<never, MessageOut<typeof newmdb>>,
    gone: toldGone as Message<never, MessageOut<typeof newmdb>>,
    read: (message, names): readonly MdbEntry[] => mdbEntries(message, names),
    dependsOn: ["links"],
  }),
  nsids: watchable({
    type: "nsid",
    groups: [NSID_GROUP],
    made: newnsid as Message<never, MessageOut<typeof newnsid>>,
    gone: delnsid as Message<never, MessageOut<typeof newnsid>>,
    read: (message): readonly NetnsId[] => nsidsFromWire(message),
    key: ({ nsid }) => String(nsid),
  }),
} as const;
