/** Carries commands out on a model: what a line would do to a host, done to a description of one. Nothing is run. */
import { brctl, bridge } from "./commands/bridge.ts";
import { ip } from "./commands/ip.ts";
import { iptables } from "./commands/iptables.ts";
import { nft } from "./commands/nft.ts";
import { attempt, sysctl } from "./commands/sysctl.ts";
import { Control } from "./control.ts";
import type { Findings } from "./finding.ts";
import { Args, NotUnderstood } from "./grammar.ts";
import { type Line, lex, type Statement } from "./lexer.ts";
import { HostModel } from "./model.ts";
import { passOver, programName, programOf } from "./programs.ts";
import { bare, echoed, tee, writes } from "./written.ts";

/** Deeper than this, `sh -c` in `sh -c` is a mistake. */
const DEEPEST = 8;

/** Reads statements one after the other. */
export class Shell {
  readonly #findings: Findings;
  readonly #models = new Map<string, HostModel>();
  readonly #hooks = new Map<string, string>();
  readonly #control: Control;

  constructor(findings: Findings) {
    this.#findings = findings;
    this.#control = new Control(findings);
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
    if (this.#control.has(statement)) return;
    const words = programOf(statement.words);
    if (words.length === 0) {
      bare(statement, this.#findings);
      return;
    }
    const [first, ...rest] = words;
    if (first?.expansion !== undefined)
      throw new NotUnderstood(statement.line, `${first.expansion} is for a shell to work out, and nothing is run here`);
    const [, variable] = /^([A-Za-z_]\w*)=/.exec(first?.text ?? "") ?? [];
    if (variable !== undefined)
      throw new NotUnderstood(
        statement.line,
        `the variable ${variable} is not understood`,
        "write its value where it is used",
      );
    this.#command(programName(first), new Args(rest, statement.line), {
      statement,
      netns,
      depth,
      ...(piped !== undefined && { piped }),
    });
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
        writes(statement, model, this.#findings);
        return;
      case "tee":
        tee(args, statement, call.piped, model);
        return;
      case "sh":
      case "bash":
        this.#inner(args, call);
        return;
      default:
        passOver(name, args.line, this.#findings);
    }
  }

  #exec(args: Args, netns: string, call: Call): void {
    const words = programOf(args.rest());
    const [first, ...rest] = words;
    if (first === undefined) throw new NotUnderstood(args.line, "the command is missing");
    if (call.depth >= DEEPEST) throw new NotUnderstood(args.line, "commands too deep within each other");
    this.#command(programName(first), new Args(rest, args.line), {
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
}

interface Call {
  readonly statement: Statement;
  readonly netns: string;
  readonly depth: number;
  readonly piped?: Statement;
}
