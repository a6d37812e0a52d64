/**
 * Sysctls whose value is told nobody: what the IPv6 addresses of an interface are made of.
 *
 * Source: Documentation/networking/ip-sysctl.rst (stable_secret), RFC 7217.
 */

/** Whether the value of a sysctl is a secret. */
export function isSecret(path: readonly string[]): boolean {
  return path.length === 5 && path[1] === "ipv6" && path[2] === "conf" && path[4] === "stable_secret";
}

/** A value as messages have it. */
export function shownValue(path: readonly string[], value: string | undefined): string {
  return isSecret(path) ? "this secret" : JSON.stringify(value);
}
