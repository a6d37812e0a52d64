/**
 * docs/attributes.md: what is said there comes from the declarations, from the header of linux-libc-dev, and from the
 * captures; nothing is written by hand.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { ifa, newaddr } from "../../lib/addresses/schema.ts";
import type { AnyKind } from "../../lib/links/kind.ts";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import type { Options } from "../../lib/links/option.ts";
import { ifla, newlink } from "../../lib/links/schema.ts";
import { commonOptions } from "../../lib/links/words.ts";
import { nda, newneigh } from "../../lib/neighbors/schema.ts";
import { newroute, rta } from "../../lib/routes/schema.ts";
import { type AnySchema, type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
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
  "IFLA_BRPORT.mcastNGroups": "6.3",
  "IFLA_BRPORT.mcastMaxGroups": "6.3",
};
/** Headers in which attributes of links, addresses, routes and neighbors are declared. */
const HEADERS = ["if_link.h", "if_tunnel.h", "if_addr.h", "rtnetlink.h", "neighbour.h", "veth.h"];

interface Section {
  readonly title: string;
  readonly schema: AnySchema;
  readonly options: Options;
  /** Where the attributes of this section stand in what was captured. */
  readonly captured: ReadonlyMap<string, readonly string[]>;
}

type Values = Readonly<Record<string, unknown>>;
interface Captured {
  readonly file: string;
  readonly attrs: Values;
}

function captures(folder: string, kind: Message<never, { readonly attrs: object }>): Captured[] {
  const files = readdirSync(`test/fixtures/${folder}`)
    .filter((file) => file.endsWith(".hex"))
    .sort();
  return files.flatMap((file) =>
    capture(`${folder}/${file}`)
      .filter((bytes) => new Reader(bytes).u16[2] === kind.type)
      .map((bytes) => ({
        file: file.replace(".hex", ""),
        attrs: kind.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length).attrs as Values,
      })),
  );
}

/** Files by the attribute that they have; `part` finds a section's attributes in a message. */
function filesOf(all: readonly Captured[], part: (attrs: Values) => unknown): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { file, attrs } of all)
    for (const key of Object.keys((part(attrs) ?? {}) as Values)) {
      const list = files.get(key) ?? [];
      if (!list.includes(file)) files.set(key, [...list, file]);
    }
  return files;
}

function sections(): Section[] {
  const links = captures("links", newlink);
  const none: Options = {};
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
  const plain = (
    title: string,
    folder: string,
    kind: Message<never, { readonly attrs: object }>,
    schema: AnySchema,
  ) => ({
    title,
    schema,
    options: none,
    captured: filesOf(captures(folder, kind), (attrs) => attrs),
  });
  return [
    { title: "Links of every kind", schema: ifla, options: commonOptions, captured: filesOf(links, (attrs) => attrs) },
    ...kinds.filter(({ schema }) => Object.keys(schema.fields).length > 0),
    plain("Addresses", "addresses", newaddr, ifa),
    plain("Routes", "routes", newroute, rta),
    plain("Neighbors and forwarding entries", "neighbors", newneigh, nda),
  ];
}

/** Enumerators of the uapi headers of this machine; empty where they are not installed. */
export function headers(): Map<string, number> {
  const paths = HEADERS.map((name) => `/usr/include/linux/${name}`).filter(existsSync);
  return new Map(paths.flatMap((path) => [...numbersOf(readFileSync(path, "utf8"))]));
}

function row(section: Section, key: string, numbers: ReadonlyMap<string, number>): string {
  const { schema, options, captured } = section;
  const field = schema.fields[key];
  const number = field?.claims.join(", ");
  const [ours, option] = Object.entries(options).find(([, one]) => one.keys.includes(key)) ?? [];
  const inHeader = numbers.get(`${schema.name}_${shouted(key)}`) === field?.claims[0];
  const written = option === undefined ? field?.settable !== false : !option.readOnly;
  const access = written ? (option?.untold === true ? "write" : "read, write") : "read";
  const inPlace = option === undefined || !written ? "" : option.fixed ? "no" : "yes";
  const since = inHeader ? "≤ 6.1" : (SINCE[`${schema.name}.${key}`] ?? (field?.claims.length === 1 ? "> 6.1" : ""));
  const proof = captured.get(key)?.[0] ?? "";
  return `| ${number} | ${key} | ${ours ?? ""} | ${access} | ${inPlace} | ${since} | ${proof} |`;
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
      "| number | attribute | word | access | in place | since | captured in |\n| --- | --- | --- | --- | --- | --- | --- |";
    return `## ${section.title}\n\n\`${section.schema.name}_*\`\n\n${head}\n${rows.join("\n")}\n`;
  });
  return `# Attributes

Made by \`UPDATE_DOCS=1 npm test -- test/attributes\` from the declarations, from the header files of Linux 6.1, and from the
captures under \`test/fixtures\`; a test compares it with them. "word" is the property of the typed API and of documents. "in
place" says whether a live link can be changed; \`integration/links/change.test.ts\` tries each on the running kernel, so
that a kernel which does otherwise fails the test. "since" is \`≤ 6.1\` where the header of Linux 6.1 has the attribute with
this number. "captured in" names a file of a message from a kernel in which it was decoded and encoded again.

${parts.join("\n")}
## Not captured

${missing.join("\n")}
`;
}
