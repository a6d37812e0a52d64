/** Errors of this folder. */
import { inspect } from "node:util";

/** A table that cannot be written, as the caller's words tell it. */
export class NftablesError extends Error {
  override readonly name: string = "NftablesError";
  /** `ERR_INVALID` when nothing was sent, else the kernel's: `EOPNOTSUPP`. */
  readonly code: string;
  /** The kernel's error number, where it was the kernel that refused. */
  readonly errno: number | undefined;
  /** Where in the table: `chains.forward.rules[2].match.saddr`. */
  readonly path: string;

  constructor(code: string, message: string, path: string, errno?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
    this.errno = errno;
  }
}

/** The ruleset changed after the generation that the change was decided on. Nothing was applied: read again, decide again. */
export class StaleGenerationError extends NftablesError {
  override readonly name = "StaleGenerationError";
}

/** Refuses a value before anything is sent. */
export function invalid(path: string, reason: string): never {
  throw new NftablesError("ERR_INVALID", path === "" ? reason : `${path}: ${reason}`, path);
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
  }
}
