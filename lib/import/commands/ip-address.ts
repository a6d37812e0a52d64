/** `ip address`. Source: ip-address(8). */
import { addressShapes } from "../../addresses/words.ts";
import { integer, interfaceAddress, linkName } from "../../shape/shape.ts";
import {
  type Args,
  abbreviated,
  NotUnderstood,
  type Reader,
  readWords,
  says,
  shownWord,
  type Table,
  value,
  valueFor,
} from "../grammar.ts";
import type { Bag, HostModel } from "../model.ts";

const WORDS = ["add", "change", "chg", "replace", "delete", "show", "lst", "list", "flush", "save", "restore"];
const LOST = "links, addresses and routes";

const lifetime =
  (key: string): Reader =>
  (args, into) => {
    const line = args.lineAhead;
    const text = args.take("seconds, or forever");
    into[key] = valueFor(addressShapes.validLifetime, text.replace(/sec$/, ""), line, key);
  };
const FLAGS = ["home", "mngtmpaddr", "nodad", "optimistic", "noprefixroute", "autojoin"];

const words: Table = {
  dev: value("dev", linkName),
  broadcast: value("broadcast", addressShapes.broadcast),
  brd: value("broadcast", addressShapes.broadcast),
  peer: value("peer", addressShapes.peer),
  remote: value("peer", addressShapes.peer),
  anycast: value("anycast", addressShapes.anycast),
  label: value("label", addressShapes.label),
  scope: value("scope", addressShapes.scope),
  metric: value("metric", integer(0, 0xffff_ffff)),
  priority: value("metric", integer(0, 0xffff_ffff)),
  preference: value("metric", integer(0, 0xffff_ffff)),
  valid_lft: lifetime("validLifetime"),
  preferred_lft: lifetime("preferredLifetime"),
  ...Object.fromEntries(FLAGS.map((key) => [key, says(key, true)])),
};

/** `192.0.2.1` alone is the one address: /32. */
function withLength(text: string, line: number): string {
  const whole = text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`;
  if (interfaceAddress.accepts(whole)) return whole;
  throw new NotUnderstood(line, `expected an address such as 192.0.2.1/24, got ${shownWord(text)}`);
}

/** The last address of an IPv4 prefix. */
function lastOf(address: string, length: number): string {
  const number = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const last = (number | (length === 0 ? 0xffff_ffff : 2 ** (32 - length) - 1)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join(".");
}

function read(args: Args): Bag {
  const entry: Bag = {};
  while (!args.done) {
    readWords(args, words, entry);
    if (args.accept("local")) entry["address"] = args.take("an address");
    else if (!args.done && entry["address"] === undefined) entry["address"] = args.take("an address");
    else args.end();
  }
  if (typeof entry["dev"] !== "string")
    throw new NotUnderstood(args.line, "dev is missing", "write dev and the name of the link");
  if (entry["address"] === undefined) throw new NotUnderstood(args.line, "the address is missing");
  const [far, length] = String(entry["peer"] ?? "").split("/");
  // The length may stand with the far end.
  const whole = length === undefined ? String(entry["address"]) : `${String(entry["address"]).split("/")[0]}/${length}`;
  entry["address"] = withLength(whole, args.line);
  if (far !== "") entry["peer"] = far;
  // The last address is that of the prefix, and the prefix that of the far end.
  if (far !== undefined && far !== "" && entry["broadcast"] === "+")
    entry["broadcast"] = lastOf(far, Number(length ?? whole.split("/")[1]));
  // Without brd, ip sets no broadcast address.
  return entry;
}

function add(args: Args, model: HostModel): void {
  const { dev, ...entry } = read(args);
  const { addresses } = model.link(String(dev), args.line);
  const same = addresses.findIndex((one) => one.words["address"] === entry["address"]);
  if (same >= 0) {
    model.findings.say(
      "warning",
      args.line,
      `${entry["address"]} is on ${dev} since line ${addresses[same]?.line}`,
      "keep one",
    );
    addresses.splice(same, 1);
  }
  addresses.push({ line: args.line, words: entry });
  model.lose(LOST, args.line);
}

function remove(args: Args, model: HostModel): void {
  const { dev, address } = read(args);
  const { addresses } = model.link(String(dev), args.line);
  const at = addresses.findIndex(({ words: one }) => one["address"] === address);
  if (at >= 0) addresses.splice(at, 1);
  else addresses.push({ line: args.line, words: { address, state: "absent" } });
}

function flush(args: Args, model: HostModel): void {
  const bag: Bag = {};
  while (!args.done) {
    readWords(args, { dev: words["dev"] as Reader, scope: words["scope"] as Reader }, bag);
    if (!args.done && bag["dev"] === undefined) bag["dev"] = args.take("the name of a link");
    else args.end();
  }
  const link = model.links.get(String(bag["dev"]));
  link?.addresses.splice(0);
  model.findings.say(
    "note",
    args.line,
    `addresses that ${String(bag["dev"])} has before are taken away here, and left alone by a document`,
  );
}

/** `ip address …` */
export function ipAddress(args: Args, model: HostModel): void {
  const verb = args.done ? "show" : abbreviated(args.take("a verb"), WORDS);
  if (verb === "add" || verb === "change" || verb === "chg" || verb === "replace") {
    add(args, model);
    return;
  }
  if (verb === "delete") {
    remove(args, model);
    return;
  }
  if (verb === "flush") {
    flush(args, model);
    return;
  }
  if (verb === "save" || verb === "restore" || verb === undefined)
    throw new NotUnderstood(args.line, "this verb of ip address is not understood");
  model.findings.say("note", args.line, "only shows; there is nothing to import");
}
