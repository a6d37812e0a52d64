/**
 * docs/attributes.md: what is said there comes from the declarations, from the header of linux-libc-dev, and from the
 * captures. By hand are written BESIDE, the kernels of since.ts, the reasons of exceptions.ts, and what sections.ts says of
 * devices and sysctls.
 */
import { existsSync, readFileSync } from "node:fs";
import { ifla } from "../../lib/links/schema.ts";
import { constantOf, numbersOf } from "../headers.ts";
import { RESERVED, UNSEEN, UNUSED } from "./exceptions.ts";
import type { Meaning } from "./meaning.ts";
import { type Section, sections } from "./sections.ts";
import { SINCE } from "./since.ts";

/** Headers in which the attributes are declared. */
const HEADERS = [
  "if_link.h",
  "if_tunnel.h",
  "if_addr.h",
  "if_addrlabel.h",
  "if_bridge.h",
  "rtnetlink.h",
  "neighbour.h",
  "veth.h",
  "fib_rules.h",
  "nexthop.h",
  "wireguard.h",
  "if_macsec.h",
  "fou.h",
  "lwtunnel.h",
  "mpls_iptunnel.h",
  "seg6_iptunnel.h",
  "ip.h",
  "netconf.h",
  "net_namespace.h",
  "gen_stats.h",
  "pkt_sched.h",
  "pkt_cls.h",
  "tc_act/tc_gact.h",
  "tc_act/tc_mirred.h",
  "ethtool_netlink.h",
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

/** Enumerators of the uapi headers of this machine; empty where they are not installed. */
export function headers(): Map<string, number> {
  const paths = HEADERS.map((name) => `/usr/include/linux/${name}`).filter(existsSync);
  return new Map(paths.flatMap((path) => [...numbersOf(readFileSync(path, "utf8"))]));
}

/** What tests saw of changes, by the kind of link and the word: a line of test/fixtures/links/tried.txt is one of it. */
function tried(): Map<string, { readonly result: string; readonly kernels: readonly string[] }> {
  const found = new Map<string, { readonly result: string; readonly kernels: readonly string[] }>();
  for (const line of readFileSync("test/fixtures/links/tried.txt", "utf8").split("\n")) {
    const [, what, result, kernel] = /^(\S+) (changes|fixed) (\S+)$/.exec(line) ?? [];
    if (what === undefined || result === undefined || kernel === undefined) continue;
    found.set(what, { result, kernels: [...(found.get(what)?.kernels ?? []), kernel] });
  }
  return found;
}
const attempts = tried();

/** The words for an attribute of links, what can be done with it, and whether a live link was changed so. */
function linkMeaning({ schema, options = {}, kind }: Section, key: string): readonly [string, string, string] {
  const found = Object.entries(options).filter(([, one]) => one.keys.includes(key));
  const [[, option] = []] = found;
  if (option === undefined) {
    const [beside, access] = (schema === ifla && BESIDE[key]) || ["", "read"];
    return [beside, access, ""];
  }
  const word = found.map(([one]) => one).join(", ");
  if (found.some(([, one]) => one.readOnly)) return [word, "read", ""];
  const seen = found.map(([one]) => attempts.get(`${kind}.${one}`)).find((one) => one !== undefined);
  const answer = option.fixed ? "no" : "yes";
  const place = seen === undefined ? `${answer}, not tried` : `${answer} (${seen.kernels.join(", ")})`;
  return [word, option.untold ? "write" : "read, write", place];
}
const accessOf = ({ read, write }: Meaning): string => [read && "read", write && "write"].filter(Boolean).join(", ");

/** What a test saw of a change; else what our planner makes of it, of which no test notes what kernels do. */
function placeOf({ words, inPlace, write }: Meaning, kind: string | undefined): string {
  if (!write) return "";
  const seen = words.map((word) => attempts.get(`${kind}.${word}`)).find((one) => one !== undefined);
  if (seen !== undefined) return `${seen.result === "changes" ? "yes" : "no"} (${seen.kernels.join(", ")})`;
  const answers = [...inPlace].map(([sort, may]) => [sort, may ? "planned" : "made again"]);
  const [[, first] = []] = answers;
  const planned = answers.every(([, answer]) => answer === first)
    ? (first ?? "")
    : answers.map(([sort, answer]) => `${answer} (${sort})`).join(", ");
  return [planned, "not tried"].filter(Boolean).join(", ");
}

/** The same of any attribute. */
function meaning(section: Section, key: string): readonly [word: string, access: string, inPlace: string] {
  if (RESERVED.test(key)) return ["", "reserved", ""];
  if (UNUSED[section.title]?.includes(key)) return ["", "unused", ""];
  if (section.options !== undefined) return linkMeaning(section, key);
  const found = section.meanings.get(key);
  if (found === undefined) return ["", "", ""];
  return [found.words.join(", "), accessOf(found), placeOf(found, section.kind)];
}

/** Properties that are two attributes. */
const PAIRS: Readonly<Record<string, readonly string[]>> = {
  info: ["IFLA_INFO_KIND", "IFLA_INFO_DATA"],
  slave: ["IFLA_INFO_SLAVE_KIND", "IFLA_INFO_SLAVE_DATA"],
};
/** Whether the header has an attribute with these numbers; an encapsulation is two, its type and itself. */
function isDeclared(prefix: string, key: string, claims: readonly number[], numbers: ReadonlyMap<string, number>) {
  const name = constantOf(prefix, key);
  const names =
    claims.length === 1
      ? [name]
      : key === "options"
        ? [`${prefix}_KIND`, name]
        : (PAIRS[key] ?? [`${name}_TYPE`, name]);
  return names.every((one, i) => numbers.get(one) === claims[i]);
}

function row(section: Section, key: string, numbers: ReadonlyMap<string, number>): string {
  const { name, fields } = section.schema;
  const claims = fields[key]?.claims ?? [];
  const declared = isDeclared(name, key, claims, numbers);
  const since = declared ? "≤ 6.1" : (SINCE.get(`${name}.${key}`) ?? "> 6.1");
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

- "word" is the property of the typed API and of documents, with a point where one stands in another.
- "access" is "read" for what the kernel tells, "write" for what can be asked for; "unused" where several kinds share a table
  and the kernel neither reads nor tells the attribute of this one, which \`integration/links/unused.test.ts\` tries;
  "reserved" for numbers without a meaning, and for what fills up before numbers of 64 bits on processors that need it.
- "in place" says of links whether a live one can be changed, and on which kernels a test in \`integration/links\` has tried it:
  what these saw stands in \`test/fixtures/links/tried.txt\`. A kernel that does otherwise fails the test. Of the
  sysctls \`integration/devconf\` notes it. Of all else no test does, and it says "not tried", with what our planner, and not a kernel, says of entries: "planned" where
  a plan changes one that is there, "made again" where it makes another.
- "since" is \`≤ 6.1\` where the header of Linux 6.1, the oldest kernel that is supported, has the attribute with this
  number. Where it has not, \`test/attributes/since.ts\` says where the number comes from.
- "verified" says by what: by that header; by what a kernel told; or, for what is only asked, by a request of \`ip\`,
  \`bridge\` or \`wg\` that a kernel took.
- "captured in" names a file with such a message, in which it was decoded and encoded again.

Outside of links and queues nothing declares which word is which attribute: it is found out of the captures, by leaving each
attribute out and by changing it, and the same with each word of a request. A cell is empty where nothing came of that: the
attribute is of requests that no word asks for, or its value in the captures says as much as its absence.

nftables is not here: its expressions are checked against \`nft\` and the header in \`test/nftables\`.

${parts.join("\n")}
## Not captured

${missing.join("\n\n")}
`;
}
