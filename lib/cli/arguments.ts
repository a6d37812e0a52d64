/** Takes a command line apart. Whatever is wrong with it is found here, before any work. */
import { parseArgs } from "node:util";
import type { Command } from "./command.ts";
import { UsageError } from "./failure.ts";
import { EVERYWHERE, type Given, OPTIONS, type OptionName, type OptionSpec } from "./options.ts";
import { didYouMean } from "./spelling.ts";

/** A command line that can be carried out. */
export type Request =
  | { readonly kind: "version"; readonly given: Given }
  /** Help for all commands that begin with these words; all of them for none. */
  | { readonly kind: "help"; readonly words: string; readonly given: Given }
  | {
      readonly kind: "command";
      readonly command: Command;
      readonly operands: readonly string[];
      readonly rest: readonly string[];
      readonly given: Given;
    };

interface Split {
  readonly words: readonly string[];
  readonly given: Given;
}

/** Options that stand before the command count too: `linkwright --json show`. */
function splitWords(args: readonly string[]): Split {
  const options = Object.fromEntries(
    Object.entries(OPTIONS).map(([name, spec]: [string, OptionSpec]) => [
      name,
      { type: spec.value === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { tokens } = parseArgs({
    args: args.map((arg) => (arg === "-h" ? "--help" : arg === "-V" ? "--version" : arg)),
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words: string[] = [];
  const given: Record<string, string | true | readonly string[]> = {};
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    else if (token.kind === "option") given[token.name] = withEarlier(token.name, checkedOption(token), given);
  }
  return { words, given };
}

/** Of an option that may be given several times, all values count; of others the last one. */
function withEarlier(name: string, value: string | true, given: Readonly<Record<string, unknown>>) {
  const spec: OptionSpec = OPTIONS[name as OptionName];
  return spec.several === true ? [...((given[name] ?? []) as readonly string[]), String(value)] : value;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkedOption({ name, rawName, value, inlineValue }: OptionToken): string | true {
  if (!Object.hasOwn(OPTIONS, name)) throw unknownOption(rawName, Object.keys(OPTIONS) as OptionName[]);
  const spec: OptionSpec = OPTIONS[name as OptionName];
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got ${JSON.stringify(value)}`);
    return true;
  }
  const swallowed = value?.startsWith("-") === true && inlineValue !== true;
  if (value === undefined || value === "" || swallowed)
    throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
  return value;
}

function unknownOption(written: string, known: readonly OptionName[]): UsageError {
  const meant = didYouMean(
    written,
    known.map((name) => `--${name}`),
  );
  return new UsageError(`there is no option ${written}${meant}`);
}

function findCommand(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return (
    commands.find((command) => command.name === words.slice(0, 2).join(" ")) ??
    commands.find((command) => command.name === words[0])
  );
}

/** The words of a command that are missing: `lab` is followed by up, run or down. */
function isGroup(commands: readonly Command[], word: string | undefined): word is string {
  return word !== undefined && commands.some((command) => command.name.startsWith(`${word} `));
}

function unknownCommand(commands: readonly Command[], words: readonly string[]): UsageError {
  const [first = "", second] = words;
  const names = commands.map((command) => command.name);
  if (isGroup(commands, first)) {
    const inner = names.filter((name) => name.startsWith(`${first} `)).map((name) => name.slice(first.length + 1));
    if (second === undefined) return new UsageError(`${first} needs one of: ${inner.join(", ")}`);
    return new UsageError(`there is no command ${first} ${second}${didYouMean(second, inner)}`);
  }
  const known = new Set(names.map((name) => name.split(" ")[0] ?? name));
  return new UsageError(`there is no command ${first}${didYouMean(first, known)}; linkwright --help lists them`);
}

function checkOperands(command: Command, operands: readonly string[], rest: readonly string[] | undefined): void {
  const { name, rest: program } = command;
  const missing = command.operands[operands.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw new UsageError(`${name} needs ${missing}: linkwright ${usage(command)}`);
  const extra = operands[command.operands.length];
  if (extra !== undefined) {
    const cure = program !== undefined && rest === undefined ? `; the program stands after --` : "";
    throw new UsageError(`${name} does not take ${JSON.stringify(extra)}${cure}: linkwright ${usage(command)}`);
  }
  if (program !== undefined && (rest === undefined || rest.length === 0))
    throw new UsageError(`${name} needs a program: linkwright ${usage(command)}`);
  if (program === undefined && rest !== undefined && rest.length > 0)
    throw new UsageError(`${name} runs no program: linkwright ${usage(command)}`);
}

/** How a command is called: `lab run FILE NODE -- COMMAND…`. */
export function usage(command: Command): string {
  return [command.name, ...command.operands, ...(command.rest === undefined ? [] : ["--", command.rest])].join(" ");
}

/**
 * Finds out what is asked for.
 *
 * @throws {UsageError} in one line that says what to write instead.
 */
export function parseRequest(commands: readonly Command[], args: readonly string[]): Request {
  const dashes = args.indexOf("--");
  const { words, given } = splitWords(dashes < 0 ? args : args.slice(0, dashes));
  const rest = dashes < 0 ? undefined : args.slice(dashes + 1);
  if (given.version) return { kind: "version", given };
  const asked = words[0] === "help" ? words.slice(1) : words;
  const command = findCommand(commands, asked);
  if (asked.length === 0 || given.help || words[0] === "help" || (asked.length === 1 && isGroup(commands, asked[0])))
    return { kind: "help", words: helpWords(commands, command, asked), given };
  if (command === undefined) throw unknownCommand(commands, asked);
  for (const name of Object.keys(given) as OptionName[])
    if (!command.options.includes(name) && !EVERYWHERE.includes(name))
      throw new UsageError(`${command.name} has no option --${name}; linkwright ${command.name} --help lists them`);
  const operands = words.slice(command.name.split(" ").length);
  checkOperands(command, operands, rest);
  return { kind: "command", command, operands, rest: rest ?? [], given };
}

function helpWords(commands: readonly Command[], command: Command | undefined, asked: readonly string[]): string {
  if (command !== undefined) return command.name;
  if (asked.length === 0) return "";
  if (isGroup(commands, asked[0]) && asked.length === 1) return asked[0];
  throw unknownCommand(commands, asked);
}
