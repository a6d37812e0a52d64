/** What goes wrong around an application, beside its steps. */

/** Codes of a {@link TransactionError}. */
export type TransactionCode =
  /** Another process changes this namespace now; `pid` says which. */
  | "ERR_LOCKED"
  /** An application waits to be confirmed, or was interrupted. */
  | "ERR_PENDING"
  /** Nothing waits to be confirmed, or there is nothing to go back to. */
  | "ERR_NOT_PENDING"
  /** The journal was edited, cut off, or belongs to somebody else. */
  | "ERR_JOURNAL"
  /** The directory for journals cannot be trusted, or cannot be made. */
  | "ERR_STATE_DIRECTORY"
  /** The process that would put the old state back could not be started. */
  | "ERR_GUARDIAN"
  /** The host kept changing while it was planned for, or carried out; all that was done is undone. */
  | "ERR_UNSTEADY"
  /** The new state was not as it should be, and the old one was put back. */
  | "ERR_REVERTED";

/** An application could not begin, or could not be kept. Its message is one line that says what to do. */
export class TransactionError extends Error {
  override readonly name = "TransactionError";
  readonly code: TransactionCode;
  /** The process that is in the way. */
  readonly pid: number | undefined;

  constructor(
    code: TransactionCode,
    message: string,
    parts: { readonly pid?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.pid = parts.pid;
  }
}
