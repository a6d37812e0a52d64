/** `ip link`, and `ip tuntap`. Source: ip-link(8), ip-tuntap(8). */
import { linkKinds } from "../../links/kinds/index.ts";
import { integer, linkName } from "../../shape/shape.ts";
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
import { commonTable, kindTable, portTable, takeName } from "../kind-words.ts";
import type { Bag, HostModel, LinkModel } from "../model.ts";

const LOST = "links, addresses and routes";
const WORDS = ["add", "set", "change", "replace", "delete", "show", "list", "lst", "property"];
const PORTS = ["bridge_slave", "bond_slave"];

function kindTables(kind: string, line: number): Table {
  const table = kindTable(kind);
  if (table !== undefined) return table;
  throw new NotUnderstood(
    line,
    `links of kind ${shownWord(kind)} are not known here; known are ${Object.keys(linkKinds).join(", ")}`,
  );
}

/** Which link is below: before the name, as VLANs have it. */
const below: Table = { link: value("dev", linkName) };

/** The alternative names of iproute2 for kinds. */
const ALIASES: Readonly<Record<string, string>> = { ip6ip6: "ip6tnl", "6in4": "sit" };

function add(args: Args, model: HostModel): void {
  const options: Bag = {};
  const words: Table = {
    ...commonTable(),
    ...below,
    name: value("name", linkName),
    dev: value("name", linkName),
    up: says("up", true),
    down: says("up", false),
    index: value("index", integer(1, 0x7fff_ffff)),
    netns: value("netns", linkName),
  };
  let kind: string | undefined;
  while (!args.done && kind === undefined) {
    readWords(args, words, options);
    if (args.accept("type")) kind = args.take("the kind of link");
    else if (!args.done && options["name"] === undefined) options["name"] = takeName(args);
    else args.end();
  }
  if (kind === undefined) throw new NotUnderstood(args.line, "the kind of link is missing", "write type KIND");
  kind = ALIASES[kind] ?? kind;
  const table = kindTables(kind, args.line);
  // What is below stands before the kind, or after it.
  while (!args.done) {
    const before = args.lineAhead;
    readWords(args, table, options);
    if (args.accept("name")) options["name"] = takeName(args);
    else if (!args.done) throw notInKind(args, kind, before);
  }
  finishAdd(args.line, model, kind, options);
}

function notInKind(args: Args, kind: string, line: number): NotUnderstood {
  return new NotUnderstood(line, `${shownWord(args.ahead)} is not understood among the options of a ${kind}`);
}

function finishAdd(line: number, model: HostModel, kind: string, all: Bag): void {
  const { name, up, netns, index, ...options } = all;
  if (typeof name !== "string") throw new NotUnderstood(line, "the link has no name", "write its name after add");
  if (index !== undefined)
    model.findings.say("note", line, "the number of a link is the kernel's to choose; index is left out");
  const made = model.make(name, kind, line, options);
  if (typeof up === "boolean") made.up = up;
  model.lose(LOST, line);
  for (const key of ["dev", "master"]) model.use(options[key], line, key as "dev");
  const { peer } = options as { readonly peer?: { readonly name?: string; readonly netns?: string } };
  if (peer?.name !== undefined && peer.netns === undefined) farEnd(model, made, peer.name, line);
  if (netns !== undefined) moveAway(model, made, String(netns), line);
}

/** The far end of a cable is there with the near one: described, and not made again. */
function farEnd(model: HostModel, near: LinkModel, name: string, line: number): void {
  const far = model.link(name, line);
  far.madeBy = near.name;
}

function moveAway(model: HostModel, link: LinkModel, netns: string, line: number): void {
  model.findings.say(
    "warning",
    line,
    `${link.name} moves into namespace ${netns}; a document is for one namespace`,
    `it is left out; describe it in a document of its own for apply --netns ${netns}`,
  );
  link.deleted = line;
  link.moved = true;
}

const SET: Table = {
  up: says("up", true),
  down: says("up", false),
  nomaster: says("master", null),
  vrf: value("master", linkName),
  master: value("master", linkName),
  name: value("name", linkName),
  netns: value("netns", linkName),
  arp: flag("arp"),
};

function set(args: Args, model: HostModel): void {
  const changes: Bag = {};
  const words = { ...commonTable(), ...SET };
  if (args.accept("group"))
    throw new NotUnderstood(args.line, "a change of a whole group is not understood", "name the links");
  let name: string | undefined;
  while (!args.done) {
    readWords(args, words, changes);
    if (args.accept("type")) ofKind(args, model, name);
    else if (args.accept("dev")) name = takeName(args);
    else if (!args.done && name === undefined) name = takeName(args);
    else args.end();
  }
  if (name === undefined) throw new NotUnderstood(args.line, "the name of a link is missing");
  change(model, name, changes, args.line);
}

function ofKind(args: Args, model: HostModel, name: string | undefined): void {
  const line = args.lineAhead;
  const kind = args.take("the kind of link");
  if (name === undefined) throw new NotUnderstood(line, "the name of a link is missing");
  const link = model.link(name, line);
  const isPort = PORTS.includes(kind);
  readWords(args, isPort ? portTable() : kindTables(kind, line), isPort ? link.port : link.options);
  if (!args.done) throw notInKind(args, kind, args.lineAhead);
}

function change(model: HostModel, name: string, changes: Bag, line: number): void {
  const { up, name: renamed, netns, master, ...options } = changes;
  const link = model.link(name, line);
  Object.assign(link.options, options);
  if (typeof up === "boolean") link.up = up;
  if (master === null) delete link.options["master"];
  else if (master !== undefined) link.options["master"] = master;
  model.use(master, line, "master");
  model.lose(LOST, line);
  if (netns !== undefined) moveAway(model, link, String(netns), line);
  if (typeof renamed === "string") rename(model, link, renamed, line);
}

function rename(model: HostModel, link: LinkModel, name: string, line: number): void {
  model.links.delete(link.name);
  model.links.set(name, { ...link, name });
  if (link.kind === undefined)
    model.findings.say(
      "warning",
      line,
      `${link.name} is renamed to ${name}; a document gives no names to links that are there`,
      "rename it by a udev rule or a .link file",
    );
}

function remove(args: Args, model: HostModel): void {
  const name = takeName(args, "dev");
  if (args.accept("type")) args.take("the kind of link");
  args.end();
  deleteLink(model, name, args.line);
}

/** Notes that a link goes. */
export function deleteLink(model: HostModel, name: string, line: number): void {
  const link = model.links.get(name);
  if (link?.kind === undefined) {
    model.findings.say(
      "note",
      line,
      `${name} is deleted, and no line before makes it`,
      `write links: { ${name}: { kind: …, state: absent } } if it may be there`,
    );
    return;
  }
  link.deleted = line;
}

function property(args: Args, model: HostModel): void {
  const verb = args.take("add or del");
  const names: string[] = [];
  let name: string | undefined;
  while (!args.done) {
    if (args.accept("altname")) names.push(args.take("an alternative name"));
    else name = takeName(args, "dev");
  }
  if (name === undefined || !["add", "a"].includes(verb))
    throw new NotUnderstood(args.line, "only ip link property add dev NAME altname … is understood");
  const link = model.link(name, args.line);
  link.options["altnames"] = [...((link.options["altnames"] as string[] | undefined) ?? []), ...names];
  model.lose(LOST, args.line);
}

/** `ip link …` */
export function ipLink(args: Args, model: HostModel): void {
  const verb = args.done ? "show" : abbreviated(args.take("a verb"), WORDS);
  if (verb === "add") {
    add(args, model);
    return;
  }
  if (verb === "set" || verb === "change" || verb === "replace") {
    set(args, model);
    return;
  }
  if (verb === "delete") {
    remove(args, model);
    return;
  }
  if (verb === "property") {
    property(args, model);
    return;
  }
  if (verb === undefined) throw new NotUnderstood(args.line, "this verb of ip link is not understood");
  model.findings.say("note", args.line, "only shows; there is nothing to import");
}

/** `ip tuntap add …` */
export function ipTuntap(args: Args, model: HostModel): void {
  const verb = abbreviated(args.done ? "show" : args.take("a verb"), ["add", "delete", "show", "list"]);
  if (verb === "show" || verb === "list") {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  const options: Bag = {};
  const table: Table = {
    mode: value("mode", {
      expected: "tun or tap",
      json: {},
      accepts: (one): one is string => one === "tun" || one === "tap",
    }),
    user: value("owner", integer(0, 0xffff_fffe)),
    group: value("ownerGroup", integer(0, 0xffff_fffe)),
    pi: flag("pi"),
    vnet_hdr: flag("vnetHdr"),
    multi_queue: flag("multiQueue"),
    one_queue: () => undefined,
    name: value("name", linkName),
    dev: value("name", linkName),
  };
  while (!args.done) {
    readWords(args, table, options);
    if (!args.done && options["name"] === undefined)
      options["name"] = valueFor(linkName, args.take("a name"), args.line, "name");
    else args.end();
  }
  const { name, ...rest } = options;
  if (typeof name !== "string") throw new NotUnderstood(args.line, "the name of the link is missing");
  if (verb === "delete") deleteLink(model, name, args.line);
  else {
    model.make(name, "tun", args.line, rest);
    model.lose(LOST, args.line);
  }
}
