/** What is fuzzed: each kind of message that the kernel sends, with captures of it, through decoders and into words. */
import { readdirSync } from "node:fs";
import * as labels from "../../lib/addresses/label-schema.ts";
import { addressLabelFromWire } from "../../lib/addresses/labels.ts";
import { multicastFromWire } from "../../lib/addresses/multicast.ts";
import * as addresses from "../../lib/addresses/schema.ts";
import { mstFromWire } from "../../lib/bridges/mst.ts";
import * as bridges from "../../lib/bridges/schema.ts";
import { confFromWire } from "../../lib/devconf/devconf.ts";
import * as devconf from "../../lib/devconf/schema.ts";
import { decodeFeatures } from "../../lib/ethtool/features.ts";
import { linkModesFromWire, linkStateFromWire } from "../../lib/ethtool/link.ts";
import { changeFromNotice, noticeMessage } from "../../lib/ethtool/notices.ts";
import * as ethtool from "../../lib/ethtool/schema.ts";
import { channels, coalesce, groupFromWire, linkInfo, pause, rings } from "../../lib/ethtool/settings.ts";
import { statisticsFromWire, stringsFromWire } from "../../lib/ethtool/statistics.ts";
import * as generic from "../../lib/families/generic.ts";
import { ifinfomsg, ndmsg, rtmsg } from "../../lib/families/route.ts";
import * as fou from "../../lib/fou/schema.ts";
import { portFromWire } from "../../lib/fou/words.ts";
import * as links from "../../lib/links/schema.ts";
import * as vfs from "../../lib/links/vf-schema.ts";
import { vfsFromWire } from "../../lib/links/vfs.ts";
import { xstatsFromWire } from "../../lib/links/xstats.ts";
import * as xstats from "../../lib/links/xstats-schema.ts";
import * as macsec from "../../lib/macsec/schema.ts";
import { deviceFromWire as macsecFromWire } from "../../lib/macsec/words.ts";
import * as neighbors from "../../lib/neighbors/schema.ts";
import * as tables from "../../lib/neighbors/table-schema.ts";
import { neighborTableFromWire } from "../../lib/neighbors/tables.ts";
import * as nexthops from "../../lib/nexthops/schema.ts";
import { describe } from "../../lib/nftables/describe.ts";
import * as nftables from "../../lib/nftables/messages.ts";
import { chainEntry, readings, tableEntry } from "../../lib/nftables/observe.ts";
import * as qdiscs from "../../lib/qdiscs/schema.ts";
import { multicastRouteFromWire } from "../../lib/routes/multicast.ts";
import * as routes from "../../lib/routes/schema.ts";
import * as rules from "../../lib/rules/schema.ts";
import { watchables } from "../../lib/watch/tables.ts";
import { type AnySchema, type Message, NLMSG_HDRLEN, type Reader, viewed } from "../../lib/wire/index.ts";
import * as wireguard from "../../lib/wireguard/schema.ts";
import { deviceFromWire } from "../../lib/wireguard/words.ts";
import { capture } from "../fixtures.ts";

type Read = (from: Reader, start: number, end: number) => unknown;
/** One way to read a message, and captures to begin with. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: Read;
}

const names = new Map([[2, "eth0"]]);
const folders: Readonly<Record<string, object>> = {
  addresses: { ...addresses, ...labels },
  bridges,
  devconf,
  links: { ...links, ...vfs },
  neighbors: { ...neighbors, ...tables },
  nexthops,
  nftables,
  qdiscs,
  routes,
  rules,
  xstats,
};
const isMessage = (one: unknown): one is Message<never, unknown> =>
  typeof one === "object" && one !== null && "body" in one && "type" in one;
const isSchema = (one: unknown): one is AnySchema => typeof one === "object" && one !== null && "fields" in one;

function seedsOf(folder: string): Uint8Array[] {
  const files = readdirSync(`test/fixtures/${folder}`).filter((file) => file.endsWith(".hex"));
  return files.flatMap((file) => capture(`${folder}/${file}`));
}
const typeOf = (bytes: Uint8Array): number => (bytes[4] ?? 0) | ((bytes[5] ?? 0) << 8);

function messages(): Target[] {
  return Object.entries(folders).flatMap(([folder, module]) => {
    const seeds = seedsOf(folder);
    return Object.values(module)
      .filter(isMessage)
      .map((kind) => ({
        name: `${folder} ${kind.name}`,
        seeds: seeds.filter((bytes) => typeOf(bytes) === kind.type),
        read: (from: Reader, start: number, end: number) => kind.body.read(from, start, end),
      }));
  });
}
/** Where the captures of a table are, where not in a folder of its name. */
const FOLDERS: Readonly<Record<string, string>> = {
  classes: "qdiscs",
  fdb: "neighbors",
  filters: "qdiscs",
  netconf: "devconf",
  vlans: "bridges",
  vnis: "bridges",
  mdb: "bridges",
  nsids: "watch",
};
/** In people's words, as the watch tells them. */
function words(): Target[] {
  return Object.entries(watchables).map(([name, table]) => {
    const { made, read } = table as unknown as {
      made: Message<never, never>;
      read(value: never, n: typeof names): unknown;
    };
    const folder = FOLDERS[name] ?? name;
    return {
      name: `${name} in words`,
      seeds: seedsOf(folder).filter((bytes) => typeOf(bytes) === made.type),
      // Of a link also what is read when it is asked for.
      read: (from, start, end) => (read(made.body.read(from, start, end), names) as { wire?: unknown }[])[0]?.wire,
    };
  });
}
/** Messages that no watch tells, in people's words: of devices, WireGuard, MACsec, FOU, nftables, sysctls, and what is only listed. */
function otherWords(): Target[] {
  const [devices, notices, guards, filters] = [
    seedsOf("ethtool"),
    seedsOf("watch"),
    seedsOf("wireguard"),
    seedsOf("nftables"),
  ];
  const generic = (name: string, seeds: readonly Uint8Array[], schema: AnySchema, read: (wire: never) => unknown) => ({
    name: `${name} in words`,
    seeds,
    read: (from: Reader, start: number, end: number) => read(schema.read(from, Math.min(start + 4, end), end) as never),
  });
  const told = <O>(kind: Message<never, O>, seeds: readonly Uint8Array[], read: (wire: O) => unknown): Target => ({
    name: `${kind.name} in words of another service`,
    seeds: seeds.filter((bytes) => typeOf(bytes) === kind.type),
    read: (from, start, end) => read(kind.body.read(from, start, end)),
  });
  const notice = noticeMessage(0);
  return [
    generic("features", devices, ethtool.ethtoolFeatures, decodeFeatures),
    generic("link modes", devices, ethtool.ethtoolLinkModes, linkModesFromWire),
    generic("link state", devices, ethtool.ethtoolLinkState, linkStateFromWire),
    generic("names of counters", devices, ethtool.ethtoolStrings, stringsFromWire),
    generic("standard statistics", devices, ethtool.ethtoolStats, (wire) => statisticsFromWire(wire, new Map())),
    ...[rings, channels, coalesce, pause, linkInfo].map((group) =>
      generic(group.what, devices, group.schema, (wire) => groupFromWire<unknown, unknown>(group, wire)),
    ),
    {
      name: "changes of devices in words",
      seeds: [...devices, ...notices],
      read: (from, start, end) => changeFromNotice(notice.body.read(from, start, end), new Map()),
    },
    generic("WireGuard", guards, wireguard.wgDevice, (wire) => deviceFromWire([wire, wire], String)),
    generic("MACsec", seedsOf("macsec"), macsec.macsecDevice, (wire) => macsecFromWire(wire, String)),
    generic("FOU", seedsOf("fou"), fou.fouPort, (wire) => portFromWire(wire, names)),
    told(nftables.newTable, filters, tableEntry),
    told(nftables.newChain, filters, chainEntry),
    told(nftables.newObject, filters, (one) => readings([], [one])),
    told(nftables.newRule, filters, (one) => [readings([one], []), describe("inet", one.attrs.expressions ?? [], "x")]),
    told(devconf.newlink, seedsOf("devconf"), confFromWire),
    told(labels.newaddrlabel, seedsOf("addresses"), (one) => addressLabelFromWire(one, names)),
    told(addresses.toldmulticast, seedsOf("addresses"), (one) => multicastFromWire(one, names)),
    told(tables.newneightbl, seedsOf("neighbors"), (one) => neighborTableFromWire(one, names)),
    told(vfs.newvfs, seedsOf("links"), (one) => vfsFromWire(one, true)),
    told(bridges.newlink, seedsOf("bridges"), (one) => mstFromWire(one, names)),
    told(xstats.newstats, seedsOf("xstats"), xstatsFromWire),
    told(routes.newmroute, seedsOf("routes"), (one) => multicastRouteFromWire(one, names)),
  ];
}
function views(): Target[] {
  const all = [
    { kind: links.newlink, view: viewed(links.newlink, ifinfomsg, links.ifla), schema: links.ifla, folder: "links" },
    { kind: routes.newroute, view: viewed(routes.newroute, rtmsg, routes.rta), schema: routes.rta, folder: "routes" },
    {
      kind: neighbors.newneigh,
      view: viewed(neighbors.newneigh, ndmsg, neighbors.nda),
      schema: neighbors.nda,
      folder: "neighbors",
    },
  ];
  return all.map(({ kind, view, schema, folder }) => {
    const keys = Object.keys(schema.fields);
    return {
      name: `view of ${kind.name}`,
      seeds: seedsOf(folder).filter((bytes) => typeOf(bytes) === kind.type),
      read: (from, start, end) => {
        const { attrs } = view.body.read(from, start, end);
        return keys.map((key) => (attrs as Readonly<Record<string, unknown>>)[key]);
      },
    };
  });
}
/** Generic netlink: the type of a message is a number that each kernel gives anew. */
function families(): Target[] {
  return Object.entries({ ethtool, wireguard, macsec, fou, generic }).flatMap(([folder, module]) => {
    const seeds = folder === "generic" ? seedsOf("wireguard") : seedsOf(folder);
    const schemas = Object.entries(module).filter((entry): entry is [string, AnySchema] => isSchema(entry[1]));
    return schemas.map(([name, schema]) => ({
      name: `${folder} ${name}`,
      seeds,
      read: (from: Reader, start: number, end: number) => schema.read(from, Math.min(start + 4, end), end),
    }));
  });
}

/** Everything that is fuzzed. A kind of which there is no capture begins with those of the others. */
export function targets(): Target[] {
  const any = Object.keys(folders).flatMap(seedsOf);
  return [...messages(), ...words(), ...otherWords(), ...views(), ...families()].map((target) =>
    target.seeds.length > 0 ? target : { ...target, seeds: any },
  );
}

/** Reads a message as it arrives: its datagram stands in memory that is used again. */
export function readOne({ read }: Target, from: Reader, length: number): void {
  from.datagram(0, length);
  read(from, Math.min(NLMSG_HDRLEN, length), length);
}
