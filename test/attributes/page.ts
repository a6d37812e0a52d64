/**
 * docs/attributes.md: what is said there comes from the declarations, from the header of linux-libc-dev, and from the
 * captures. By hand are written BESIDE, the kernels of since.ts, the reasons of exceptions.ts, and what sections.ts says of
 * devices and sysctls.
 */
import { existsSync, readFileSync } from "node:fs";
import { constantOf, numbersOf } from "../headers.ts";
import { attempts } from "../tried.ts";
import { RESERVED, UNSEEN, UNTRIED, UNUSED } from "./exceptions.ts";
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
  "if_bonding.h",
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
type Beside = Readonly<Record<string, readonly [word: string, access: string, kinds?: readonly string[]]>>;
/** Kinds whose `dev` is IFLA_LINK; others have an attribute of their own. */
const ON_A_LINK = ["ipvlan", "ipvtap", "macsec", "macvlan", "macvtap", "vlan"];
/** What is written beside what is declared, by the section: the word for it, and whether the kernel tells it, too. */
const BESIDE: Readonly<Record<string, Beside>> = {
  "Links of every kind": {
    ifname: ["name", "read, write"],
    link: ["dev", "read, write", ON_A_LINK],
    protinfo: ["port", "read, write"],
    linkinfo: ["kind, port", "read, write"],
    netNsPid: ["netns", "write"],
    netNsFd: ["netns", "write"],
    propList: ["altnames", "read, write"],
    altIfname: ["name", "write"],
  },
  "Links of every kind: linkinfo": { info: ["kind", "read, write"], slave: ["port", "read, write"] },
  "Links of every kind: propList": { altIfname: ["altnames", "read, write"] },
  "Qdiscs, classes and filters": {
    kind: ["kind", "read, write"],
    stats: ["statistics", "read"],
    stats2: ["statistics", "read"],
    xstats: ["statistics", "read"],
    chain: ["chain", "read, write"],
    ingressBlock: ["ingressBlock", "read, write"],
    egressBlock: ["egressBlock", "read, write"],
  },
  "Actions of filters": { kind: ["actions.kind", "read, write"] },
  "Features of devices": { wanted: ["wanted", "read, write"], nochange: ["", "read"] },
};

/** Enumerators of the uapi headers of this machine; empty where they are not installed. */
export function headers(): Map<string, number> {
  const paths = HEADERS.map((name) => `/usr/include/linux/${name}`).filter(existsSync);
  return new Map(paths.flatMap((path) => [...numbersOf(readFileSync(path, "utf8"))]));
}

/** Of what has no word: as it was captured. */
function accessSeen(files: readonly string[] = []): string {
  const [isAsked, isTold] = [true, false].map((asked) => files.some((file) => file.startsWith("requests/") === asked));
  return isTold ? "read" : isAsked ? "write" : "";
}
/** The words for an attribute of links, what can be done with it, and whether a live link was changed so. */
function linkMeaning({ options = {}, kinds = [], captured }: Section, key: string): readonly [string, string, string] {
  const found = Object.entries(options).filter(([, one]) => one.keys.includes(key));
  const [[, option] = []] = found;
  if (option === undefined) {
    return ["", accessSeen(captured.get(key)), ""];
  }
  const word = found.map(([one]) => one).join(", ");
  if (found.some(([, one]) => one.readOnly)) return [word, "read", ""];
  const place = placeOf(
    found.map(([one]) => one),
    kinds,
  );
  return [word, option.untold ? "write" : "read, write", place];
}
const accessOf = ({ read, write }: Meaning): string => [read && "read", write && "write"].filter(Boolean).join(", ");

/** What became of a change, in a word. */
const ANSWERS: Readonly<Record<string, string>> = { changes: "yes", another: "key", kept: "no, ignored", fixed: "no" };

/** What tests saw of changes to these words; where it is not the same of all, of which. */
function placeOf(words: readonly string[], kinds: readonly string[]): string {
  const seen = kinds.flatMap((kind) =>
    words.flatMap((word) => (attempts().get(`${kind}.${word}`) ?? []).map((one) => ({ kind, word, ...one }))),
  );
  const all = <K extends "kind" | "word">(of: readonly Readonly<Record<K, string>>[], key: K): string[] => [
    ...new Set(of.map((one) => one[key])),
  ];
  const answers = new Map<string, (typeof seen)[number][]>();
  for (const one of seen) {
    const answer = ANSWERS[one.outcome] ?? `no, ${one.outcome}`;
    answers.set(answer, [...(answers.get(answer) ?? []), one]);
  }
  const parts = [...answers].map(([answer, those]) => {
    const kernels = [...new Set(those.map(({ kernel }) => kernel))].sort((a, b) =>
      a.localeCompare(b, "en", { numeric: true }),
    );
    const of = (["kind", "word"] as const).flatMap((key) => {
      const some = all(those, key);
      const names = some.map((one) => one.replace(/^.*:/, ""));
      return answers.size === 1 || some.length === all(seen, key).length ? [] : [names.join(", ")];
    });
    return `${answer} (${kernels.join(", ")})${of.length === 0 ? "" : `: ${of.join(": ")}`}`;
  });
  return parts.length === 0 ? "not tried" : parts.join("; ");
}

/** The same of any attribute. */
function meaning(section: Section, key: string): readonly [word: string, access: string, inPlace: string] {
  if (RESERVED.test(key)) return ["", "reserved", ""];
  if (UNUSED[section.title]?.includes(key)) return ["", "unused", ""];
  const beside = BESIDE[section.title]?.[key];
  if (beside !== undefined) {
    const [word, access, kinds = section.kinds ?? []] = beside;
    const place = access.includes("write") ? placeOf(word.split(", "), kinds) : "";
    return [word, access, place];
  }
  if (section.options !== undefined) return linkMeaning(section, key);
  const found = section.meanings.get(key);
  if (found === undefined) return ["", accessSeen(section.captured.get(key)), ""];
  return [found.words.join(", "), accessOf(found), found.write ? placeOf(found.words, section.kinds ?? []) : ""];
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

/** Attributes that no test changed on a live object, by the title of their section. */
export function untried(): Map<string, readonly string[]> {
  const missing = sections().map((section): [string, readonly string[]] => {
    const keys = Object.keys(section.schema.fields);
    return [section.title, keys.filter((key) => meaning(section, key)[2].endsWith("not tried"))];
  });
  return new Map(missing.filter(([, keys]) => keys.length > 0));
}

/** Attributes by their reason. */
const reasons = (of: typeof UNSEEN): string =>
  Object.entries(of)
    .map(([reason, keys]) => {
      const lines = Object.entries(keys).map(([title, list]) => `- ${title}: ${list.join(", ")}`);
      return `${reason}:\n\n${lines.join("\n")}`;
    })
    .join("\n\n");

/** The page. */
export function page(): string {
  const numbers = headers();
  const all = sections();
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
- "in place" says whether a live object can be changed, and which kernels were asked: by tests in \`integration/links\`,
  \`attributes\`, \`devconf\`, \`ethtool\` and \`wireguard\`, and what they saw stands in \`test/fixtures/tried.txt\`. A kernel that
  does otherwise fails them, and so does a plan that changes in place what the kernel does not. "key" is what tells one
  object from another: asked for another value, the kernel made another object beside it. "no, ignored" was acknowledged,
  and nothing came of it; "no, EINVAL" was refused like that. Where the words, or the sorts of objects, of an attribute
  differ in this, they are named. Why something was not tried stands at the end.
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

${reasons(UNSEEN)}

## Not tried

${reasons(UNTRIED)}
`;
}
