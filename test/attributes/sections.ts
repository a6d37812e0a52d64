/** The sections of docs/attributes.md: which attributes there are, and where they stand in what was captured. */

import { ifal, newaddrlabel } from "../../lib/addresses/label-schema.ts";
import { addressLabelFromWire, addressLabelToWire } from "../../lib/addresses/labels.ts";
import { multicastFromWire } from "../../lib/addresses/multicast.ts";
import { ifa, newaddr } from "../../lib/addresses/schema.ts";
import { addressFromWire, addressToWire } from "../../lib/addresses/words.ts";
import { mdbEntries, mdbToWire } from "../../lib/bridges/mdb.ts";
import { mstFromWire, mstToWire } from "../../lib/bridges/mst.ts";
import {
  bridgeSpec,
  delmdb,
  getmdb,
  mdbAttributes,
  mdbe,
  mstEntry,
  newmdb,
  newlink as newport,
  newtunnel,
  newvlan,
  setmdb,
  setlink as setvlan,
  vlanEntry,
  vlanGlobals,
  vlanStats,
  vlanTunnel,
  vlanTunnelInfo,
  vniEntry,
  vniStats,
} from "../../lib/bridges/schema.ts";
import {
  globalsFromWire,
  vlanFromWire,
  vlanGlobalRules,
  vlanOptionRules,
  vlanToWire,
} from "../../lib/bridges/vlans.ts";
import { vniFromWire, vniToWire } from "../../lib/bridges/vnis.ts";
import { netconfFromWire } from "../../lib/devconf/netconf.ts";
import { inetConf, netconfa, newnetconf } from "../../lib/devconf/schema.ts";
import { linkModesFromWire, linkModesToWire, linkStateFromWire } from "../../lib/ethtool/link.ts";
import * as device from "../../lib/ethtool/schema.ts";
import { channels, coalesce, type Group, linkInfo, pause, rings } from "../../lib/ethtool/settings.ts";
import { genericBody } from "../../lib/families/generic.ts";
import { lwtunnelIp, lwtunnelIp6, mplsIptunnel, seg6Iptunnel } from "../../lib/families/lwtunnel.ts";
import { AF_BRIDGE, RTM_GETMULTICAST } from "../../lib/families/route.ts";
import { fouPort } from "../../lib/fou/schema.ts";
import { configToWire as fouToWire, portFromWire } from "../../lib/fou/words.ts";
import type { AnyKind } from "../../lib/links/kind.ts";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import type { Options } from "../../lib/links/option.ts";
import { dellink, getlink, ifla, newlink, setlink } from "../../lib/links/schema.ts";
import { newvfs, setvfs, vfInfo, vfStats, vfVlans } from "../../lib/links/vf-schema.ts";
import { type Vf, vfSteps, vfsFromWire } from "../../lib/links/vfs.ts";
import { commonOptions } from "../../lib/links/words.ts";
import { xstatsFromWire } from "../../lib/links/xstats.ts";
import { bond3adStats, bridgeXstats, iflaStats, newstats } from "../../lib/links/xstats-schema.ts";
import { macsecDevice, macsecRxsc, macsecSa } from "../../lib/macsec/schema.ts";
import { deviceFromWire as macsecFromWire, toWire as macsecToWire, offloadToWire } from "../../lib/macsec/words.ts";
import { entryFromWire, entryToWire } from "../../lib/neighbors/entry.ts";
import { delneigh, nda, newneigh, nfea } from "../../lib/neighbors/schema.ts";
import { ndta, ndtpa, newneightbl, setneightbl } from "../../lib/neighbors/table-schema.ts";
import { neighborTableFromWire, neighborTableToWire } from "../../lib/neighbors/tables.ts";
import { neighborFromWire, neighborToWire } from "../../lib/neighbors/words.ts";
import { netnsa, newnsid, nsidsFromWire } from "../../lib/netns/nsids.ts";
import {
  getnexthop,
  newbucket,
  newnexthop,
  nha,
  nhaGroupStatsEntry,
  nhaResBucket,
  nhaResGroup,
} from "../../lib/nexthops/schema.ts";
import { bucketFromWire, nexthopFromWire, nexthopToWire } from "../../lib/nexthops/words.ts";
import { actionList } from "../../lib/qdiscs/action.ts";
import { actionKinds } from "../../lib/qdiscs/actions/index.ts";
import type { AnyKind as TcKind } from "../../lib/qdiscs/kind.ts";
import { netemAttributes } from "../../lib/qdiscs/kinds/netem.ts";
import type { Options as TcOptions } from "../../lib/qdiscs/option.ts";
import {
  classTable,
  filterTable,
  newclass,
  newfilter,
  newqdisc,
  qdiscAttributes,
  qdiscTable,
} from "../../lib/qdiscs/schema.ts";
import { routeFromWire, routeToWire } from "../../lib/routes/convert.ts";
import { multicastRouteFromWire } from "../../lib/routes/multicast.ts";
import { getroute, mrouteRta, newmroute, newroute, rta, rtax } from "../../lib/routes/schema.ts";
import { fra, newrule } from "../../lib/rules/schema.ts";
import { ruleFromWire, ruleToWire } from "../../lib/rules/words.ts";
import { type AnySchema, Reader } from "../../lib/wire/index.ts";
import { wgAllowedIp, wgDevice, wgPeer } from "../../lib/wireguard/schema.ts";
import { configToWire, deviceFromWire } from "../../lib/wireguard/words.ts";
import { asked, type Captured, captures, filesOf, inside, type Values, type Whole } from "./captured.ts";
import { type Meaning, type Meanings, meaningsOf, type Telling } from "./meaning.ts";
import { type Attributes, setdevice, setfou, setmacsec } from "./requests.ts";

/** The kernel answers it with its own number. Source: include/uapi/linux/rtnetlink.h */
const RTM_GETANYCAST = 62;

/** Attributes that stand together. */
export interface Section {
  readonly title: string;
  readonly schema: AnySchema;
  /** Of links: their words. */
  readonly options?: Options;
  /** As test/fixtures/tried.txt calls the sorts of objects that have them. */
  readonly kinds?: readonly string[];
  /** Of others: what is known of an attribute. */
  readonly meanings: Meanings;
  /** Files by the attribute. */
  readonly captured: ReadonlyMap<string, readonly string[]>;
}
/** A section that is not worked out yet. */
interface Draft {
  readonly title: string;
  readonly schema: AnySchema;
  readonly options?: Options;
  readonly kinds?: readonly string[];
  readonly messages: readonly Captured[];
  /** The section's attributes in those of a message. */
  part(attrs: Values): unknown;
  /** What is known of an attribute; `under` are the keys of the nests around it, within this section. */
  meanings(under: readonly string[]): Meanings;
}

const none: Meanings = new Map();
const nameOf = (index: number): string => `#${index}`;
const indexOf = (name: string): number => Number(name.slice(1));
/** Links have no names in these messages. */
const names: ReadonlyMap<number, string> = new Map();
const as = <T>(value: unknown): T => value as T;

/** Says which sorts of objects are meant. */
const tried = (kinds: readonly string[], ...drafts: readonly Draft[]): Draft[] =>
  drafts.map((one) => ({ ...one, kinds }));

/** Attributes behind a path, and what is found out of them. */
function draft(
  title: string,
  messages: readonly Captured[],
  schema: AnySchema,
  path: readonly string[],
  ...tellings: readonly (Omit<Telling, "path"> & { readonly path?: readonly string[] })[]
): Draft {
  return {
    title,
    schema,
    messages,
    part: (attrs) => inside(attrs, path),
    meanings: (under) =>
      meaningsOf(
        tellings.map((one) => ({
          ...one,
          path: [...(one.path ?? path), ...under],
          ...(one.asked !== undefined && { asked: [...one.asked, ...under] }),
        })),
      ),
  };
}

/** The nests in a section: where they stand in it, and what is in them. */
function nestsIn(
  schema: AnySchema,
  under: readonly string[] = [],
): (readonly [under: readonly string[], schema: AnySchema])[] {
  return Object.entries(schema.fields).flatMap(([key, field]) => {
    const nowhere = { u8: [], u16: [], u32: [] } as unknown as Reader;
    const { codec } = field.open(nowhere, field.claims[0] ?? 0, { start: 0, end: 0 });
    if (codec === undefined || !("fields" in codec)) return [];
    const path = [...under, key];
    return [[path, codec as AnySchema] as const, ...nestsIn(codec as AnySchema, path)];
  });
}
const finished = ({ title, schema, options, kinds, messages, part, meanings }: Draft): Section => ({
  title,
  schema,
  ...(options !== undefined && { options }),
  ...(kinds !== undefined && { kinds }),
  captured: filesOf(messages, part),
  meanings: meanings([]),
});
/** Whether it is no more than a list: each attribute is a nest, all of one form. */
function isList({ fields }: AnySchema): boolean {
  const forms = Object.values(fields).map(
    (field) => field.open({ u16: [] } as never, field.claims[0] ?? 0, { start: 0, end: 0 }).codec,
  );
  return new Set(forms).size === 1 && forms[0] !== undefined && "fields" in forms[0];
}
/** All sections, and those of the nests in them that have none of their own: one for all places in which it stands. */
function withNests(drafts: readonly Draft[]): Section[] {
  const own = new Set(drafts.map(({ schema }) => schema));
  const shared = new Map<AnySchema, Section & { readonly captured: Map<string, readonly string[]> }>();
  const nestOf = (one: Draft, under: readonly string[], schema: AnySchema): Section[] => {
    const captured = filesOf(one.messages, (attrs) => inside(one.part(attrs), under));
    const known = shared.get(schema);
    if (known !== undefined) {
      for (const [key, files] of captured) known.captured.set(key, [...(known.captured.get(key) ?? []), ...files]);
      return [];
    }
    const { kinds = [] } = one;
    const made = { title: `${one.title}: ${under.join(".")}`, schema, kinds, captured, meanings: one.meanings(under) };
    shared.set(schema, made);
    return [made];
  };
  return drafts.flatMap((one) => [
    finished(one),
    ...nestsIn(one.schema).flatMap(([under, schema]) =>
      own.has(schema) || isList(schema) ? [] : nestOf(one, under, schema),
    ),
  ]);
}

/** Of nests in attributes of links: the words for the attribute. */
function linkMeanings(options: Options): Draft["meanings"] {
  return ([first, ...more]) => {
    const found = Object.entries(options).filter(([, one]) => one.keys.includes(first ?? ""));
    const meaning = (words: readonly (readonly [string, Options[string]])[]): Meaning => ({
      words: words.map(([word]) => word),
      read: true,
      write: words.some(([, one]) => !one.readOnly),
    });
    // Of several words that share a nest, each is an attribute of its name; those of IPv6 stand in a nest of their own.
    const get = (key: string): Meaning =>
      found.length === 1
        ? meaning(found)
        : meaning(found.filter(([word]) => word === key || (key === "inet6" && more.length === 0)));
    return found.length === 0 ? none : ({ get } as unknown as Meanings);
  };
}

function linkSections(): Draft[] {
  const messages = [
    ...captures("links", newlink.body, newlink.type),
    ...captures("links", newlink.body, dellink.type),
    ...asked(newlink, setlink, getlink),
  ];
  const info = (of: "info" | "slave", name: string) => (attrs: Values) => {
    const found = (attrs["linkinfo"] as Record<string, { kind: string; data?: unknown }> | undefined)?.[of];
    return found?.kind === name && !(found.data instanceof Uint8Array) ? found.data : undefined;
  };
  /** iproute2 writes the name of the port's kind, `bridge_slave`, where that of the link stands. */
  const askedOfPort = (name: string, wire: AnySchema, attrs: Values): unknown => {
    const { info: link, slave } = (attrs["linkinfo"] ?? {}) as Record<string, { kind: string; data?: unknown }>;
    const data = slave?.data;
    if (link?.kind !== `#${name}_slave` || !(data instanceof Uint8Array)) return undefined;
    return wire.read(new Reader(new Uint8Array(data)), 0, data.length);
  };
  const protinfo = (name: string, attrs: Values): unknown => (name === "bridge" ? attrs["protinfo"] : undefined);
  const section = (title: string, kind: string, schema: AnySchema, options: Options, part: Draft["part"]): Draft => {
    return { title, kinds: [kind], schema, options, messages, part, meanings: linkMeanings(options) };
  };
  const kinds = Object.entries<AnyKind>(linkKinds).flatMap(([name, { wire, options, port }]) => [
    section(`Links of kind ${name}`, name, wire, options, info("info", name)),
    ...(port === undefined
      ? []
      : [
          section(`Ports of a ${name}`, `${name}_slave`, port.wire, port.options, (attrs) => [
            info("slave", name)(attrs),
            askedOfPort(name, port.wire, attrs),
            protinfo(name, attrs),
          ]),
        ]),
  ]);
  return [
    section("Links of every kind", "link", ifla, commonOptions, (attrs) => attrs),
    ...kinds.filter(({ schema }) => Object.keys(schema.fields).length > 0),
  ];
}

const of = (folder: string, ...messages: readonly Attributes[]): Captured[] =>
  messages.flatMap(({ body, type }) => captures(folder, body, type));

function addressSections(): Draft[] {
  const messages = [newaddr.type, RTM_GETMULTICAST, RTM_GETANYCAST].flatMap((type) =>
    captures("addresses", newaddr.body, type),
  );
  const read = (message: Whole) => addressFromWire(as(message), names);
  const write = (words: Values) => addressToWire(as(words), 1).attrs;
  const groups = {
    messages: captures("addresses", newaddr.body, RTM_GETMULTICAST),
    read: (message: Whole) => multicastFromWire(as(message), names),
  };
  const labels = of("addresses", newaddrlabel);
  const ofLabels = {
    messages: labels,
    read: (message: Whole) => addressLabelFromWire(as(message), names),
    write: (words: Values) => addressLabelToWire(as(words), indexOf).attrs,
  };
  return [
    ...tried(["address", "address:inet6"], draft("Addresses", messages, ifa, [], { messages, read, write }, groups)),
    draft("Labels of addresses", labels, ifal, [], ofLabels),
  ];
}

function routeSections(): Draft[] {
  const messages = of("routes", newroute);
  const read = (message: Whole) => routeFromWire(as(message), names);
  const write = (words: Values) => routeToWire(as(words), "create", indexOf).attrs;
  const telling = { messages, read, write };
  const all = [...messages, ...asked(newroute, getroute)];
  const ofMulticast = captures("routes", newmroute.body, newmroute.type, /^mroute/);
  const encaps = [lwtunnelIp, lwtunnelIp6, mplsIptunnel, seg6Iptunnel].map((schema, i) => {
    const type = ["ip", "ip6", "mpls", "seg6"][i];
    const mine = (one: Captured): boolean => inside(one.whole.attrs, ["encap", "type"])[0] === type;
    const told = { ...telling, messages: messages.filter(mine) };
    const title = `Tunnel headers of routes and nexthops: ${type}`;
    return { ...draft(title, all.filter(mine), schema, ["encap", "data"], told), kinds: [`route:${type}`] };
  });
  return [
    ...tried(
      ["route", "route:inet6", "route:ip", "route:ip6", "route:mpls", "route:seg6"],
      draft("Routes", all, rta, [], telling),
      draft("Metrics of routes", all, rtax, ["metrics"], telling),
    ),
    draft("Routes of multicast", ofMulticast, mrouteRta, [], {
      messages: ofMulticast,
      read: (message: Whole) => multicastRouteFromWire(as(message), names),
    }),
    ...encaps,
  ];
}

function neighborSections(): Draft[] {
  const told = of("neighbors", newneigh);
  const ofBridge = ({ whole }: Captured): boolean => (whole.header as { family: number }).family === AF_BRIDGE;
  const all = [...told, ...asked(newneigh, delneigh)];
  const ways: Omit<Telling, "path">[] = [
    {
      messages: told.filter((one) => !ofBridge(one)),
      read: (message) => neighborFromWire(as(message), names),
      write: (words) => neighborToWire(as(words), "replace", indexOf).attrs,
    },
    {
      messages: told.filter(ofBridge),
      read: (message) => entryFromWire(as(message), names),
      write: (words) => entryToWire(as(words), "replace", indexOf).attrs,
    },
  ];
  const tables = of("neighbors", newneightbl);
  const ofTables = {
    messages: tables,
    read: (message: Whole) => neighborTableFromWire(as(message), names),
    write: (words: Values) => neighborTableToWire(as(words), indexOf).attrs,
  };
  return [
    ...tried(
      ["neighbor", "fdb", "fdb:vxlan"],
      draft("Neighbors and forwarding entries", all, nda, [], ...ways),
      draft("Activity of forwarding entries", all, nfea, ["fdbExtAttrs"], ...ways),
    ),
    draft("Tables of neighbors", [...tables, ...asked(setneightbl)], ndta, [], ofTables),
    draft("Settings of neighbors", [...tables, ...asked(setneightbl)], ndtpa, ["parms"], ofTables),
  ];
}

function ruleSections(): Draft[] {
  const messages = of("rules", newrule);
  const read = (message: Whole) => ruleFromWire(as(message));
  const write = (words: Values) => ruleToWire(as(words), "create").attrs;
  return tried(["rule"], draft("Rules", messages, fra, [], { messages, read, write }));
}

function nexthopSections(): Draft[] {
  const messages = of("nexthops", newnexthop);
  const buckets = of("nexthops", newbucket);
  const all = [...messages, ...buckets, ...asked(newnexthop, getnexthop)];
  const objects = {
    messages,
    read: (message: Whole) => nexthopFromWire(as(message), names),
    write: (words: Values) => nexthopToWire(as(words), "create", indexOf).attrs,
  };
  const ofBuckets = { messages: buckets, read: (message: Whole) => bucketFromWire(as(message)) };
  return tried(
    ["nexthop"],
    draft("Nexthops", all, nha, [], objects, ofBuckets),
    draft("Counters of groups of nexthops", all, nhaGroupStatsEntry, ["groupStats", "entry"], objects),
    draft("Resilient groups of nexthops", all, nhaResGroup, ["resGroup"], objects),
    draft("Buckets of resilient groups", all, nhaResBucket, ["resBucket"], ofBuckets),
  );
}

function bridgeSections(): Draft[] {
  const [vlans, vnis, groups] = [of("bridges", newvlan), of("bridges", newtunnel), of("bridges", getmdb, newmdb)];
  const entries = ({ attrs }: Whole, key: string) => (attrs[key] ?? []) as readonly never[];
  const ofVlans = {
    messages: vlans,
    read: (message: Whole) => entries(message, "entry").map((one) => vlanFromWire("#1", one)),
    write: (words: Values) => vlanOptionRules.toWire(as(words), "update", indexOf).attrs,
  };
  const ofRanges = {
    ...ofVlans,
    asked: ["afSpec"],
    write: (words: Values) => vlanToWire(as(words), "create", indexOf).attrs,
  };
  const ofGlobals = {
    messages: vlans,
    read: (message: Whole) => entries(message, "globalOptions").map((one) => globalsFromWire("#1", one, names)),
    write: (words: Values) => vlanGlobalRules.toWire(as(words), "update", indexOf).attrs,
  };
  const ports = of("bridges", newport);
  const ofStates = {
    messages: ports,
    read: (message: Whole) => mstFromWire(as(message), names),
    write: (words: Values) => mstToWire(as(words), indexOf).attrs,
  };
  const ofVnis = {
    messages: vnis,
    read: (message: Whole) => entries(message, "entry").map((one) => vniFromWire("#1", one)),
    write: (words: Values) => vniToWire(as(words), indexOf).attrs,
  };
  const ofGroups = {
    messages: groups,
    read: (message: Whole) => mdbEntries(as(message), names),
    asked: ["attrs"],
    write: (words: Values) => mdbToWire(as(words), indexOf).attrs,
  };
  const groupsTold = { messages: groups, read: ofGroups.read };
  return [
    ...tried(
      ["bridge-vlan"],
      draft("VLANs of a bridge", vlans, vlanEntry, ["entry"], ofVlans),
      draft("VNIs of VLANs", vlans, vlanTunnel, ["entry", "tunnelInfo"], ofVlans),
      draft("Counters of VLANs", vlans, vlanStats, ["entry", "stats"], ofVlans),
    ),
    ...tried(["vlanGlobal"], draft("VLANs for the whole bridge", vlans, vlanGlobals, ["globalOptions"], ofGlobals)),
    ...tried(
      ["bridge-vlan"],
      draft("VLANs, as they are asked for", asked(setvlan), bridgeSpec, ["afSpec"], ofRanges),
      draft("VNIs of VLANs, as they are asked for", asked(setvlan), vlanTunnelInfo, ["afSpec", "vlanTunnelInfo"], {
        ...ofRanges,
        asked: ["afSpec", "vlanTunnelInfo"],
      }),
    ),
    draft(
      "Instances of the spanning tree",
      [...ports, ...asked(setvlan)],
      mstEntry,
      ["afSpec", "mst", "entry"],
      ofStates,
    ),
    ...tried(
      ["vni"],
      draft("VNIs of a VXLAN", vnis, vniEntry, ["entry"], ofVnis),
      draft("Counters of VNIs", vnis, vniStats, ["entry", "stats"], ofVnis),
    ),
    ...tried(
      ["mdb", "mdb:vxlan"],
      draft("Multicast entries", groups, mdbAttributes, ["mdb", "entry", "info", "attrs"], groupsTold),
      draft("Multicast entries, as they are asked for", asked(setmdb, delmdb), mdbe, ["attrs"], ofGroups),
    ),
  ];
}

function wireguardSections(): Draft[] {
  const messages = captures("wireguard", genericBody(wgDevice));
  const all = [...messages, ...asked(setdevice)];
  const telling = {
    messages,
    read: ({ attrs }: Whole) => deviceFromWire([as(attrs)], nameOf),
    write: ({ name, ...words }: Values) => configToWire(as(name), as(words), indexOf)[0],
  };
  return tried(
    ["wireguard"],
    draft("WireGuard devices", all, wgDevice, [], telling),
    draft("Peers of WireGuard", all, wgPeer, ["peers", "peer"], telling),
    draft("Networks of WireGuard's peers", all, wgAllowedIp, ["peers", "peer", "allowedips", "ip"], telling),
  );
}

function macsecSections(): Draft[] {
  const messages = captures("macsec", genericBody(macsecDevice));
  const requests = asked(setmacsec);
  const all = [...messages, ...requests];
  const [sending, channels, receiving] = [["txsaList"], ["rxscList"], ["rxscList", "saList"]];
  const device = ({ attrs }: Whole) => macsecFromWire(as(attrs), nameOf);
  const sent = { messages, read: (one: Whole) => device(one).txsas };
  const received = { messages, read: (one: Whole) => device(one).rxscs.flatMap(({ rxsas }) => rxsas), path: receiving };
  // Keys and salts are asked for, and never told.
  const wanted = {
    messages: requests,
    asked: ["saConfig"],
    read: ({ attrs }: Whole) => ({ ...(attrs["saConfig"] as Values), keyId: "01" }),
    write: (words: Values) => macsecToWire("txsa", "create", as(words)),
  };
  const channel = {
    messages,
    read: (one: Whole) => device(one).rxscs,
    asked: ["rxscConfig"],
    write: (words: Values) => macsecToWire("rxsc", "create", as(words)),
  };
  const links = {
    messages,
    read: device,
    write: ({ dev, offload }: Values) => ({ ifindex: indexOf(as(dev)), ...offloadToWire(as(offload)) }),
  };
  const within = (one: Draft, ...places: readonly (readonly string[])[]): Draft => ({
    ...one,
    part: (attrs) => places.flatMap((place) => inside(attrs, place)),
  });
  return [
    within(
      draft("Associations of MACsec", all, macsecSa, sending, sent, received, wanted),
      ...[sending, receiving, ["saConfig"]],
    ),
    within(draft("Channels that MACsec receives from", all, macsecRxsc, channels, channel), channels, ["rxscConfig"]),
    draft("MACsec links, and what is asked of them", all, macsecDevice, [], links),
  ];
}

function fouSections(): Draft[] {
  const messages = captures("fou", genericBody(fouPort));
  const title = "Ports that tunnels over UDP are received on";
  const write = (words: Values) => fouToWire(as(words), indexOf);
  // `ip` has no word for this attribute, and the family is told by the addresses, where there are any.
  const flag = { remcsumNopartial: true };
  const flagged = messages.map((one) => ({
    ...one,
    whole: { ...one.whole, attrs: { ...one.whole.attrs, ...flag } },
  }));
  const told = { messages: flagged, read: ({ attrs }: Whole) => portFromWire(as(attrs), names), write };
  const wanted = { messages, read: () => ({ port: 1, family: "inet6", gue: true }), write };
  return [draft(title, [...messages, ...asked(setfou)], fouPort, [], told, wanted)];
}

/** What options of traffic control say of their attributes, and of those in nests. */
function tcMeanings(options: TcOptions, schema: AnySchema): Draft["meanings"] {
  return (under) => {
    const inner = under.reduce((nest, key) => nestsIn(nest).find(([[first]]) => first === key)?.[1] ?? nest, schema);
    const rows = Object.keys(inner.fields).map((key): [string, Meaning] => {
      const path = [...under, key].join(".");
      const found = Object.entries(options).filter(([, { keys }]) =>
        keys.some((one) => one === path || one.startsWith(`${path}.`) || path.startsWith(`${one}.`)),
      );
      const write = found.some(([, one]) => !one.readOnly);
      return [key, { words: found.map(([word]) => word), read: true, write }];
    });
    return new Map(rows.filter(([, { words }]) => words.length > 0));
  };
}
/** Of traffic control: as titles have it, and as test/fixtures/tried.txt does. */
const NOUNS = { Qdiscs: "qdisc", Classes: "class", Filters: "filter", Actions: "action" } as const;
function trafficSections(): Draft[] {
  const [qdiscs, classes, filters] = [newqdisc, newclass, newfilter].map((message) => [
    ...of("qdiscs", as<Attributes>(message)),
    ...of("watch", as<Attributes>(message)),
  ]) as [Captured[], Captured[], Captured[]];
  const all = [...qdiscs, ...classes, ...filters];
  const isOf = (name: string) => (attrs: Values) => {
    const { kind, data } = (attrs["options"] ?? {}) as { readonly kind?: string; readonly data?: unknown };
    return kind === name ? data : undefined;
  };
  const actionsIn = (attrs: Values): unknown[] =>
    inside(attrs, ["options", "data", "act"]).flatMap((list) => Object.values(list as Values));
  const kind = (
    what: keyof typeof NOUNS,
    messages: Captured[],
    table: Readonly<Record<string, TcKind>>,
    part: (name: string) => Draft["part"],
  ) =>
    Object.entries(table).flatMap(([name, { wire, options }]): Draft[] => {
      const schema = name === "netem" ? netemAttributes : wire;
      if (!("fields" in schema) || Object.keys(as<AnySchema>(schema).fields).length === 0) return [];
      const attributes = as<AnySchema>(schema);
      const title = `${what} of kind ${name}`;
      const kinds = [`${NOUNS[what]}:${name}`];
      return [
        { title, kinds, schema: attributes, messages, part: part(name), meanings: tcMeanings(options, attributes) },
      ];
    });
  const action = as<AnySchema>(nestsIn(actionList)[0]?.[1]);
  const plain = (title: string, messages: Captured[], schema: AnySchema, part: Draft["part"]): Draft => {
    return { title, kinds: ["tc"], schema, messages, part, meanings: () => none };
  };
  return [
    plain("Qdiscs, classes and filters", all, qdiscAttributes, (attrs) => attrs),
    ...kind("Qdiscs", qdiscs, qdiscTable, isOf),
    ...kind("Classes", classes, classTable, isOf),
    ...kind("Filters", filters, filterTable, isOf),
    plain("Actions of filters", filters, action, actionsIn),
    ...kind(
      "Actions",
      filters,
      as(actionKinds),
      (name) => (attrs) => actionsIn(attrs).map((one) => isOf(name)(one as Values)),
    ),
  ];
}

/** What the words of a group of settings say. */
function settingMeanings<T, C>({ words, shapes }: Group<T, C>): Meanings {
  const found = new Map<string, Meaning>();
  for (const [word, key] of Object.entries<string>(words))
    found.set(key, { words: [word], read: true, write: Object.hasOwn(shapes, word) });
  return found;
}
function deviceSections(): Draft[] {
  const messages = (schema: AnySchema, name: string): Captured[] =>
    captures("ethtool", as(genericBody(schema as never)), undefined, new RegExp(`(^|-)${name}\\.`));
  const group = (title: string, name: string, one: Group<never, never>): Draft => {
    const meanings = (under: readonly string[]) => (under.length === 0 ? settingMeanings(one) : none);
    const told = messages(one.schema, name);
    return { title, kinds: [name], schema: one.schema, messages: told, part: (attrs) => attrs, meanings };
  };
  const plain = (
    title: string,
    name: string,
    schema: AnySchema,
    ...ways: readonly Omit<Telling, "path" | "messages">[]
  ) => {
    const told = messages(schema, name);
    return { ...draft(title, told, schema, [], ...ways.map((way) => ({ ...way, messages: told }))), kinds: [name] };
  };
  return [
    plain("Features of devices", "features", device.ethtoolFeatures),
    plain("Link modes of devices", "linkmodes", device.ethtoolLinkModes, {
      read: ({ attrs }) => linkModesFromWire(as(attrs)),
      write: (words) => linkModesToWire(as(words)),
    }),
    plain("Link states of devices", "linkstate", device.ethtoolLinkState, {
      read: ({ attrs }) => linkStateFromWire(as(attrs)),
    }),
    group("Connectors of devices", "linkinfo", as(linkInfo)),
    group("Rings of devices", "rings", as(rings)),
    group("Channels of devices", "channels", as(channels)),
    group("Coalescing of devices", "coalesce", as(coalesce)),
    group("Pause frames of devices", "pause", as(pause)),
    plain("Standard counters of devices", "stats", device.ethtoolStats),
    plain("Names of devices' bits and counters", "strings", device.ethtoolStrings),
  ];
}

function otherSections(): Draft[] {
  const netconf = captures("devconf", newnetconf.body, newnetconf.type);
  const nsids = captures("watch", newnsid.body, newnsid.type);
  const words = Object.keys(inetConf.fields).map((word) => [word, { words: [word], read: true, write: true }] as const);
  return [
    draft("Who forwards", netconf, netconfa, [], {
      messages: netconf,
      read: (message) => netconfFromWire(as(message), names),
    }),
    draft("Numbers of namespaces", nsids, netnsa, [], {
      messages: nsids,
      read: (message) => nsidsFromWire(as(message)),
    }),
    {
      ...draft("Sysctls of interfaces over IPv4", [], inetConf, []),
      kinds: ["devconf"],
      meanings: () => new Map(words),
    },
  ];
}

function vfSections(): Draft[] {
  const told = captures("links", newvfs.body, newvfs.type, /^vf/);
  // These are asked with the messages of links.
  const ofVfs = captures("requests", setvfs.body, undefined, /^link-vf/).map(({ file, whole }) => {
    return { file: `requests/${file}`, whole };
  });
  const plain: Vf = { dev: "#1", vf: 0 };
  const path = ["vfinfoList", "info"];
  const telling = {
    messages: told,
    read: (message: Whole) => vfsFromWire(as(message), true),
    write: (words: Values) => ({
      vfinfoList: { info: vfSteps(plain, { ...as<Vf>(words), vf: 0 }).map(({ info }) => info) },
    }),
  };
  const all = [...told, ...ofVfs];
  return [
    draft("Virtual functions", all, vfInfo, path, telling),
    draft("VLANs of virtual functions", all, vfVlans, [...path, "vlanList"], telling),
    draft("Counters of virtual functions", all, vfStats, [...path, "stats"], telling),
  ];
}

/** Words with what is in them as one text, as there are too many of these for a cell; `depth` levels of words are told. */
function coarse(value: unknown, depth: number): unknown {
  if (depth === 0 || typeof value !== "object" || value === null)
    return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coarse(part, depth - 1)]));
}
function xstatsSections(): Draft[] {
  const messages = of("xstats", newstats);
  const part = (title: string, schema: AnySchema, depth: number, ...path: string[]): Draft =>
    draft(title, messages, schema, path, {
      messages,
      read: (message: Whole) => coarse(xstatsFromWire(as(message)), depth),
    });
  return [
    part("Counters of links beside packets", iflaStats, 1),
    part("Counters of bridges' ports", bridgeXstats, 2, "linkXstatsSlave", "bridge"),
    part("Counters of bonds' ports", bond3adStats, 2, "linkXstatsSlave", "bond", "3ad"),
  ];
}

/** All of them, in the order of the page. */
export function sections(): Section[] {
  return withNests([
    ...linkSections(),
    ...vfSections(),
    ...xstatsSections(),
    ...addressSections(),
    ...routeSections(),
    ...neighborSections(),
    ...ruleSections(),
    ...nexthopSections(),
    ...bridgeSections(),
    ...wireguardSections(),
    ...macsecSections(),
    ...fouSections(),
    ...trafficSections(),
    ...deviceSections(),
    ...otherSections(),
  ]);
}
