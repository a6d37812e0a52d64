/** Where others find the namespace of a host: those whom the first process starts live in the namespace of that. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { checkNetnsName, NETNS_DIRECTORY, Netns } from "../netns/netns.ts";

/** Whether a file is this namespace; undefined where it cannot be looked at. */
function isAt(netns: Netns, path: string): boolean | undefined {
  const { inode, device } = netns.identity;
  try {
    const { ino, dev } = statSync(path);
    return ino === inode && dev === device;
  } catch {
    return undefined;
  }
}

function mayBeNamed(name: string): boolean {
  try {
    checkNetnsName(name);
    return true;
  } catch {
    return false;
  }
}

/** Whether the first process lives in it; undefined for whoever may not look. */
export const isFirst = (netns: Netns): boolean | undefined => isAt(netns, "/proc/1/ns/net");

/** Its name under /run/netns, also where it was not opened by that: `ip netns exec` starts programs inside. */
export function nameOf(netns: Netns): string | undefined {
  if (netns.name !== undefined || isFirst(netns)) return netns.name;
  return Netns.list().find((name) => mayBeNamed(name) && isAt(netns, join(NETNS_DIRECTORY, name)) === true);
}
