/** What a command is, to those who call it and to those who write one. */
import type { Given, OptionName } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** A command line, taken apart. */
export interface Invocation {
  /** The operands, in order; as many as the command wants, without those that it does not need. */
  readonly operands: readonly string[];
  /** What stood after `--`. */
  readonly rest: readonly string[];
  readonly given: Given;
  readonly terminal: Terminal;
}

/** Does what the command is for, and returns the exit code. */
export type Run = (invocation: Invocation) => Promise<number>;

/** A command as the table declares it; its code is loaded when it is called. */
export interface Command {
  /** What is typed: `plan`, `lab up`. */
  readonly name: string;
  /** Names of the operands; those in brackets may be left out, and come last. */
  readonly operands: readonly string[];
  /** What stands after `--`, where the command runs a program. */
  readonly rest?: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs. */
  readonly about: readonly string[];
  /** What to type, and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Options besides those that every command takes. */
  readonly options: readonly OptionName[];
  /** What its exit codes mean, where more can be said than for all commands. */
  readonly exits?: string;
  load(): Promise<{ readonly run: Run }>;
}
