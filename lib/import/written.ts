/** What `echo`, `cat` and `tee` write, and what comes of it: sysctls, or nothing. */
import { setSysctl, sysctlFile } from "./commands/sysctl.ts";
import type { Findings } from "./finding.ts";
import { type Args, NotUnderstood, shownWord } from "./grammar.ts";
import type { Statement, Word } from "./lexer.ts";
import type { HostModel } from "./model.ts";

/** What `echo` or `cat` prints, as far as it stands here. */
export function echoed(from: Statement | undefined): { line: number; lines: readonly string[] } | undefined {
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

/** `echo 1 >/proc/sys/…`, `cat >/etc/sysctl.d/… <<EOF`. */
export function writes(statement: Statement, model: HostModel, findings: Findings): void {
  const { redirections, line, joined } = statement;
  const out = redirections.filter(({ kind, target }) => kind !== "in" && target.text !== "/dev/null");
  if (joined === "|") return;
  if (out.length === 0) findings.say("note", line, "only shows; there is nothing to import");
  for (const { target } of out) writeFile(model, target, statement, statement);
}

/** `echo 1 | tee /proc/sys/…` */
export function tee(args: Args, statement: Statement, piped: Statement | undefined, model: HostModel): void {
  while (/^-/.test(args.ahead)) args.take("an option");
  while (!args.done) {
    const line = args.lineAhead;
    const target: Word = { text: args.take("a file"), line };
    const from = statement.hereDocument === undefined ? piped : statement;
    if (target.text !== "/dev/null") writeFile(model, target, statement, from);
  }
}

/** A redirection without a command. */
export function bare({ redirections, line }: Statement, findings: Findings): void {
  const [one] = redirections;
  if (one !== undefined)
    findings.say(
      "warning",
      line,
      `${shownWord(one.target.text)} is not a file of sysctls; what happens to it is not understood`,
    );
}
