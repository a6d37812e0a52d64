/** Errors of namespace work. */
import { errnoName } from "../socket/errors.ts";

/** What failed on which namespace; `code` is the kernel's error name, or `ERR_NETNS_NAME` for a name that is not allowed. */
export class NetnsError extends Error {
  override readonly name = "NetnsError";
  readonly code: string;
  /** The error number, negated; 0 where the kernel was not asked. */
  readonly errno: number;
  /** Name, path, or process. */
  readonly target: string;

  constructor(doing: string, target: string, code: string, errno: number, reason: string) {
    super(`cannot ${doing}: ${reason} (${code})`);
    this.code = code;
    this.errno = errno;
    this.target = target;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is in use",
  EEXIST: "there is one with this name already",
  EINVAL: "it is not a network namespace",
  EMFILE: "this process has too many open files",
  ENFILE: "this machine has too many open files",
  ENOENT: "there is none",
  ELOOP: "it is a symbolic link",
  ENOSPC: "the limit user.max_net_namespaces is reached",
  EPERM: "it takes CAP_SYS_ADMIN; without root, work inside `linkwright sandbox -- <command>`",
  ESRCH: "there is no such process",
};

/** Returns a result of the native layer, or throws what went wrong with `doing`. */
export function checked(result: number, doing: string, target: string): number {
  if (result >= 0) return result;
  const code = errnoName(result);
  throw new NetnsError(doing, target, code, result, REASONS[code] ?? "the kernel refused");
}
