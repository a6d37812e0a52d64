/** Errors of sysctls. */

/**
 * `ERR_SYSCTL_KEY`, `ERR_SYSCTL_VALUE`, `ERR_SYSCTL_RANGE` (refused before the kernel was asked), `ERR_SYSCTL_DRIFT`
 * (the kernel took another value), or the kernel's own error name.
 */
export class SysctlError extends Error {
  override readonly name = "SysctlError";
  readonly code: string;
  /** The error number, negated; 0 where the kernel was not asked, or did not refuse. */
  readonly errno: number;
  /** The key, as it would be written. */
  readonly key: string;
  /** What does not exist, where something does not: the interface, the feature of the kernel, or just the key. */
  readonly missing?: "interface" | "feature" | "key";
  /** With `ERR_SYSCTL_DRIFT`: what the kernel has instead. */
  readonly actual?: string;

  constructor(
    key: string,
    code: string,
    reason: string,
    more: { errno?: number; missing?: "interface" | "feature" | "key"; actual?: string; doing?: string } = {},
  ) {
    super(`${more.doing ?? "cannot set"} ${key}: ${reason} (${code})`);
    this.code = code;
    this.errno = more.errno ?? 0;
    this.key = key;
    if (more.missing !== undefined) this.missing = more.missing;
    if (more.actual !== undefined) this.actual = more.actual;
  }
}
