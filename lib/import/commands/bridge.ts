/** `bridge`, and the old `brctl`. Source: bridge(8), brctl(8). */

import { kindNamed } from "../../links/kinds/index.ts";
import type { Options } from "../../links/option.ts";
import { fdbShapes } from "../../neighbors/entry.ts";
import { ZERO_MAC } from "../../neighbors/zero-mac.ts";
import { address, integer, linkName, mac } from "../../shape/shape.ts";
import {
  type Args,
  abbreviated,
  flag,
  NotUnderstood,
  readWords,
  says,
  shownWord,
  type Table,
  value,
  valueFor,
} from "../grammar.ts";
import { portTable, takeName } from "../kind-words.ts";
import type { Bag, HostModel } from "../model.ts";
import { bridgeTable } from "./bridge-tables.ts";
import { deleteLink } from "./ip-link.ts";

const LOST = "links, addresses and routes";
const OBJECTS = ["link", "fdb", "mdb", "mst", "vlan", "vni", "monitor"];
const VERBS = ["add", "append", "replace", "delete", "set", "show", "list", "lst", "get", "flush", "change"];

const entryWords: Table = {
  dev: value("dev", linkName),
  dst: value("dst", address),
  vlan: value("vlan", fdbShapes.vlan),
  port: value("port", fdbShapes.port),
  dstport: value("port", fdbShapes.port),
  vni: value("vni", fdbShapes.vni),
  src_vni: value("srcVni", fdbShapes.srcVni),
  via: value("via", linkName),
  nhid: value("nhid", fdbShapes.nhid),
  self: says("self", true),
  master: says("master", true),
  local: says("state", "permanent"),
  permanent: says("state", "permanent"),
  static: says("state", "static"),
  temp: says("state", "static"),
  dynamic: says("state", "dynamic"),
  router: says("router", true),
  use: says("use", true),
  extern_learn: says("externLearn", true),
  sticky: says("sticky", true),
  activity_notify: says("activityNotify", true),
  inactive: says("inactive", true),
};

function readEntry(args: Args): Bag {
  const entry: Bag = {};
  while (!args.done) {
    readWords(args, entryWords, entry);
    if (args.accept("to", "lladdr") || (!args.done && entry["mac"] === undefined))
      entry["mac"] = valueFor(mac, args.take("a MAC address"), args.line, "to");
    else args.end();
  }
  if (typeof entry["dev"] !== "string" || entry["mac"] === undefined)
    throw new NotUnderstood(args.line, "an entry has a MAC address and a dev");
  if (entry["state"] === "permanent") delete entry["state"];
  if (entry["self"] === true && entry["master"] === undefined) delete entry["self"];
  return entry;
}

function fdb(args: Args, model: HostModel, verb: string): void {
  const { dev, ...entry } = readEntry(args);
  const name = String(dev);
  const { fdb: list } = model.link(name, args.line);
  const at = list.findIndex(
    ({ words }) => words["mac"] === entry["mac"] && (entry["mac"] !== ZERO_MAC || words["dst"] === entry["dst"]),
  );
  if (at >= 0) list.splice(at, 1);
  if (verb === "delete") {
    if (at < 0) list.push({ line: args.line, words: { ...entry, state: "absent" } });
    return;
  }
  if (verb === "replace" && entry["mac"] === ZERO_MAC)
    model.findings.say(
      "error",
      args.line,
      "the kernel replaces no all-zero entry",
      "write bridge fdb append; it is taken as that here",
    );
  list.push({ line: args.line, words: entry });
  model.lose(LOST, args.line);
}

function link(args: Args, model: HostModel): void {
  let name: string | undefined;
  const options: Bag = {};
  const words = { ...portTable(), self: () => undefined, master: () => undefined };
  while (!args.done) {
    readWords(args, words, options);
    if (args.accept("dev")) name = takeName(args);
    else if (!args.done && name === undefined) name = takeName(args);
    else args.end();
  }
  if (name === undefined) throw new NotUnderstood(args.line, "dev is missing");
  Object.assign(model.link(name, args.line).port, options);
  model.lose(LOST, args.line);
}

/** `bridge …` */
export function bridge(args: Args, model: HostModel): void {
  while (/^-/.test(args.ahead)) args.take("an option");
  const object = args.done ? undefined : abbreviated(args.take("an object"), OBJECTS);
  const verb = args.done ? "show" : abbreviated(args.take("a verb"), VERBS);
  if (verb === "show" || verb === "list" || verb === "lst" || verb === "get" || object === "monitor") {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  if (object === "fdb" && verb !== undefined && ["add", "append", "replace", "delete"].includes(verb)) {
    fdb(args, model, verb);
    return;
  }
  if (object === "link" && verb === "set") {
    link(args, model);
    return;
  }
  if (object === "vlan" || object === "vni" || object === "mdb") {
    bridgeTable(args, model, object, verb ?? "");
    return;
  }
  throw new NotUnderstood(
    args.line,
    `bridge ${object ?? ""} ${verb ?? ""}`.trimEnd().concat(" is not understood"),
    "a document cannot say it, or says it otherwise",
  );
}

const times: Readonly<Record<string, string>> = {
  setageing: "ageing",
  setageingtime: "ageing",
  setfd: "forwardDelay",
  sethello: "hello",
  setmaxage: "maxAge",
};

function bridgeOption(args: Args, model: HostModel, key: string): void {
  const name = takeName(args);
  const shape = (kindNamed("bridge")?.options as Options | undefined)?.[key]?.shape;
  const text = args.take("a value");
  if (shape === undefined || !/^\d+(\.\d+)?$/.test(text) || !shape.accepts(Number(text)))
    throw new NotUnderstood(args.line, `expected ${shape?.expected}, got ${shownWord(text)}`);
  model.link(name, args.line).options[key] = Number(text);
}

function portOption(args: Args, model: HostModel, key: string): void {
  takeName(args);
  const port = model.link(takeName(args), args.line).port;
  if (key === "hairpin") flag(key)(args, port, key);
  else port[key] = valueFor(integer(0, 65_535), args.take("a value"), args.line, key);
}

/** `brctl …` */
export function brctl(args: Args, model: HostModel): void {
  const verb = args.done ? "show" : args.take("a verb");
  if (["show", "showmacs", "showstp", "--version", "--help"].includes(verb)) {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  if (verb === "addbr") model.make(takeName(args), "bridge", args.line, {});
  else if (verb === "delbr") deleteLink(model, takeName(args), args.line);
  else if (verb === "addif" || verb === "delif") ports(args, model, verb);
  else if (verb === "stp") flagWord(args, model);
  else if (verb === "setbridgeprio") bridgeOption(args, model, "priority");
  else if (Object.hasOwn(times, verb)) bridgeOption(args, model, times[verb] ?? "");
  else if (verb === "setpathcost") portOption(args, model, "cost");
  else if (verb === "setportprio") portOption(args, model, "priority");
  else if (verb === "hairpin") portOption(args, model, "hairpin");
  else throw new NotUnderstood(args.line, `brctl ${shownWord(verb)} is not understood`);
  args.end();
  model.lose(LOST, args.line);
}

function ports(args: Args, model: HostModel, verb: string): void {
  const name = takeName(args);
  if (args.done) throw new NotUnderstood(args.line, "the name of a port is missing");
  while (!args.done) {
    const { options } = model.link(takeName(args), args.line);
    if (verb === "addif") options["master"] = name;
    else delete options["master"];
    model.use(name, args.line, "master");
  }
}

function flagWord(args: Args, model: HostModel): void {
  const name = takeName(args);
  const word = args.take("on or off");
  if (!["on", "off", "yes", "no", "1", "0"].includes(word))
    throw new NotUnderstood(args.line, `expected on or off, got ${shownWord(word)}`);
  model.link(name, args.line).options["stp"] = ["on", "yes", "1"].includes(word);
}
