/** `bridge vlan`, `bridge vni` and `bridge mdb`. Source: bridge(8). */
import { mdbShapes } from "../../bridges/mdb.ts";
import { address, integer, linkName } from "../../shape/shape.ts";
import { type Args, NotUnderstood, type Reader, readAll, says, shownWord, type Table, value } from "../grammar.ts";
import type { Bag, Entry, HostModel, LinkModel } from "../model.ts";

const LOST = "links, addresses and routes";

/** `10`, or `10-20`. */
const range =
  (first: string, last: string, most: number): Reader =>
  (args, into, word) => {
    const line = args.lineAhead;
    const text = args.take("a number or a range");
    const [from = Number.NaN, to] = text.split("-").map(Number);
    const number = integer(1, most);
    if (!number.accepts(from) || (to !== undefined && (!number.accepts(to) || to < from)))
      throw new NotUnderstood(line, `${word}: expected ${number.expected}, or a range, got ${shownWord(text)}`);
    into[first] = from;
    if (to !== undefined && to !== from) into[last] = to;
  };

const vlanWords: Table = {
  vid: range("vid", "vidEnd", 4094),
  dev: value("dev", linkName),
  pvid: says("pvid", true),
  untagged: says("untagged", true),
  self: () => undefined,
  master: () => undefined,
  tunnel_info: (args, into) => {
    if (!args.accept("id")) throw new NotUnderstood(args.lineAhead, "tunnel_info: expected id");
    range("tunnelId", "tunnelEnd", 0xff_ffff)(args, into, "tunnel_info");
    delete into["tunnelEnd"];
  },
};
const vniWords: Table = {
  vni: range("vni", "vniEnd", 0xff_ffff),
  dev: value("dev", linkName),
  group: value("group", address),
  remote: value("remote", address),
};
const mdbWords: Table = {
  dev: value("dev", linkName),
  port: value("port", linkName),
  grp: value("group", mdbShapes.group),
  src: value("source", address),
  vid: value("vid", mdbShapes.vid),
  permanent: says("state", "permanent"),
  temp: says("state", "temp"),
  filter_mode: value("filterMode", mdbShapes.filterMode),
  source_list: (args, into) => {
    into["sources"] = args.take("addresses").split(",");
  },
  proto: value("protocol", mdbShapes.protocol),
  dst: value("dst", address),
  dst_port: value("dstport", mdbShapes.dstport),
  vni: value("vni", mdbShapes.vni),
  src_vni: value("srcVni", mdbShapes.srcVni),
  via: value("via", linkName),
};

interface Sort {
  readonly words: Table;
  /** What an entry cannot be without. */
  readonly needed: string;
  /** What makes an entry the one that it is. */
  readonly key: readonly string[];
  list(link: LinkModel): Entry[];
}
const SORTS: Readonly<Record<string, Sort>> = {
  vlan: { words: vlanWords, needed: "vid", key: ["vid", "vidEnd"], list: ({ vlans }) => vlans },
  vni: { words: vniWords, needed: "vni", key: ["vni", "vniEnd"], list: ({ vnis }) => vnis },
  mdb: { words: mdbWords, needed: "group", key: ["group", "port", "vid", "source", "srcVni"], list: ({ mdb }) => mdb },
};

/** Reads an entry of one of the tables. @throws {NotUnderstood} */
export function bridgeTable(args: Args, model: HostModel, object: string, verb: string): void {
  const sort = SORTS[object];
  if (sort === undefined || !["add", "replace", "delete"].includes(verb))
    throw new NotUnderstood(args.line, `bridge ${object} ${verb} is not understood`);
  const all: Bag = {};
  readAll(args, sort.words, all);
  const { dev, ...entry } = all;
  if (typeof dev !== "string" || entry[sort.needed] === undefined)
    throw new NotUnderstood(args.line, `expected ${sort.needed} and dev`);
  const list = sort.list(model.link(dev, args.line));
  const at = list.findIndex(({ words }) => sort.key.every((key) => words[key] === entry[key]));
  if (at >= 0) list.splice(at, 1);
  if (verb !== "delete") list.push({ line: args.line, words: entry });
  else if (at < 0) list.push({ line: args.line, words: { ...entry, state: "absent" } });
  model.lose(LOST, args.line);
}
