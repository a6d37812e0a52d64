/** Errors of the kernel, and errors of the conversation with it. */
import { getSystemErrorMap } from "node:util";

let known: Map<number, readonly [name: string, description: string]> | undefined;
function names(): NonNullable<typeof known> {
  if (known !== undefined) return known;
  known = new Map();
  const { errno } = process.getBuiltinModule("node:os").constants;
  for (const [name, number] of Object.entries(errno)) known.set(-number, [name, ""]);
  for (const [number, entry] of getSystemErrorMap()) known.set(number, entry);
  // Names that Node does not have, or has under another name than the kernel.
  known.set(-85, ["ERESTART", "the state changed meanwhile"]);
  known.set(-95, ["EOPNOTSUPP", "operation not supported"]);
  known.set(-524, ["ENOTSUPP", "operation not supported"]);
  return known;
}

export const EBADF = -9;
export const EAGAIN = -11;
export const EBUSY = -16;
export const EPROTO = -71;
export const ENOBUFS = -105;
export const EALREADY = -114;

/** The name of a negated error number: `errnoName(-17)` is `EEXIST`; an unknown one is `E#517`. */
export function errnoName(errno: number): string {
  return names().get(errno)?.[0] ?? `E#${-errno}`;
}
/** What a negated error number means, in a few words; its name where nothing is known of it. */
export function errnoText(errno: number): string {
  return names().get(errno)?.[1] || errnoName(errno);
}

/** What is known of a request that the kernel refused. */
export interface Refusal {
  /** The error number, negated: -17. */
  readonly errno: number;
  /** The kernel's name of the request: `RTM_NEWLINK`. */
  readonly request: string;
  /** The kernel's own words, where it has any. */
  readonly reason?: string | undefined;
  /** The attribute at fault, as a path in the schema: `linkinfo.info(vxlan).id`. */
  readonly attribute?: string | undefined;
  /** The attribute that the kernel wants and did not get. */
  readonly missing?: string | undefined;
  /** The number of the command in a batch or transaction. */
  readonly index?: number | undefined;
}

function describe({ errno, request, reason, attribute, missing }: Refusal): string {
  const where = [errnoName(errno)];
  if (attribute !== undefined) where.push(`at ${attribute}`);
  if (missing !== undefined) where.push(`${missing} is missing`);
  return `${request}: ${reason || errnoText(errno)} (${where.join(", ")})`;
}

/** The kernel refused a request. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** The name of the error number: `EEXIST`. */
  readonly code: string;
  /** The error number, negated: -17. */
  readonly errno: number;
  /** The kernel's name of the request: `RTM_NEWLINK`. */
  readonly request: string;
  /** The kernel's own words. */
  declare readonly reason?: string;
  /** The attribute at fault: `linkinfo.info(vxlan).id`. */
  declare readonly attribute?: string;
  /** The attribute that the kernel wants and did not get. */
  declare readonly missing?: string;
  /** The number of the command at fault in a batch or transaction; absent where the frame around it is. */
  declare readonly index?: number;

  constructor(refusal: Refusal) {
    super(describe(refusal));
    this.code = errnoName(refusal.errno);
    this.errno = refusal.errno;
    this.request = refusal.request;
    if (refusal.reason) this.reason = refusal.reason;
    if (refusal.attribute !== undefined) this.attribute = refusal.attribute;
    if (refusal.missing !== undefined) this.missing = refusal.missing;
    if (refusal.index !== undefined) this.index = refusal.index;
  }

  /** The object is there already. */
  get exists(): boolean {
    return this.code === "EEXIST";
  }
  /** The object, or one that it refers to, is not there. */
  get absent(): boolean {
    return ["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"].includes(this.code);
  }
  /** A privilege is lacking. */
  get denied(): boolean {
    return this.code === "EPERM" || this.code === "EACCES";
  }
  /** The state was in motion: the same request may succeed when it is made again. */
  get again(): boolean {
    return ["EAGAIN", "EINTR", "ERESTART"].includes(this.code);
  }
}

/**
 * What may happen to a conversation.
 * - `ERR_OPEN`: no socket. `ERR_CLOSED`: the connection was closed.
 * - `ERR_SEND`: the request did not leave. `ERR_RECEIVE`: the socket is broken.
 * - `ERR_TIMEOUT`: no answer in time. `ERR_OVERRUN`: answers were lost. After either, whether it was done is unknown.
 * - `ERR_TRUNCATED`: an answer did not fit. `ERR_PROTOCOL`: an answer makes no sense.
 * - `ERR_ENDLESS`: a dump that does not end. `ERR_INTERRUPTED`: a streamed table changed while it was read.
 */
export type SocketErrorCode =
  | "ERR_OPEN"
  | "ERR_CLOSED"
  | "ERR_SEND"
  | "ERR_RECEIVE"
  | "ERR_TIMEOUT"
  | "ERR_OVERRUN"
  | "ERR_TRUNCATED"
  | "ERR_PROTOCOL"
  | "ERR_ENDLESS"
  | "ERR_INTERRUPTED";

/** The conversation with the kernel failed; the kernel itself refused nothing. */
export class SocketError extends Error {
  override readonly name = "SocketError";
  readonly code: SocketErrorCode;
  /** The error number of the call that failed, negated. */
  declare readonly errno?: number;
  /** `ERR_TRUNCATED`: bytes of the answer that did not fit. */
  declare readonly length?: number;

  constructor(
    code: SocketErrorCode,
    message: string,
    more: { readonly errno?: number; readonly length?: number } = {},
  ) {
    super(more.errno === undefined ? message : `${message}: ${errnoText(more.errno)} (${errnoName(more.errno)})`);
    this.code = code;
    if (more.errno !== undefined) this.errno = more.errno;
    if (more.length !== undefined) this.length = more.length;
  }
}
