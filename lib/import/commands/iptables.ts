/** `iptables` and `ip6tables`. Source: iptables(8), iptables-extensions(8). */
import { type FirewallRule, sayingOf } from "../firewall.ts";
import { type Args, NotUnderstood, shownWord } from "../grammar.ts";
import type { HostModel } from "../model.ts";

type Mutable = { -readonly [K in keyof FirewallRule]: FirewallRule[K] } & { more: string[] };

/** Long spellings. */
const LONG: Readonly<Record<string, string>> = {
  "--table": "-t",
  "--append": "-A",
  "--insert": "-I",
  "--delete": "-D",
  "--check": "-C",
  "--policy": "-P",
  "--flush": "-F",
  "--list": "-L",
  "--list-rules": "-S",
  "--source": "-s",
  "--src": "-s",
  "--destination": "-d",
  "--dst": "-d",
  "--in-interface": "-i",
  "--out-interface": "-o",
  "--protocol": "-p",
  "--jump": "-j",
  "--match": "-m",
  "--ctstate": "--state",
  "--new-chain": "-N",
  "--delete-chain": "-X",
  "--zero": "-Z",
};
/** Modules whose words are understood, or which change nothing. */
const MODULES = ["state", "conntrack", "comment", "tcp"];

function readRule(args: Args, hook: string): FirewallRule {
  const rule: Mutable = { hook, action: "other", more: [] };
  let not = "";
  while (!args.done) {
    const word = LONG[args.ahead] ?? args.ahead;
    const written = args.take("a word");
    if (written === "!") {
      not = "! ";
      continue;
    }
    const said = take(args, word, rule, not !== "");
    if (!said) {
      rule.more.push(`${not}${written}`);
      while (!args.done && !args.ahead.startsWith("-") && args.ahead !== "!") rule.more.push(args.take("a word"));
    }
    not = "";
  }
  return rule;
}

/** Whether a word is one that rules of a document have. */
function take(args: Args, word: string, rule: Mutable, not: boolean): boolean {
  if (not) return false;
  switch (word) {
    case "-s":
      rule.saddr = args.take("a network");
      return true;
    case "-i":
      rule.in = args.take("a link");
      return true;
    case "-o":
      rule.out = args.take("a link");
      return true;
    case "-m":
      if (!MODULES.includes(args.ahead)) return false;
      args.take("a module");
      return true;
    case "--comment":
      args.take("a comment");
      return true;
    case "--state":
      rule.states = args
        .take("states")
        .split(",")
        .map((state) => state.toLowerCase());
      return true;
    case "-p":
      if (args.ahead !== "tcp") return false;
      args.take("a protocol");
      rule.handshakes ??= false;
      return true;
    case "--tcp-flags":
      return handshakes(args, rule);
    case "--syn":
      rule.handshakes = true;
      return true;
    case "-j":
      return target(args, rule);
    case "--clamp-mss-to-pmtu":
      rule.action = "clamp";
      return true;
    default:
      return false;
  }
}

function handshakes(args: Args, rule: Mutable): boolean {
  const [of, set] = [args.take("flags"), args.take("flags")];
  rule.handshakes = of.split(",").sort().join() === "RST,SYN" && set === "SYN";
  if (!rule.handshakes) rule.more.push("--tcp-flags", of, set);
  return true;
}

const TARGETS: Readonly<Record<string, FirewallRule["action"]>> = {
  MASQUERADE: "masquerade",
  ACCEPT: "accept",
  DROP: "drop",
  TCPMSS: "other",
};
function target(args: Args, rule: Mutable): boolean {
  const action = Object.hasOwn(TARGETS, args.ahead) ? TARGETS[args.ahead] : undefined;
  if (action === undefined) return false;
  args.take("a target");
  rule.action = action;
  return true;
}

/** A protocol alone narrows a rule more than a document can. */
function whole(rule: FirewallRule): FirewallRule {
  const { handshakes: some, ...rest } = rule;
  if (some === undefined || rule.action === "clamp") return rest;
  return { ...rest, more: [...rule.more, "-p", "tcp"] };
}

/** Puts a rule into the model, or tells why it cannot be said. */
export function addRule(model: HostModel, rule: FirewallRule, line: number, first = false): void {
  const saying = sayingOf(rule);
  if (saying.section === "none") {
    model.findings.say(
      "warning",
      line,
      `this rule is left out: ${saying.reason}`,
      saying.fix ?? "keep it where it is; other tables are left alone",
    );
    return;
  }
  model.lose("firewall rules", line);
  for (const name of [rule.in, rule.out]) model.use(name, line, "rule");
  if (saying.section === "clamp") {
    const { section: _, ...ends } = saying;
    model.clamps.push({ line, ...ends });
    return;
  }
  const list = model[saying.section];
  const text = JSON.stringify(saying.words);
  const before = list.find(({ words }) => JSON.stringify(words) === text);
  if (before !== undefined) {
    model.findings.say("note", line, `says the same as line ${before.line}`, "one of them is enough");
    return;
  }
  list.splice(first ? 0 : list.length, 0, { line, words: saying.words });
}

function removeRule(model: HostModel, rule: FirewallRule, line: number): void {
  const saying = sayingOf(rule);
  if (saying.section !== "nat" && saying.section !== "forward") return;
  const list = model[saying.section];
  const text = JSON.stringify(saying.words);
  const at = list.findIndex(({ words }) => JSON.stringify(words) === text);
  if (at >= 0) list.splice(at, 1);
  else model.findings.say("note", line, "no line before makes the rule that is deleted here");
}

function policy(args: Args, model: HostModel): void {
  const chain = args.take("a chain");
  const word = args.take("a policy");
  if (word === "ACCEPT") {
    model.findings.say("note", args.line, `policy ${word} is what ${chain} has by itself`);
    return;
  }
  model.findings.say(
    "warning",
    args.line,
    `policy ${word} of ${chain} cannot be said in a document, and drops what the document accepts, too`,
    "keep the rules of iptables beside it, or leave the policy at ACCEPT",
  );
}

function flush(model: HostModel, table: string, line: number): void {
  if (table === "nat") model.nat.splice(0);
  if (table === "filter") model.forward.splice(0);
  model.findings.say("note", line, "rules of others are taken away here, and left alone by a document");
}

/** `iptables …` and its like. */
export function iptables(args: Args, model: HostModel): void {
  let table = "filter";
  while (!args.done) {
    const written = args.take("an option");
    const word = LONG[written] ?? written;
    if (word === "-t") table = args.take("a table");
    else if (word === "-w" || word === "--wait") args.accept("1", "2", "5", "10", "30", "60");
    else if (["-v", "-n", "-4", "-6", "--verbose"].includes(word)) continue;
    else {
      command(args, model, word, table);
      return;
    }
  }
}

function command(args: Args, model: HostModel, word: string, table: string): void {
  if (word === "-P") {
    policy(args, model);
    return;
  }
  if (word === "-F") {
    flush(model, table, args.line);
    return;
  }
  if (["-L", "-S", "-C", "-Z", "-nL", "-nvL", "-vnL", "-Ln", "-V", "--version", "-h"].includes(word)) {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  if (word !== "-A" && word !== "-I" && word !== "-D")
    throw new NotUnderstood(args.line, `iptables ${shownWord(word)} is not understood`);
  const chain = args.take("a chain");
  if (/^\d+$/.test(args.ahead)) args.take("a number");
  const hooks = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
  const read = whole(readRule(args, hooks.includes(chain) ? chain.toLowerCase() : chain));
  const elsewhere = read.action === "accept" && table !== "filter";
  const rule = elsewhere ? { ...read, more: [...read.more, `-t ${table}`] } : read;
  if (word === "-D") removeRule(model, rule, args.line);
  else addRule(model, rule, args.line, word === "-I");
}
