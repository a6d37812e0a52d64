/** `ip route` and `ip neighbor`. Source: ip-route(8), ip-neighbour(8). */
import { neighborShapes } from "../../neighbors/words.ts";
import { isWide, routeShapes } from "../../routes/words.ts";
import { address, integer, linkName, network } from "../../shape/shape.ts";
import {
  type Args,
  abbreviated,
  NotUnderstood,
  type Reader,
  readAll,
  readWords,
  says,
  shownWord,
  type Table,
  value,
  valueFor,
} from "../grammar.ts";
import type { Bag, HostModel } from "../model.ts";

const LOST = "links, addresses and routes";
const VERBS = [
  "list",
  "show",
  "lst",
  "get",
  "add",
  "change",
  "chg",
  "replace",
  "prepend",
  "append",
  "test",
  "delete",
  "flush",
  "save",
  "restore",
];
const TYPES = [
  "unicast",
  "local",
  "broadcast",
  "multicast",
  "throw",
  "unreachable",
  "prohibit",
  "blackhole",
  "anycast",
];

/** A gateway; its family may stand before it. */
const via: Reader = (args, into) => {
  args.accept("inet", "inet6");
  const line = args.lineAhead;
  into["via"] = valueFor(address, args.take("the address of a gateway"), line, "via");
};
/** Milliseconds or seconds, as a number of seconds. */
const time =
  (key: string): Reader =>
  (args, into) => {
    const line = args.lineAhead;
    const text = args.take("a time");
    const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
    if (number === undefined || unit === undefined)
      throw new NotUnderstood(line, `${key}: expected a time such as 200ms, got ${shownWord(text)}`);
    into[key] = Number(number) / (unit === "ms" ? 1000 : 1);
  };
/** A number that may be locked: what the network says does not change it then. */
const metric =
  (key: string): Reader =>
  (args, into, word) => {
    if (args.accept("lock")) into["lock"] = [...((into["lock"] as string[] | undefined) ?? []), key];
    value(key, routeShapes[key as "mtu"])(args, into, word);
  };

const hop: Table = {
  via,
  dev: value("dev", linkName),
  weight: value("weight", integer(1, 256)),
  onlink: says("onlink", true),
  pervasive: says("pervasive", true),
};
const nexthop: Reader = (args, into) => {
  const one: Bag = {};
  readWords(args, hop, one);
  into["nexthops"] = [...((into["nexthops"] as Bag[] | undefined) ?? []), one];
};
const words: Table = {
  ...hop,
  weight: value("weight", integer(1, 256)),
  src: value("src", address),
  from: value("from", network),
  metric: value("metric", routeShapes.metric),
  priority: value("metric", routeShapes.metric),
  preference: value("metric", routeShapes.metric),
  table: value("table", routeShapes.table),
  vrf: value("vrf", linkName),
  proto: value("protocol", routeShapes.protocol),
  protocol: value("protocol", routeShapes.protocol),
  scope: value("scope", routeShapes.scope),
  tos: value("tos", routeShapes.tos),
  dsfield: value("tos", routeShapes.tos),
  nhid: value("nhid", routeShapes.nhid),
  pref: value("pref", routeShapes.pref),
  expires: value("expires", routeShapes.expires),
  nexthop,
  congctl: value("congctl", routeShapes.congctl),
  features: (args, into) => {
    if (!args.accept("ecn"))
      throw new NotUnderstood(args.lineAhead, `features: expected ecn, got ${shownWord(args.ahead)}`);
    into["features"] = 1;
  },
  quickack: (args, into) => {
    into["quickack"] = valueFor(integer(0, 1), args.take("0 or 1"), args.line, "quickack") === 1;
  },
  fastopen_no_cookie: (args, into) => {
    into["fastopenNoCookie"] = valueFor(integer(0, 1), args.take("0 or 1"), args.line, "fastopen_no_cookie") === 1;
  },
  ...Object.fromEntries(
    ["mtu", "advmss", "window", "ssthresh", "cwnd", "initcwnd", "initrwnd", "reordering", "hoplimit"].map((key) => [
      key,
      metric(key),
    ]),
  ),
  rtt: time("rtt"),
  rttvar: time("rttvar"),
  rto_min: time("rtoMin"),
};

function destination(args: Args, into: Bag, wide: boolean): void {
  const line = args.lineAhead;
  const text = args.take("the destination");
  const all = ["default", "0/0", "0.0.0.0/0", "::/0", "any", "all"].includes(text);
  const dst = all ? "default" : text;
  if (!network.accepts(dst)) throw new NotUnderstood(line, `expected ${network.expected}, got ${shownWord(text)}`);
  into["dst"] = dst;
  if (all && (wide || text === "::/0")) into["family"] = "inet6";
  else if (all && text.includes("0/0")) into["family"] = "inet";
}

function read(args: Args, wide: boolean): Bag {
  const route: Bag = {};
  if (TYPES.includes(args.ahead)) route["type"] = args.take("a type");
  if (route["type"] === "unicast") delete route["type"];
  while (!args.done) {
    readWords(args, words, route);
    if (args.accept("to") || (!args.done && route["dst"] === undefined)) destination(args, route, wide);
    else args.end();
  }
  if (route["dst"] === undefined) throw new NotUnderstood(args.line, "the destination is missing");
  if (route["family"] === "inet" && !isWide({ ...route, family: undefined } as never)) delete route["family"];
  if (route["vrf"] !== undefined)
    throw new NotUnderstood(
      args.line,
      "vrf is not understood for a route",
      "write table and the number of the VRF's table",
    );
  return route;
}

const key = ({ dst, table = "main", metric: rank = 0, family, tos = 0 }: Bag): string =>
  JSON.stringify([dst, table, rank, family, tos]);

function route(args: Args, model: HostModel, verb: string, wide: boolean): void {
  const { dev, protocol: _, ...entry } = read(args, wide);
  const list = typeof dev === "string" ? model.link(dev, args.line).routes : model.routes;
  const lists = [model.routes, ...[...model.links.values()].map(({ routes }) => routes)];
  const same = lists.flatMap((one) =>
    one.filter(({ words: there }) => key(there) === key(entry)).map((found) => ({ one, found })),
  );
  const [before] = same;
  for (const { one, found } of same) if (verb !== "append") one.splice(one.indexOf(found), 1);
  if (verb === "delete") {
    if (before === undefined) list.push({ line: args.line, words: { ...entry, state: "absent" } });
    return;
  }
  if (before !== undefined && verb === "add")
    model.findings.say(
      "error",
      args.line,
      `a route to ${String(entry["dst"])} is there since line ${before.found.line}`,
      "the later one counts here; keep one, or give one a metric",
    );
  list.push({ line: args.line, words: entry });
  model.lose(LOST, args.line);
}

/** `ip route …`; `wide` where -6 was said. */
export function ipRoute(args: Args, model: HostModel, wide: boolean): void {
  const verb = args.done ? "show" : abbreviated(args.take("a verb"), VERBS);
  if (
    verb === "add" ||
    verb === "change" ||
    verb === "chg" ||
    verb === "replace" ||
    verb === "append" ||
    verb === "prepend" ||
    verb === "delete"
  ) {
    route(args, model, verb, wide);
    return;
  }
  if (verb === undefined || ["flush", "save", "restore"].includes(verb))
    throw new NotUnderstood(
      args.line,
      `${verb === "flush" ? "ip route flush" : "this verb of ip route"} is not understood`,
      "a document leaves alone what it does not name",
    );
  model.findings.say("note", args.line, "only shows; there is nothing to import");
}

const neighbor: Table = {
  dev: value("dev", linkName),
  lladdr: value("mac", neighborShapes.mac),
  nud: value("state", neighborShapes.state),
  state: value("state", neighborShapes.state),
  proxy: (args, into) => {
    into["proxy"] = true;
    into["address"] = valueFor(address, args.take("an address"), args.line, "proxy");
  },
  router: says("router", true),
  extern_learn: says("externLearn", true),
  managed: says("managed", true),
  use: says("use", true),
  permanent: says("state", "permanent"),
};

/** `ip neighbor …` */
export function ipNeighbor(args: Args, model: HostModel): void {
  const verb = args.done
    ? "show"
    : abbreviated(args.take("a verb"), [
        "add",
        "change",
        "chg",
        "replace",
        "delete",
        "get",
        "show",
        "lst",
        "list",
        "flush",
      ]);
  if (verb === undefined || verb === "flush")
    throw new NotUnderstood(args.line, "this verb of ip neighbor is not understood");
  if (["get", "show", "lst", "list"].includes(verb)) {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  const entry: Bag = {};
  while (!args.done) {
    readWords(args, neighbor, entry);
    if (args.accept("to") || (!args.done && entry["address"] === undefined))
      entry["address"] = valueFor(address, args.take("an address"), args.line, "to");
    else readAll(args, neighbor, entry);
  }
  if (typeof entry["dev"] !== "string" || entry["address"] === undefined)
    throw new NotUnderstood(args.line, "a neighbor has an address and a dev");
  model.use(entry["dev"], args.line, "entry");
  const at = model.neighbors.findIndex(
    ({ words: one }) => one["address"] === entry["address"] && one["dev"] === entry["dev"],
  );
  if (at >= 0) model.neighbors.splice(at, 1);
  if (verb === "delete" && at >= 0) return;
  const { state, ...rest } = entry;
  const kept = state === undefined || state === "permanent" ? rest : entry;
  model.neighbors.push({ line: args.line, words: verb === "delete" ? { ...rest, state: "absent" } : kept });
  model.lose(LOST, args.line);
}
