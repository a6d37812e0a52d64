/** `sysctl`, files of sysctl.d, and what is written below /proc/sys. Source: sysctl(8), sysctl.d(5). */
import { formatKey, parseKey } from "../../sysctl/key.ts";
import { checkValue } from "../../sysctl/range.ts";
import { type Args, NotUnderstood, shownWord } from "../grammar.ts";
import type { HereDocument } from "../lexer.ts";
import type { HostModel } from "../model.ts";

const reasonOf = (error: unknown): string =>
  (error as Error).message.replace(/^cannot (set|use sysctl) /, "").replace(/ \(ERR_SYSCTL_\w+\)$/, "");

/** Notes a sysctl; `kept` where it stands in a file that is read at boot. @throws {NotUnderstood} */
export function setSysctl(model: HostModel, written: string, value: string, line: number, kept: boolean): void {
  let key: string;
  let text: string;
  try {
    const path = parseKey(written);
    key = formatKey(path);
    text = checkValue(path, /^-?\d{1,15}$/.test(value) ? Number(value) : value);
  } catch (error) {
    throw new NotUnderstood(
      line,
      reasonOf(error),
      written.startsWith("net") ? undefined : "a document has sysctls of net only",
    );
  }
  const before = model.sysctls.get(key);
  if (before !== undefined && before.value !== text)
    model.findings.say(
      "warning",
      line,
      `${key} is ${before.value} at line ${before.line}, and ${text} here`,
      "the later one counts; keep one",
    );
  // A file keeps what a command has set already.
  model.sysctls.set(key, {
    key,
    value: text,
    line: before?.value === text ? before.line : line,
    kept: kept || (before?.kept ?? false),
  });
  if (!kept) model.lose("sysctls", line);
}

/** Lines `key = value` of a file that is read at boot. */
export function sysctlFile(model: HostModel, { line, lines }: HereDocument): void {
  lines.forEach((text, i) => {
    const at = line + i;
    const plain = text.trim();
    if (plain === "" || /^[#;]/.test(plain)) return;
    const [, key, value] = /^-?\s*([^=\s]+)\s*=\s*(.*)$/.exec(plain) ?? [];
    if (key === undefined || value === undefined)
      model.findings.say("error", at, `${shownWord(plain)} is no line key = value`);
    else attempt(model, at, () => setSysctl(model, key, value.trim(), at, true));
  });
}

/** Tells what is not understood, and goes on. */
export function attempt(model: HostModel, line: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    model.findings.say("error", error.line || line, error.message, error.fix);
  }
}

/** `sysctl …` */
export function sysctl(args: Args, model: HostModel): void {
  let loads = false;
  let asked = 0;
  while (!args.done) {
    const line = args.lineAhead;
    const word = args.take("a key");
    if (/^(-p|--load|--system|-f)/.test(word)) {
      loads = true;
      if (!args.done && !args.ahead.startsWith("-")) args.take("a file");
    } else if (/^-/.test(word)) continue;
    else if (word.includes("=")) {
      const at = word.indexOf("=");
      attempt(model, line, () => setSysctl(model, word.slice(0, at), word.slice(at + 1).trim(), line, false));
    } else if (args.accept("=")) {
      const value = args.take("a value");
      attempt(model, line, () => setSysctl(model, word, value, line, false));
    } else asked++;
  }
  if (asked > 0) model.findings.say("note", args.line, "only shows; there is nothing to import");
  else if (loads)
    model.findings.say(
      "note",
      args.line,
      "loads files of sysctls; those that stand in this text are known here, others are not",
    );
}
