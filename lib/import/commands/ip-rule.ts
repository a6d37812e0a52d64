/** `ip rule` and `ip nexthop`. Source: ip-rule(8), ip-nexthop(8). */
import { nexthopShapes } from "../../nexthops/words.ts";
import { ruleShapes } from "../../rules/words.ts";
import { address, integer, linkName } from "../../shape/shape.ts";
import {
  type Args,
  abbreviated,
  NotUnderstood,
  type Reader,
  readAll,
  says,
  shownWord,
  type Table,
  value,
  valueFor,
} from "../grammar.ts";
import type { Bag, HostModel } from "../model.ts";

const LOST = "links, addresses and routes";
const SHOWS = ["show", "list", "lst", "get"];
/** Below the rules that every kernel has, a new rule gets the number before those that are there. */
const FIRST_FREE = 32_765;

/** `0x1/0xff`: a number and which of its bits count. */
const masked =
  (key: "fwmark" | "dscp" | "flowlabel", mask: "fwmask" | "dscpMask" | "flowlabelMask"): Reader =>
  (args, into, word) => {
    const line = args.lineAhead;
    const [number = "", bits] = args.take(`the value of ${word}`).split("/");
    into[key] = valueFor(ruleShapes[key], number, line, word);
    if (bits !== undefined) into[mask] = valueFor(ruleShapes[mask], bits, line, word);
  };
const network =
  (key: "from" | "to"): Reader =>
  (args, into, word) => {
    const line = args.lineAhead;
    const text = args.take("a network");
    if (text !== "all" && text !== "any" && text !== "default") into[key] = valueFor(ruleShapes[key], text, line, word);
  };
const action = (word: string): Reader => says("action", word);

const ruleWords: Table = {
  not: says("not", true),
  from: network("from"),
  to: network("to"),
  iif: value("iif", linkName),
  dev: value("iif", linkName),
  oif: value("oif", linkName),
  fwmark: masked("fwmark", "fwmask"),
  dscp: masked("dscp", "dscpMask"),
  flowlabel: masked("flowlabel", "flowlabelMask"),
  tos: value("tos", ruleShapes.tos),
  dsfield: value("tos", ruleShapes.tos),
  ipproto: value("ipproto", ruleShapes.ipproto),
  sport: value("sport", ruleShapes.sport),
  dport: value("dport", ruleShapes.dport),
  uidrange: value("uidrange", ruleShapes.uidrange),
  tun_id: value("tunId", ruleShapes.tunId),
  l3mdev: says("l3mdev", true),
  priority: value("priority", ruleShapes.priority),
  pref: value("priority", ruleShapes.priority),
  preference: value("priority", ruleShapes.priority),
  order: value("priority", ruleShapes.priority),
  table: value("table", ruleShapes.table),
  lookup: value("table", ruleShapes.table),
  goto: value("goto", ruleShapes.goto),
  suppress_prefixlength: value("suppressPrefixlength", ruleShapes.suppressPrefixlength),
  suppress_ifgroup: value("suppressIfgroup", ruleShapes.suppressIfgroup),
  protocol: value("protocol", ruleShapes.protocol),
  proto: value("protocol", ruleShapes.protocol),
  blackhole: action("blackhole"),
  unreachable: action("unreachable"),
  prohibit: action("prohibit"),
  nop: action("nop"),
};

/** A rule for all packets says so. */
function selecting(rule: Bag): Bag {
  const effects = ["priority", "table", "goto", "action", "family", "suppressPrefixlength", "suppressIfgroup"];
  return Object.keys(rule).some((key) => !effects.includes(key)) ? rule : { from: "default", ...rule };
}

/** `ip rule …`; `wide` where -6 was said. */
export function ipRule(args: Args, model: HostModel, wide: boolean): void {
  const verb = args.done ? "show" : abbreviated(args.take("a verb"), ["list", "lst", "show", "add", "delete", "flush"]);
  if (verb !== undefined && SHOWS.includes(verb)) {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  if (verb !== "add" && verb !== "delete") throw new NotUnderstood(args.line, "this verb of ip rule is not understood");
  const rule: Bag = {};
  readAll(args, ruleWords, rule);
  delete rule["protocol"];
  if (wide && rule["from"] === undefined && rule["to"] === undefined) rule["family"] = "inet6";
  if (verb === "add") addRule(args, model, rule);
  else removeRule(args, model, rule);
}

function addRule(args: Args, model: HostModel, rule: Bag): void {
  const taken = model.rules.map(({ words }) => Number(words["priority"]));
  const priority = rule["priority"] ?? Math.min(FIRST_FREE + 1, ...taken) - 1;
  if (rule["priority"] === undefined)
    model.findings.say(
      "warning",
      args.line,
      `the rule has no priority; on a host without others it gets ${String(priority)}`,
      "write priority, which a document needs",
    );
  model.rules.push({ line: args.line, words: selecting({ priority, ...rule }) });
  model.lose(LOST, args.line);
}

function removeRule(args: Args, model: HostModel, rule: Bag): void {
  const at = model.rules.findIndex(({ words }) => Object.entries(rule).every(([key, one]) => words[key] === one));
  if (at >= 0) model.rules.splice(at, 1);
  else if (rule["priority"] !== undefined) model.rules.push({ line: args.line, words: { ...rule, state: "absent" } });
  else throw new NotUnderstood(args.line, "which rule is deleted depends on what is there", "write its priority");
}

/** `10/20,3`: members and their weights. */
const group: Reader = (args, into) => {
  const line = args.lineAhead;
  into["group"] = args
    .take("the members of a group")
    .split("/")
    .map((text) => {
      const [id = "", weight] = text.split(",");
      const member = { id: valueFor(integer(1, 0xffff_ffff), id, line, "group") };
      return weight === undefined ? member : { ...member, weight: valueFor(integer(1, 65_536), weight, line, "group") };
    });
};
const nexthopWords: Table = {
  id: value("id", nexthopShapes.id),
  via: (args, into) => {
    args.accept("inet", "inet6");
    into["via"] = valueFor(address, args.take("a gateway"), args.line, "via");
  },
  dev: value("dev", linkName),
  onlink: says("onlink", true),
  blackhole: says("blackhole", true),
  fdb: says("fdb", true),
  group,
  type: value("type", nexthopShapes.type),
  buckets: value("buckets", nexthopShapes.buckets),
  idle_timer: value("idleTimer", nexthopShapes.idleTimer),
  unbalanced_timer: value("unbalancedTimer", nexthopShapes.unbalancedTimer),
  proto: value("protocol", nexthopShapes.protocol),
};

/** `ip nexthop …`; `wide` where -6 was said. */
export function ipNexthop(args: Args, model: HostModel, wide: boolean): void {
  const word = args.done ? "show" : args.take("a verb");
  const verb = abbreviated(word, ["add", "replace", "delete", "list", "lst", "show", "get", "flush", "bucket"]);
  if (verb !== undefined && SHOWS.includes(verb)) {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  if (verb !== "add" && verb !== "replace" && verb !== "delete")
    throw new NotUnderstood(args.line, `ip nexthop ${shownWord(word)} is not understood`);
  const nexthop: Bag = {};
  readAll(args, nexthopWords, nexthop);
  delete nexthop["protocol"];
  if (nexthop["id"] === undefined)
    throw new NotUnderstood(args.line, "the nexthop has no id", "write id and a number, which a document needs");
  if (wide && nexthop["via"] === undefined && nexthop["group"] === undefined) nexthop["family"] = "inet6";
  model.use(nexthop["dev"], args.line, "entry");
  const at = model.nexthops.findIndex(({ words }) => words["id"] === nexthop["id"]);
  if (at >= 0) model.nexthops.splice(at, 1);
  if (verb !== "delete") model.nexthops.push({ line: args.line, words: nexthop });
  else if (at < 0) model.nexthops.push({ line: args.line, words: { id: nexthop["id"], state: "absent" } });
  model.lose(LOST, args.line);
}
