/** Carries commands out on a model: what a line would do to a host, done to a description of one. Nothing is run. */
import { brctl, bridge } from "./commands/bridge.ts";
import { ip } from "./commands/ip.ts";
import { iptables } from "./commands/iptables.ts";
import { nft } from "./commands/nft.ts";
import { attempt, setSysctl, sysctl, sysctlFile } from "./commands/sysctl.ts";
import type { Findings } from "./finding.ts";
import { Args, NotUnderstood, shownWord } from "./grammar.ts";
import { type Line, lex, type Statement, type Word } from "./lexer.ts";
import { HostModel } from "./model.ts";

/** Programs that look, wait, or have to do with something else. */
const HARMLESS = [
  "ping",
  "ping6",
  "tcpdump",
  "arping",
  "traceroute",
  "tracepath",
  "ss",
  "netstat",
  "true",
  ":",
  "sleep",
  "set",
  "cd",
  "exit",
  "clear",
  "uname",
  "hostname",
  "lsmod",
  "grep",
  "modinfo",
  "ethtool-show",
  "watch",
  "conntrack",
];
/** Words that begin what only a shell can decide, and those that end it. */
const OPENING = ["if", "for", "while", "until", "case", "select", "function"];
const CLOSING = ["fi", "done", "esac", "}"];
const JOINING = ["do", "then", "else"];
const SUDO_VALUES = ["-u", "-g", "-h", "-p", "-C", "-r", "-t"];
/** Deeper than this, `sh -c` in `sh -c` is a mistake. */
const DEEPEST = 8;

/** Reads statements one after the other. */
export class Shell {
  readonly #findings: Findings;
  readonly #models = new Map<string, HostModel>();
  readonly #hooks = new Map<string, string>();
  #control = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Models by namespace; `""` is where the commands were typed. */
  get models(): ReadonlyMap<string, HostModel> {
    return this.#models;
  }

  run(lines: readonly Line[], netns = "", depth = 0): void {
    const { statements, unfinished } = lex(lines);
    for (const { line, what } of unfinished) this.#findings.say("error", line, what);
    statements.forEach((statement, i) => {
      const before = statements[i - 1];
      const piped = before?.joined === "|" ? before : undefined;
      attempt(this.model(netns), statement.line, () => this.#statement(statement, netns, depth, piped));
    });
  }

  model(netns: string): HostModel {
    const known = this.#models.get(netns);
    if (known !== undefined) return known;
    const made = new HostModel(this.#findings);
    this.#models.set(netns, made);
    return made;
  }

  #statement(statement: Statement, netns: string, depth: number, piped?: Statement): void {
    if (this.#isControl(statement)) return;
    const words = this.#program(statement.words);
    if (words.length === 0) {
      this.#bare(statement);
      return;
    }
    const [first, ...rest] = words;
    if (first?.expansion !== undefined)
      throw new NotUnderstood(statement.line, `${first.expansion} is for a shell to work out, and nothing is run here`);
    const name = (first?.text ?? "").replace(/^.*\//, "");
    const [, variable] = /^([A-Za-z_]\w*)=/.exec(first?.text ?? "") ?? [];
    if (variable !== undefined)
      throw new NotUnderstood(
        statement.line,
        `the variable ${variable} is not understood`,
        "write its value where it is used",
      );
    this.#command(name, new Args(rest, statement.line), {
      statement,
      netns,
      depth,
      ...(piped !== undefined && { piped }),
    });
  }

  /** Without what only says who runs a program. */
  #program(words: readonly Word[]): readonly Word[] {
    const rest = [...words];
    for (;;) {
      const name = rest[0]?.text.replace(/^.*\//, "");
      if (name === "sudo" || name === "doas") {
        rest.shift();
        while (rest[0]?.text.startsWith("-") === true) {
          const option = rest.shift()?.text ?? "";
          if (SUDO_VALUES.includes(option)) rest.shift();
        }
      } else if (
        name === "command" ||
        name === "exec" ||
        name === "time" ||
        name === "nohup" ||
        name === "then" ||
        name === "do" ||
        name === "else" ||
        name === "!"
      )
        rest.shift();
      else return rest;
    }
  }

  #isControl({ words, line }: Statement): boolean {
    const first = words[0]?.text ?? "";
    if (OPENING.includes(first)) this.#control++;
    const within = this.#control > 0;
    if (CLOSING.includes(first)) this.#control = Math.max(0, this.#control - 1);
    if (!within) return false;
    if (words.length === 1 && [...JOINING, ...CLOSING].includes(first)) return true;
    this.#findings.say(
      "error",
      line,
      `what stands in ${shownWord(first)} … is for a shell to decide, and nothing is run here`,
      "write the lines that it comes to",
    );
    return true;
  }

  /** A redirection without a command. */
  #bare({ redirections, line }: Statement): void {
    const [one] = redirections;
    if (one !== undefined)
      this.#findings.say(
        "warning",
        line,
        `${shownWord(one.target.text)} is not a file of sysctls; what happens to it is not understood`,
      );
  }

  #command(name: string, args: Args, call: Call): void {
    const { netns, statement } = call;
    const model = this.model(netns);
    switch (name) {
      case "ip":
        ip(args, model, {
          inNamespace: (other) => this.model(other),
          exec: (rest, other) => this.#exec(rest, other, call),
        });
        return;
      case "bridge":
        bridge(args, model);
        return;
      case "brctl":
        brctl(args, model);
        return;
      case "iptables":
      case "ip6tables":
      case "iptables-nft":
      case "ip6tables-nft":
      case "iptables-legacy":
      case "ip6tables-legacy":
        iptables(args, model);
        return;
      case "nft":
        nft(args, model, statement.hereDocument ?? echoed(call.piped), this.#hooks);
        return;
      case "sysctl":
        sysctl(args, model);
        return;
      case "echo":
      case "printf":
      case "cat":
        this.#writes(call, model);
        return;
      case "tee":
        this.#tee(args, call, model);
        return;
      case "sh":
      case "bash":
        this.#inner(args, call);
        return;
      case "modprobe":
        this.#findings.say("note", args.line, "the kernel loads what it needs by itself; this line is left out");
        return;
      case "ifconfig":
      case "route":
      case "vconfig":
      case "ethtool":
      case "wg":
      case "tc":
        throw new NotUnderstood(
          args.line,
          `${name} is not understood`,
          "understood are ip, bridge, brctl, iptables, nft and sysctl: keep this line, or say it in their words",
        );
      default:
        this.#other(name, args.line);
        return;
    }
  }

  #other(name: string, line: number): void {
    if (HARMLESS.includes(name)) this.#findings.say("note", line, `${name} configures nothing that is to be imported`);
    else
      throw new NotUnderstood(
        line,
        `${shownWord(name)} is not understood`,
        "understood are ip, bridge, brctl, iptables, nft and sysctl",
      );
  }

  #exec(args: Args, netns: string, call: Call): void {
    const words = this.#program(args.rest());
    const [first, ...rest] = words;
    if (first === undefined) throw new NotUnderstood(args.line, "the command is missing");
    if (call.depth >= DEEPEST) throw new NotUnderstood(args.line, "commands too deep within each other");
    this.#command(first.text.replace(/^.*\//, ""), new Args(rest, args.line), {
      ...call,
      netns,
      depth: call.depth + 1,
    });
  }

  /** `sh -c '…'` */
  #inner(args: Args, { netns, depth, statement }: Call): void {
    while (/^-/.test(args.ahead) && !args.ahead.endsWith("c")) args.take("an option");
    if (!args.accept("-c", "-ec", "-xc", "-lc"))
      throw new NotUnderstood(args.line, "a script is not read here", "paste its lines");
    if (depth >= DEEPEST) throw new NotUnderstood(args.line, "commands too deep within each other");
    const text = args.take("the commands");
    this.run(
      text.split("\n").map((one, i) => ({ number: statement.line + i, text: one })),
      netns,
      depth + 1,
    );
  }

  /** `echo 1 >/proc/sys/…`, `cat >/etc/sysctl.d/… <<EOF`. */
  #writes({ statement }: Call, model: HostModel): void {
    const { redirections, line } = statement;
    const out = redirections.filter(({ kind, target }) => kind !== "in" && target.text !== "/dev/null");
    if (statement.joined === "|") return;
    if (out.length === 0) {
      this.#findings.say("note", line, "only shows; there is nothing to import");
      return;
    }
    for (const { target } of out) writeFile(model, target, statement, statement);
  }

  /** `echo 1 | tee /proc/sys/…` */
  #tee(args: Args, { statement, piped }: Call, model: HostModel): void {
    while (/^-/.test(args.ahead)) args.take("an option");
    while (!args.done) {
      const line = args.lineAhead;
      const target: Word = { text: args.take("a file"), line };
      const from = statement.hereDocument === undefined ? piped : statement;
      if (target.text !== "/dev/null") writeFile(model, target, statement, from);
    }
  }
}

interface Call {
  readonly statement: Statement;
  readonly netns: string;
  readonly depth: number;
  readonly piped?: Statement;
}

/** What `echo` or `cat` prints, as far as it stands here. */
function echoed(from: Statement | undefined): { line: number; lines: readonly string[] } | undefined {
  if (from?.hereDocument !== undefined) return from.hereDocument;
  const words = from?.words.filter(({ text }) => !["sudo", "-n", "-e", "-E"].includes(text)) ?? [];
  const name = words[0]?.text.replace(/^.*\//, "");
  if (from === undefined || (name !== "echo" && name !== "printf")) return undefined;
  const marked = words.find(({ expansion }) => expansion !== undefined && !/^[*?[\]]/.test(expansion));
  if (marked !== undefined)
    throw new NotUnderstood(marked.line, `${marked.expansion} is for a shell to work out, and nothing is run here`);
  const text = words
    .slice(1)
    .map((word) => word.text)
    .join(" ");
  return { line: from.line, lines: text.replaceAll("\\n", "\n").split("\n") };
}

function writeFile(model: HostModel, target: Word, statement: Statement, from: Statement | undefined): void {
  const { line } = statement;
  if (target.expansion !== undefined)
    throw new NotUnderstood(target.line, `${target.expansion} is for a shell to work out, and nothing is run here`);
  const path = target.text.replaceAll(/\/+/g, "/");
  const sysctlPath = /^\/proc\/sys\/(.+)$/.exec(path)?.[1];
  const isFile = /^\/(etc|run|usr\/lib)\/sysctl(\.d\/[^/]+)?(\.conf)?$/.test(path);
  if (sysctlPath === undefined && !isFile)
    throw new NotUnderstood(
      line,
      `${shownWord(target.text)} is not a file of sysctls; what is written to it is not understood`,
    );
  const text = echoed(from);
  if (text === undefined)
    throw new NotUnderstood(line, `what is written to ${shownWord(target.text)} does not stand here`);
  if (isFile) sysctlFile(model, text);
  else setSysctl(model, sysctlPath ?? "", text.lines.join(" ").trim(), line, false);
}
