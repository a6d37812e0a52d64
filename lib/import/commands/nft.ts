/** `nft`: rules that iptables could say too. Source: nft(8). */
import type { FirewallRule } from "../firewall.ts";
import { type Args, NotUnderstood, shownWord } from "../grammar.ts";
import type { HereDocument, Word } from "../lexer.ts";
import type { HostModel } from "../model.ts";
import { addRule } from "./iptables.ts";
import { attempt } from "./sysctl.ts";

interface Token {
  readonly text: string;
  readonly line: number;
}
type Mutable = { -readonly [K in keyof FirewallRule]: FirewallRule[K] } & { more: string[] };

const FAMILIES = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
const VERDICTS: Readonly<Record<string, FirewallRule["action"]>> = {
  accept: "accept",
  drop: "drop",
  masquerade: "masquerade",
};

/** nft's own words: names, quotes, braces, separators. Comments end with the line. */
function tokens(lines: readonly Token[]): Token[] {
  return lines.flatMap(({ text, line }) =>
    (text.replace(/(^|\s)#.*$/, "").match(/"[^"]*"?|[{};()|&,]|[!=<>]=?|[^\s{};()|&,"!=<>]+/g) ?? []).map((one) => ({
      text: one.replace(/^"|"$/g, ""),
      line,
    })),
  );
}

/** Reads a ruleset, or commands of nft. */
class Ruleset {
  readonly #model: HostModel;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Hooks by `family table chain`. */
  readonly #hooks: Map<string, string>;

  constructor(model: HostModel, all: readonly Token[], hooks: Map<string, string>) {
    this.#model = model;
    this.#tokens = all;
    this.#hooks = hooks;
  }

  get #ahead(): string {
    return this.#tokens[this.#at]?.text ?? "";
  }
  get #line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
  }
  get #done(): boolean {
    return this.#at >= this.#tokens.length;
  }
  #next(): string {
    const text = this.#ahead;
    this.#at++;
    return text;
  }
  #accept(...words: readonly string[]): boolean {
    const found = !this.#done && words.includes(this.#ahead);
    if (found) this.#at++;
    return found;
  }

  commands(): void {
    while (!this.#done) {
      if (this.#accept(";")) continue;
      attempt(this.#model, this.#line, () => this.#command());
    }
  }

  /** To the end of a statement, also over what stands in braces. */
  #skip(): void {
    let depth = 0;
    while (!this.#done) {
      const text = this.#next();
      if (text === "{") depth++;
      if (text === "}" && --depth <= 0) return;
      if (text === ";" && depth === 0) return;
    }
  }

  #command(): void {
    const line = this.#line;
    const first = this.#next();
    const verb = ["add", "create", "insert", "delete", "flush", "list", "destroy"].includes(first) ? first : "add";
    const object = verb === first ? this.#next() : first;
    if (verb === "list") {
      this.#skip();
      this.#model.findings.say("note", line, "only shows; there is nothing to import");
      return;
    }
    if (verb === "delete" || verb === "destroy" || verb === "flush") {
      this.#skip();
      throw new NotUnderstood(
        line,
        `nft ${verb} ${shownWord(object)} is not understood`,
        "a document leaves tables of others alone",
      );
    }
    const family = FAMILIES.includes(this.#ahead) ? this.#next() : "ip";
    if (object === "table") this.#table(family);
    else if (object === "chain") this.#chain(family, this.#next(), this.#next());
    else if (object === "rule") this.#rule(family, this.#next(), this.#next(), verb === "insert");
    else {
      this.#skip();
      throw new NotUnderstood(line, `nft ${verb} ${shownWord(object)} is not understood`);
    }
  }

  #table(family: string): void {
    const name = this.#next();
    if (!this.#accept("{")) return;
    while (!this.#done && !this.#accept("}")) {
      if (this.#accept(";")) continue;
      const line = this.#line;
      if (this.#accept("chain")) this.#chain(family, name, this.#next());
      else {
        const what = this.#ahead;
        this.#skip();
        this.#model.findings.say("warning", line, `${shownWord(what)} in a table is not understood`);
      }
    }
  }

  #chain(family: string, table: string, name: string): void {
    if (!this.#accept("{")) return;
    while (!this.#done && !this.#accept("}")) {
      if (this.#accept(";")) continue;
      if (this.#accept("type")) this.#base(`${family} ${table} ${name}`);
      else if (this.#accept("policy")) this.#policy(name);
      else attempt(this.#model, this.#line, () => this.#rule(family, table, name, false));
    }
  }

  #base(chain: string): void {
    while (!this.#done && this.#ahead !== ";" && this.#ahead !== "}") {
      if (this.#accept("hook")) this.#hooks.set(chain, this.#next());
      else this.#at++;
    }
  }

  #policy(chain: string): void {
    const line = this.#line;
    const word = this.#next();
    if (word === "drop")
      this.#model.findings.say(
        "warning",
        line,
        `policy drop of chain ${chain} cannot be said in a document, and drops what the document accepts, too`,
        "keep the chain, and accept there too",
      );
  }

  /** The tokens of one rule; on a line of its own where it stands in a chain. */
  #rule(family: string, table: string, chain: string, first: boolean): void {
    const line = this.#line;
    const known = this.#hooks.get(`${family} ${table} ${chain}`);
    const guessed = ["postrouting", "forward", "prerouting", "input", "output"].find(
      (hook) => hook === chain.toLowerCase(),
    );
    const hook = known ?? guessed;
    const rule: Mutable = { ...(hook !== undefined && { hook }), action: "other", more: [] };
    if (!["ip", "ip6", "inet"].includes(family)) rule.more.push(`family ${family}`);
    let depth = 0;
    while (!this.#done && this.#ahead !== ";" && !(this.#ahead === "}" && depth === 0)) {
      if (this.#line !== line && depth === 0 && this.#tokens[this.#at - 1]?.text !== "\\") break;
      if (this.#word(rule)) continue;
      const text = this.#next();
      if (text === "{") depth++;
      if (text === "}") depth--;
      rule.more.push(text);
    }
    addRule(this.#model, narrowed(rule), line, first);
  }

  #word(rule: Mutable): boolean {
    if (this.#accept("counter")) {
      while (this.#accept("packets", "bytes")) this.#at++;
      return true;
    }
    if (this.#accept("comment")) return this.#at++ >= 0;
    if (this.#accept("meta")) return true;
    if (this.#accept("iifname", "iif")) return this.#name(rule, "in");
    if (this.#accept("oifname", "oif")) return this.#name(rule, "out");
    if (this.#follows("ip", "saddr") || this.#follows("ip6", "saddr")) {
      if (this.#ahead === "!=" || this.#ahead === "{") return false;
      rule.saddr = this.#next();
      return true;
    }
    if (this.#follows("ct", "state")) {
      this.#accept("{");
      rule.states = this.#list();
      this.#accept("}");
      return true;
    }
    if (this.#follows("l4proto", "tcp") || this.#follows("nfproto", "ipv4")) return true;
    if (this.#follows("tcp", "flags")) return this.#flags(rule);
    if (this.#follows("tcp", "option", "maxseg", "size", "set", "rt", "mtu")) {
      rule.action = "clamp";
      return true;
    }
    const verdict = Object.hasOwn(VERDICTS, this.#ahead) ? VERDICTS[this.#ahead] : undefined;
    if (verdict === undefined) return false;
    this.#at++;
    rule.action = verdict;
    return true;
  }

  #follows(...words: readonly string[]): boolean {
    const there = words.every((word, i) => this.#tokens[this.#at + i]?.text === word);
    if (there) this.#at += words.length;
    return there;
  }
  #name(rule: Mutable, end: "in" | "out"): boolean {
    if (this.#ahead === "!=" || this.#ahead === "{") rule.more.push(end === "in" ? "iifname" : "oifname");
    else rule[end] = this.#next();
    return true;
  }
  #list(): string[] {
    const list = [this.#next()];
    while (this.#accept(",")) list.push(this.#next());
    return list;
  }
  /** `syn`, `syn / syn,rst`, `& (syn|rst) == syn`. */
  #flags(rule: Mutable): boolean {
    const said: string[] = [];
    const words = ["&", "(", ")", "|", "==", "=", "/", ",", "syn", "rst"];
    while (!this.#done && words.includes(this.#ahead)) said.push(this.#next());
    rule.handshakes = ["syn", "syn/syn,rst", "&(syn|rst)==syn", "&(syn|rst)=syn"].includes(said.join(""));
    if (!rule.handshakes) rule.more.push("tcp flags", ...said);
    return true;
  }
}

function narrowed(rule: FirewallRule): FirewallRule {
  const { handshakes, ...rest } = rule;
  if (handshakes === undefined || rule.action === "clamp") return rest;
  return { ...rest, more: [...rule.more, "tcp flags"] };
}

/** `nft …`; `here` is what stands on its standard input. */
export function nft(args: Args, model: HostModel, here: HereDocument | undefined, hooks: Map<string, string>): void {
  while (/^-/.test(args.ahead)) {
    const option = args.take("an option");
    if (option !== "-f" && option !== "--file") continue;
    const file = args.take("a file");
    if (file !== "-" && file !== "/dev/stdin")
      throw new NotUnderstood(args.line, `${shownWord(file)} is not read here`, "paste what stands in it");
    const lines = (here?.lines ?? []).map((text, i) => ({ text, line: (here?.line ?? args.line) + i }));
    new Ruleset(model, tokens(lines), hooks).commands();
    return;
  }
  const words: readonly Word[] = args.rest();
  if (words.length === 0) throw new NotUnderstood(args.line, "nft without a command is not understood");
  const lines = words.flatMap(({ text, line }) => text.split("\n").map((part) => ({ text: part, line })));
  // Words of one command are one line, wherever they stand.
  const [first] = words;
  const one = [{ text: lines.map(({ text }) => text).join(" "), line: first?.line ?? args.line }];
  new Ruleset(model, tokens(words.length === 1 ? lines : one), hooks).commands();
}
