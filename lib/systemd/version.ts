/** Which systemd the files are for. */
import { spawnSync } from "node:child_process";

/** The oldest version that files are written for. What networkd makes of them is compared for 252, 257 and 262. */
export const OLDEST = 247;

/** The version was not said, or makes no sense. */
export class VersionError extends Error {
  override readonly name = "VersionError";
  readonly code = "ERR_SYSTEMD_VERSION";
}

/** `252`, or `252.39-1~deb12u1` as systemd prints it. @throws {VersionError} */
export function parseVersion(text: string): number {
  const number = Number(/^v?(\d{1,4})(?:$|[.~-])/.exec(text)?.[1]);
  if (!Number.isInteger(number))
    throw new VersionError(`--systemd: expected a version such as 252, got ${JSON.stringify(text)}`);
  if (number < OLDEST)
    throw new VersionError(`--systemd: ${number} is too old; files are written for ${OLDEST} and later`);
  return number;
}

/** The version on this machine. Same as: systemctl --version. @throws {VersionError} where there is none */
export function detectVersion(): number {
  const { stdout, error } = spawnSync("systemctl", ["--version"], { encoding: "utf8" });
  const found = error === undefined ? /^systemd (\d+)/.exec(stdout)?.[1] : undefined;
  if (found === undefined)
    throw new VersionError(
      "there is no systemd here whose version could be asked; write --systemd VERSION, such as 252",
    );
  return parseVersion(found);
}
