/**
 * docs/attributes.md: what is said there comes from the declarations, from the header of linux-libc-dev, and from the
 * captures; nothing is written by hand.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { ifa, newaddr } from "../../lib/addresses/schema.ts";
import {
  bridgeSpec,
  getmdb,
  mdbAttributes,
  mdbe,
  newtunnel,
  newvlan,
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
import { ifla, newlink } from "../../lib/links/schema.ts";
import { commonOptions } from "../../lib/links/words.ts";
import { nda, newneigh } from "../../lib/neighbors/schema.ts";
import { newbucket, newnexthop, nha, nhaResBucket, nhaResGroup } from "../../lib/nexthops/schema.ts";
import { newroute, rta } from "../../lib/routes/schema.ts";
import { fra, newrule } from "../../lib/rules/schema.ts";
import { type AnySchema, type Body, type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { wgAllowedIp, wgDevice, wgPeer } from "../../lib/wireguard/schema.ts";
import { capture } from "../fixtures.ts";
import { numbersOf, shouted } from "../headers.ts";

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

interface Section {
  readonly title: string;
  readonly schema: AnySchema;
  /** None where the attributes are not those of links. */
  readonly options?: Options;
  /** Where the attributes of this section stand in what was captured. */
  readonly captured: ReadonlyMap<string, readonly string[]>;
}

type Values = Readonly<Record<string, unknown>>;
/** A message of attributes. */
type Attributes = Message<never, { readonly attrs: object }>;
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
  const links = captures("links", newlink.body, newlink.type);
  const info = (of: "info" | "slave", name: string) => (attrs: Values) => {
    const found = (attrs["linkinfo"] as Record<string, { kind: string; data?: unknown }> | undefined)?.[of];
    return found?.kind === name && !(found.data instanceof Uint8Array) ? found.data : undefined;
  };
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
      captured: filesOf(links, info("slave", name)),
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
  const nexthops = of("nexthops", newnexthop, newbucket);
  const [vlans, vnis, groups] = [of("bridges", newvlan), of("bridges", newtunnel), of("bridges", getmdb)];
  const wireguard = captures("wireguard", genericBody(wgDevice));
  return [
    { title: "Links of every kind", schema: ifla, options: commonOptions, captured: filesOf(links, (attrs) => attrs) },
    ...kinds.filter(({ schema }) => Object.keys(schema.fields).length > 0),
    plain("Addresses", of("addresses", newaddr), ifa),
    plain("Routes", of("routes", newroute), rta),
    plain("Neighbors and forwarding entries", of("neighbors", newneigh), nda),
    plain("Rules", of("rules", newrule), fra),
    plain("Nexthops", nexthops, nha),
    plain("Resilient groups of nexthops", nexthops, nhaResGroup, "resGroup"),
    plain("Buckets of resilient groups", nexthops, nhaResBucket, "resBucket"),
    plain("VLANs of a bridge", vlans, vlanEntry, "entry"),
    plain("VNIs of VLANs", vlans, vlanTunnel, "entry", "tunnelInfo"),
    plain("Counters of VLANs", vlans, vlanStats, "entry", "stats"),
    plain("VLANs for the whole bridge", vlans, vlanGlobals, "globalOptions"),
    plain("VLANs, as they are asked for", [], bridgeSpec),
    plain("VNIs of VLANs, as they are asked for", [], vlanTunnelInfo),
    plain("VNIs of a VXLAN", vnis, vniEntry, "entry"),
    plain("Counters of VNIs", vnis, vniStats, "entry", "stats"),
    plain("Multicast entries", groups, mdbAttributes, "mdb", "entry", "info", "attrs"),
    plain("Multicast entries, as they are asked for", [], mdbe),
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
function meaning({ schema, options }: Section, key: string): readonly [word: string, access: string, inPlace: string] {
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
  const verified = file === undefined ? (declared ? "header" : "") : declared ? "both" : "capture";
  const cells = [claims.join(", "), key, ...meaning(section, key), since, verified, file ?? ""];
  return `| ${cells.join(" | ")} |`;
}

/** The page. */
export function page(): string {
  const numbers = headers();
  const all = sections();
  const missing = all.flatMap(({ title, schema, captured }) => {
    const keys = Object.entries(schema.fields).filter(
      ([key, { settable }]) => !captured.has(key) && settable !== false,
    );
    return keys.length === 0 ? [] : [`- ${title}: ${keys.map(([key]) => key).join(", ")}`];
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
- "access" is "read" for what the kernel tells, and the typed API does not set.
- "in place" says whether a live link can be changed. Tests in \`integration/links\` try it on the running kernel, so that a
  kernel which does otherwise fails the test: \`change.test.ts\` for VXLANs, bridges and their ports, \`layer2.test.ts\` and
  \`tunnels.test.ts\` for the other kinds.
- "since" is \`≤ 6.1\` where the header of Linux 6.1 has the attribute with this number.
- "verified" says by what: by that header, by a capture, or by both.
- "captured in" names a file of a message from a kernel in which it was decoded and encoded again.

Outside of links, one attribute may be a part of a word, or several words, so that there these columns are empty.

${parts.join("\n")}
## Not captured

${missing.join("\n")}
`;
}
