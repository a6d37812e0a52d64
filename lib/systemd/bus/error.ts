/** What goes wrong between here and systemd. */

/**
 * - `ERR_NO_BUS`: there is no D-Bus to ask over. `ERR_LOST`: the connection ended. `ERR_TIMEOUT`: no answer in time.
 * - `ERR_NO_NETWORKD`: systemd-networkd is masked, dead, not enabled or not installed.
 * - `ERR_OTHER_NETNS`: it runs in another network namespace than the one asked about.
 * - `ERR_DENIED`: this user may not. `ERR_NO_UNIT`: there is no such unit. `ERR_JOB`: a unit did not start or stop.
 * - `ERR_LINK`: networkd failed to configure a link, or did not in time.
 * - `ERR_REFUSED`: anything else that systemd answered. `ERR_PROTOCOL`: the answer makes no sense.
 */
export type SystemdErrorCode =
  | "ERR_NO_BUS"
  | "ERR_LOST"
  | "ERR_TIMEOUT"
  | "ERR_NO_NETWORKD"
  | "ERR_OTHER_NETNS"
  | "ERR_DENIED"
  | "ERR_NO_UNIT"
  | "ERR_JOB"
  | "ERR_LINK"
  | "ERR_REFUSED"
  | "ERR_PROTOCOL";

/** systemd could not be asked, or did not do it. The message is one line, and names the way out. */
export class SystemdError extends Error {
  override readonly name = "SystemdError";
  readonly code: SystemdErrorCode;
  /** systemd's own name for it, where it has one: `org.freedesktop.DBus.Error.AccessDenied`. */
  declare readonly reason?: string;

  constructor(
    code: SystemdErrorCode,
    message: string,
    more: { readonly reason?: string; readonly cause?: unknown } = {},
  ) {
    super(message.replaceAll(/\s*\n\s*/g, "; "), more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    if (more.reason !== undefined) this.reason = more.reason;
  }
}

/** The other side answered with an error: its own name for it, and its words. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** `org.freedesktop.DBus.Error.AccessDenied`, `org.varlink.service.MethodNotFound` */
  readonly reason: string;

  constructor(reason: string, words: string) {
    super(words === "" ? reason : words);
    this.reason = reason;
  }

  /** Whether a privilege is lacking. */
  get denied(): boolean {
    return /AccessDenied|InteractiveAuthorizationRequired|PermissionDenied|NotPrivileged/.test(this.reason);
  }
}

/** What a caller is told of a refusal. */
export function refusalOf(doing: string, { reason, message, denied }: Refused): SystemdError {
  if (denied) return new SystemdError("ERR_DENIED", `cannot ${doing}: ${message}; run it as root`, { reason });
  const unknown = reason.includes("NoSuchUnit") || /^Unit \S+ (not found|does not exist)/.test(message);
  return new SystemdError(unknown ? "ERR_NO_UNIT" : "ERR_REFUSED", `cannot ${doing}: ${message}`, { reason });
}
