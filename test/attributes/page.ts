/**
 * docs/attributes.md: what is said there comes from the declarations, from the header of linux-libc-dev, and from the
 * captures; nothing is written by hand.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { ifa, newaddr } from "../../lib/addresses/schema.ts";
import {
  bridgeSpec,
  delmdb,
  getmdb,
  mdbAttributes,
  mdbe,
  newmdb,
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
import { genericBody } from "../../lib/families/generic.ts";
import type { AnyKind } from "../../lib/links/kind.ts";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import type { Options } from "../../lib/links/option.ts";
import { dellink, getlink, ifla, newlink, setlink } from "../../lib/links/schema.ts";
import { commonOptions } from "../../lib/links/words.ts";
import { delneigh, nda, newneigh } from "../../lib/neighbors/schema.ts";
import {
  getnexthop,
  newbucket,
  newnexthop,
  nha,
  nhaGroupStatsEntry,
  nhaResBucket,
  nhaResGroup,
} from "../../lib/nexthops/schema.ts";
import { getroute, newroute, rta } from "../../lib/routes/schema.ts";
import { fra, newrule } from "../../lib/rules/schema.ts";
import { type AnySchema, type Body, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { wgAllowedIp, wgDevice, wgPeer } from "../../lib/wireguard/schema.ts";
import { capture } from "../fixtures.ts";
import { numbersOf, shouted } from "../headers.ts";
import { RESERVED, UNSEEN, UNUSED } from "./exceptions.ts";
import { type Attributes, requests, setdevice } from "./requests.ts";

/** The kernel that brought an attribute which the header of Linux 6.1 lacks. */
const SINCE: Readonly<Record<string, string>> = {
  "IFLA.devlinkPort": "6.2",
  "IFLA.gsoIpv4MaxSize": "6.3",
  "IFLA.groIpv4MaxSize": "6.3",
  "IFLA.dpllPin": "6.7",
  "IFLA_VXLAN.localbypass": "6.5",
  "IFLA_VXLAN.labelPolicy": "6.7",
  "IFLA_VXLAN.mcRoute": "6.17",
  "IFLA_BR.fdbNLearned": "6.7",
  "IFLA_BR.fdbMaxLearned": "6.7",
  "IFLA_BRPORT.neighVlanSuppress": "6.4",
  "IFLA_BRPORT.backupNhid": "6.6",
  "WGALLOWEDIP_A.flags": "6.16",
  "IFLA_BRPORT.mcastNGroups": "6.3",
  "IFLA_BRPORT.mcastMaxGroups": "6.3",
};
/** Headers in which the attributes are declared. */
const HEADERS = [
  "if_link.h",
  "if_tunnel.h",
  "if_addr.h",
  "if_bridge.h",
  "rtnetlink.h",
  "neighbour.h",
  "veth.h",
  "fib_rules.h",
  "nexthop.h",
  "wireguard.h",
];
/** What lib/links writes beside its options: the word for it, and whether the kernel tells it, too. */
const BESIDE: Readonly<Record<string, readonly [word: string, access: string]>> = {
  ifname: ["name", "read, write"],
  link: ["", "read, write"],
  protinfo: ["port.state", "read, write"],
  linkinfo: ["kind", "read, write"],
  netNsPid: ["netns", "write"],
  netNsFd: ["netns", "write"],
  extMask: ["", "write"],
  propList: ["altnames", "read, write"],
  altIfname: ["name", "write"],
};

/** The kernel answers these with their own number. Source: include/uapi/linux/rtnetlink.h */
const [RTM_GETMULTICAST, RTM_GETANYCAST] = [58, 62];

interface Section {
  readonly title: string;
  readonly schema: AnySchema;
  /** None where the attributes are not those of links. */
  readonly options?: Options;
  /** Where the attributes of this section stand in what was captured. */
  readonly captured: ReadonlyMap<string, readonly string[]>;
}

type Values = Readonly<Record<string, unknown>>;
interface Captured {
  readonly file: string;
  readonly attrs: Values;
}

function captures(folder: string, body: Body<never, { readonly attrs: object }>, type?: number): Captured[] {
  const files = readdirSync(`test/fixtures/${folder}`)
    .filter((file) => file.endsWith(".hex"))
    .sort();
  return files.flatMap((file) =>
    capture(`${folder}/${file}`)
      .filter((bytes) => type === undefined || new Reader(bytes).u16[2] === type)
      .map((bytes) => ({
        file: file.replace(".hex", ""),
        attrs: body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length).attrs as Values,
      })),
  );
}

/** What was asked with these messages. */
function asked(...messages: readonly object[]): Captured[] {
  return requests()
    .filter(({ message }) => messages.includes(message))
    .map(({ file, bytes, message: { body } }) => ({
      file,
      attrs: body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length).attrs as Values,
    }));
}

/** What stands behind these keys, one in the other; of lists, all. */
function inside(value: unknown, [key, ...more]: readonly string[]): unknown[] {
  const all = [value].flat().filter((one) => one !== undefined);
  return key === undefined ? all : all.flatMap((one) => inside((one as Values)[key], more));
}

/** Files by the attribute that they have; `part` finds a section's attributes in a message. */
function filesOf(all: readonly Captured[], part: (attrs: Values) => unknown): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { file, attrs } of all)
    for (const key of inside(part(attrs), []).flatMap((one) => Object.keys(one as Values))) {
      const list = files.get(key) ?? [];
      if (!list.includes(file)) files.set(key, [...list, file]);
    }
  return files;
}

function sections(): Section[] {
  const links = [
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
  const kinds = Object.entries<AnyKind>(linkKinds).flatMap(([name, kind]) => {
    const own: Section = {
      title: `Links of kind ${name}`,
      schema: kind.wire,
      options: kind.options,
      captured: filesOf(links, info("info", name)),
    };
    if (kind.port === undefined) return [own];
    const { wire, options } = kind.port;
    const port: Section = {
      title: `Ports of a ${name}`,
      schema: wire,
      options,
      captured: filesOf(links, (attrs) => [
        info("slave", name)(attrs),
        askedOfPort(name, wire, attrs),
        protinfo(name, attrs),
      ]),
    };
    return [own, port];
  });
  const of = (folder: string, ...messages: readonly Attributes[]) =>
    messages.flatMap(({ body, type }) => captures(folder, body, type));
  const plain = (title: string, all: readonly Captured[], schema: AnySchema, ...path: readonly string[]): Section => ({
    title,
    schema,
    captured: filesOf(all, (attrs) => inside(attrs, path)),
  });
  const nexthops = [...of("nexthops", newnexthop, newbucket), ...asked(newnexthop, getnexthop)];
  const [vlans, vnis, groups] = [of("bridges", newvlan), of("bridges", newtunnel), of("bridges", getmdb, newmdb)];
  const wireguard = [...captures("wireguard", genericBody(wgDevice)), ...asked(setdevice)];
  return [
    { title: "Links of every kind", schema: ifla, options: commonOptions, captured: filesOf(links, (attrs) => attrs) },
    ...kinds.filter(({ schema }) => Object.keys(schema.fields).length > 0),
    plain(
      "Addresses",
      [newaddr.type, RTM_GETMULTICAST, RTM_GETANYCAST].flatMap((type) => captures("addresses", newaddr.body, type)),
      ifa,
    ),
    plain("Routes", [...of("routes", newroute), ...asked(newroute, getroute)], rta),
    plain("Neighbors and forwarding entries", [...of("neighbors", newneigh), ...asked(newneigh, delneigh)], nda),
    plain("Rules", of("rules", newrule), fra),
    plain("Nexthops", nexthops, nha),
    plain("Counters of groups of nexthops", nexthops, nhaGroupStatsEntry, "groupStats", "entry"),
    plain("Resilient groups of nexthops", nexthops, nhaResGroup, "resGroup"),
    plain("Buckets of resilient groups", nexthops, nhaResBucket, "resBucket"),
    plain("VLANs of a bridge", vlans, vlanEntry, "entry"),
    plain("VNIs of VLANs", vlans, vlanTunnel, "entry", "tunnelInfo"),
    plain("Counters of VLANs", vlans, vlanStats, "entry", "stats"),
    plain("VLANs for the whole bridge", vlans, vlanGlobals, "globalOptions"),
    plain("VLANs, as they are asked for", asked(setvlan), bridgeSpec, "afSpec"),
    plain("VNIs of VLANs, as they are asked for", asked(setvlan), vlanTunnelInfo, "afSpec", "vlanTunnelInfo"),
    plain("VNIs of a VXLAN", vnis, vniEntry, "entry"),
    plain("Counters of VNIs", vnis, vniStats, "entry", "stats"),
    plain("Multicast entries", groups, mdbAttributes, "mdb", "entry", "info", "attrs"),
    plain("Multicast entries, as they are asked for", asked(setmdb, delmdb), mdbe, "attrs"),
    plain("WireGuard devices", wireguard, wgDevice),
    plain("Peers of WireGuard", wireguard, wgPeer, "peers", "peer"),
    plain("Networks of WireGuard's peers", wireguard, wgAllowedIp, "peers", "peer", "allowedips", "ip"),
  ];
}

/** Enumerators of the uapi headers of this machine; empty where they are not installed. */
export function headers(): Map<string, number> {
  const paths = HEADERS.map((name) => `/usr/include/linux/${name}`).filter(existsSync);
  return new Map(paths.flatMap((path) => [...numbersOf(readFileSync(path, "utf8"))]));
}

/** The words for an attribute of links, what can be done with it, and whether a live link can be changed so. */
function meaning(
  { title, schema, options }: Section,
  key: string,
): readonly [word: string, access: string, inPlace: string] {
  if (RESERVED.test(key)) return ["", "reserved", ""];
  if (UNUSED[title]?.includes(key)) return ["", "unused", ""];
  if (options === undefined) return ["", "", ""];
  const found = Object.entries(options).filter(([, one]) => one.keys.includes(key));
  const [[, option] = []] = found;
  if (option === undefined) {
    const [beside, access] = (schema === ifla && BESIDE[key]) || ["", "read"];
    return [beside, access, ""];
  }
  const word = found.map(([one]) => one).join(", ");
  if (found.some(([, one]) => one.readOnly)) return [word, "read", ""];
  return [word, option.untold ? "write" : "read, write", option.fixed ? "no" : "yes"];
}

/** Whether the header has an attribute with these numbers; an encapsulation is two, its type and itself. */
function isDeclared(prefix: string, key: string, claims: readonly number[], numbers: ReadonlyMap<string, number>) {
  const name = `${prefix}_${shouted(key)}`;
  const names = claims.length === 1 ? [name] : [`${name}_TYPE`, name];
  return names.every((one, i) => numbers.get(one) === claims[i]);
}

function row(section: Section, key: string, numbers: ReadonlyMap<string, number>): string {
  const { name, fields } = section.schema;
  const claims = fields[key]?.claims ?? [];
  const declared = isDeclared(name, key, claims, numbers);
  const since = declared ? "≤ 6.1" : (SINCE[`${name}.${key}`] ?? "> 6.1");
  const [file] = section.captured.get(key) ?? [];
  const seen = file === undefined ? [] : [file.startsWith("requests/") ? "asked" : "told"];
  const verified = [...(declared ? ["header"] : []), ...seen].join(", ");
  const cells = [claims.join(", "), key, ...meaning(section, key), since, verified, file ?? ""];
  return `| ${cells.join(" | ")} |`;
}

/** The titles of the sections. */
export const sectionTitles = (): string[] => sections().map(({ title }) => title);

/** Attributes of which there is no capture though the kernel has a use for them, by the title of their section. */
export function uncaptured(): Map<string, readonly string[]> {
  const missing = sections().map(({ title, schema, captured }): [string, readonly string[]] => {
    const known = [...captured.keys(), ...(UNUSED[title] ?? [])];
    const rest = Object.entries(schema.fields).filter(
      ([key, { settable }]) => settable !== false && !known.includes(key) && !RESERVED.test(key),
    );
    return [title, rest.map(([key]) => key)];
  });
  return new Map(missing.filter(([, keys]) => keys.length > 0));
}

/** The page. */
export function page(): string {
  const numbers = headers();
  const all = sections();
  const missing = Object.entries(UNSEEN).map(([reason, keys]) => {
    const lines = Object.entries(keys).map(([title, list]) => `- ${title}: ${list.join(", ")}`);
    return `${reason}:\n\n${lines.join("\n")}`;
  });
  const parts = all.map((section) => {
    const rows = Object.keys(section.schema.fields).map((key) => row(section, key, numbers));
    const head =
      "| number | attribute | word | access | in place | since | verified | captured in |\n| --- | --- | --- | --- | --- | --- | --- | --- |";
    return `## ${section.title}\n\n\`${section.schema.name}_*\`\n\n${head}\n${rows.join("\n")}\n`;
  });
  return `# Attributes

Made by \`UPDATE_DOCS=1 npm test -- test/attributes\` from the declarations, from the header files of Linux 6.1, and from the
captures under \`test/fixtures\`; a test compares it with them.

- "word" is the property of the typed API and of documents.
- "access" is "read" for what the kernel tells, and the typed API does not set; "unused" where several kinds share a table
  and the kernel neither reads nor tells the attribute of this one, which \`integration/links/unused.test.ts\` tries;
  "reserved" for numbers without a meaning, and for what fills up before numbers of 64 bits on processors that need it.
- "in place" says whether a live link can be changed. Tests in \`integration/links\` try it on the running kernel, so that a
  kernel which does otherwise fails the test: \`change.test.ts\` for VXLANs, bridges and their ports, \`layer2.test.ts\` and
  \`tunnels.test.ts\` for the other kinds.
- "since" is \`≤ 6.1\` where the header of Linux 6.1, the oldest kernel that is supported, has the attribute with this
  number.
- "verified" says by what: by that header; by what a kernel told; or, for what is only asked, by a request of \`ip\`,
  \`bridge\` or \`wg\` that a kernel took.
- "captured in" names a file with such a message, in which it was decoded and encoded again.

Outside of links, one attribute may be a part of a word, or several words, so that there these columns are empty.

${parts.join("\n")}
## Not captured

${missing.join("\n\n")}
`;
}
