#!/usr/bin/env node
/** The command `linkwright`: finds out what is asked for, loads that, and turns what goes wrong into one line. */
import { parseRequest, type Request } from "./arguments.ts";
import { COMMANDS } from "./commands.ts";
import { escapeText } from "./escape.ts";
import { codeOf, EXIT, messagesOf } from "./failure.ts";
import { helpPage } from "./help.ts";
import { openTerminal, surviveBrokenPipes, type Terminal } from "./terminal.ts";
import { version } from "./version.ts";

async function carryOut(request: Request, terminal: Terminal): Promise<number> {
  const json = request.given.json === true;
  if (request.kind === "version") {
    terminal.line(json ? JSON.stringify({ version: version() }) : `linkwright ${version()}`);
    return EXIT.OK;
  }
  if (request.kind === "help") {
    const { palette } = terminal;
    const width = Number.isFinite(terminal.width) ? terminal.width : 80;
    const page = helpPage(COMMANDS, request.words, { palette, width });
    terminal.line(json ? JSON.stringify({ help: page.join("\n") }) : page.join("\n"));
    return EXIT.OK;
  }
  const { run } = await request.command.load();
  const { operands, rest, given } = request;
  return await run({ operands, rest, given, terminal });
}

/** Tells what went wrong: one line for each cause on standard error, and with --json one value on standard output. */
function report(error: unknown, terminal: Terminal, json: boolean): void {
  terminal.progress("");
  const messages = messagesOf(error);
  if (json) {
    const { details } = (error ?? {}) as { details?: unknown };
    const told = { code: codeOf(error) ?? "ERR_COMMAND", messages, ...(details !== undefined && { details }) };
    const text = (_: string, one: unknown): unknown => (typeof one === "bigint" ? String(one) : one);
    terminal.line(JSON.stringify({ error: told }, text, 2));
  }
  const { palette } = terminal;
  for (const message of messages)
    terminal.remark(
      `${process.stderr.isTTY ? palette.bad("linkwright:") : "linkwright:"} ${escapeText(message)}`,
      "error",
    );
  if ((process.env["LINKWRIGHT_DEBUG"] ?? "") !== "" && error instanceof Error)
    for (const line of (error.stack ?? "").split("\n")) terminal.remark(escapeText(line), "debug");
}

async function main(args: readonly string[]): Promise<number> {
  const before = args.slice(0, args.includes("--") ? args.indexOf("--") : args.length);
  const terminal = openTerminal(!before.includes("--no-color"));
  try {
    return await carryOut(parseRequest(COMMANDS, args), terminal);
  } catch (error) {
    report(error, terminal, before.includes("--json"));
    return EXIT.ERROR;
  }
}

surviveBrokenPipes();
process.exitCode = await main(process.argv.slice(2));
