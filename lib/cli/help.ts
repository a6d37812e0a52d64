/** Help, which teaches by example. */
import { usage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { EVERYWHERE, OPTIONS, type OptionName, spelled } from "./options.ts";
import { table } from "./table.ts";
import type { Palette } from "./terminal.ts";
import { wrapped } from "./text-width.ts";

/** What help needs to know of the terminal. */
export interface HelpStyle {
  readonly palette: Palette;
  readonly width: number;
}

const STORY: readonly (readonly [string, string])[] = [
  ["linkwright plan two-hosts.yaml --host bm1", "what would change on this host?"],
  ["linkwright apply two-hosts.yaml --host bm1", "change it, read it back, compare"],
  ["linkwright verify two-hosts.yaml --host bm1", "is it still so?"],
  ["linkwright show", "the path of packets, and its MTUs"],
  ["linkwright lab up two-hosts.yaml", "all hosts, on this machine"],
  ["linkwright demo", "why TLS hangs over a VXLAN, live"],
];

const EXITS: readonly (readonly [string, string])[] = [
  ["0", "done, or nothing to do"],
  ["2", "differences: plan has steps, verify found drift"],
  ["1", "error, told in one line on standard error; LINKWRIGHT_DEBUG=1 adds the stack"],
];

const readable = (width: number): number => Math.min(width, 100);

function section(title: string, rows: readonly (readonly string[])[], style: HelpStyle): string[] {
  const lines = table(rows, readable(style.width) - 2).map((line) => `  ${line}`);
  return ["", style.palette.strong(title), ...lines];
}

function examples(rows: readonly (readonly [string, string])[], style: HelpStyle): string[] {
  const side = Math.max(...rows.map(([line]) => line.length)) + Math.max(...rows.map(([, what]) => what.length)) + 2;
  if (side <= style.width - 2) return table(rows, style.width - 2).map((line) => `  ${line}`);
  return rows.flatMap(([line, what]) => [
    `  ${line}`,
    ...wrapped(what, readable(style.width) - 6).map((text) => `      ${style.palette.faint(text)}`),
  ]);
}

function optionRows(names: readonly OptionName[]): string[][] {
  return names.map((name) => [spelled(name), OPTIONS[name].text]);
}

/** The page for the whole command. */
export function overview(commands: readonly Command[], style: HelpStyle): string[] {
  const intro =
    "linkwright configures the networking of Linux hosts: bridges, VXLAN and other links, addresses, routes, NAT, " +
    "sysctls. One document says how it shall be, and the command makes it so.";
  return [
    ...wrapped(intro, readable(style.width)),
    "",
    ...examples(STORY, style),
    ...section(
      "Commands",
      commands.map((command) => [usage(command), command.summary]),
      style,
    ),
    ...section("Options of every command", optionRows([...EVERYWHERE, "version"]), style),
    ...section("Exit codes", EXITS, style),
    "",
    "linkwright COMMAND --help has examples and the options of a command.",
  ];
}

/** The page for one command. */
export function commandPage(command: Command, style: HelpStyle): string[] {
  const own = command.options.length > 0 ? section("Options", optionRows(command.options), style) : [];
  return [
    `${style.palette.strong(`linkwright ${usage(command)}`)}`,
    ...wrapped(`${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`, readable(style.width)),
    ...command.about.flatMap((text) => ["", ...wrapped(text, readable(style.width))]),
    "",
    ...examples(command.examples, style),
    ...own,
    ...section("Options of every command", optionRows(EVERYWHERE), style),
    "",
    ...wrapped(`Exit code: ${command.exits ?? "0 done or nothing to do, 1 error"}.`, readable(style.width)),
  ];
}

/** The page for a group of commands, as `lab`. */
export function groupPage(word: string, commands: readonly Command[], style: HelpStyle): string[] {
  const members = commands.filter((command) => command.name.startsWith(`${word} `));
  return [
    style.palette.strong(`linkwright ${word}`),
    ...section(
      "Commands",
      members.map((command) => [usage(command), command.summary]),
      style,
    ),
    "",
    ...examples(
      members.flatMap((command) => command.examples),
      style,
    ),
    "",
    `linkwright ${word} COMMAND --help says more.`,
  ];
}

/** The page for these words, as `parseRequest` returns them. */
export function helpPage(commands: readonly Command[], words: string, style: HelpStyle): string[] {
  const command = commands.find((one) => one.name === words);
  if (command !== undefined) return commandPage(command, style);
  return words === "" ? overview(commands, style) : groupPage(words, commands, style);
}
