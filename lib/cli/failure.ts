/** What goes wrong, and what the command's exit code says. */

/** Exit codes. The same for every command, except that `sandbox` and `lab run` hand on that of what they ran. */
export const EXIT = {
  /** Done, or nothing to do. */
  OK: 0,
  /** It could not be done; one line on standard error says why. */
  ERROR: 1,
  /** There are differences: `plan` has steps, `verify` found drift. */
  DIFFERENT: 2,
} as const;

/** A mistake that the command itself found. Its message is a whole line, or several. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;

  constructor(message: string, code = "ERR_COMMAND") {
    super(message);
    this.code = code;
  }
}

/** The command line makes no sense. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, "ERR_USAGE");
  }
}

/** Errors of many causes, each told on its own line: an `issues` list, or the errors of an AggregateError. */
export function messagesOf(error: unknown): string[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(messagesOf);
  if (!(error instanceof Error)) return [String(error)];
  return error.message.split("\n").filter((line) => line.trim() !== "");
}

/** The error's `code`, where it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
