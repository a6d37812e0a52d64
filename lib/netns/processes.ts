/**
 * Processes and the network namespaces that they hold, as /proc tells.
 *
 * The mounted /proc may belong to an outer process namespace (it does in a sandbox): the numbers in it are then not
 * ours, and have to be translated by the `NSpid` line of /proc/<pid>/status.
 */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";

/** The type of the file system of namespaces. Source: include/uapi/linux/magic.h */
export const NSFS_MAGIC = 0x6e73_6673;

/** A process that keeps a namespace alive. */
export interface Holder {
  /** As this process numbers it. */
  readonly pid: number;
  /** The name of its program, as in /proc/<pid>/comm. */
  readonly command: string;
  /** `inside`: a thread of it lives there; `descriptor`: it has the namespace open; `mount`: it is mounted there. */
  readonly how: "inside" | "descriptor" | "mount";
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
function tryLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
function tryList(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Numbers of one process, from the namespace that /proc was mounted for to its own. */
function numbers(status: string): number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? "";
  return line.split(/\s+/).filter(Boolean).map(Number);
}

/** How many process namespaces lie between the mounted /proc and this process; 0 where it is our own. */
function depth(): number {
  return Math.max(0, numbers(tryRead("/proc/self/status")).length - 1);
}

/** The directory of a process in /proc, for a process that this process knows as `pid`. */
export function processDirectory(pid: number): string | undefined {
  const level = depth();
  if (level === 0) return `/proc/${pid}`;
  const ours = tryLink("/proc/self/ns/pid");
  for (const entry of tryList("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const chain = numbers(tryRead(`/proc/${entry}/status`));
    if (chain[level] !== pid) continue;
    // Another sandbox may number its processes alike.
    if (chain.length > level + 1 || tryLink(`/proc/${entry}/ns/pid`) === ours) return `/proc/${entry}`;
  }
  return undefined;
}

/** Whether a descriptor is the namespace; one that was opened by its name is shown by that. */
function isOpen(path: string, link: string, inode: number): boolean {
  const target = tryLink(path);
  if (target === link) return true;
  if (!target.startsWith("/")) return false;
  try {
    return statSync(path).ino === inode && statfsSync(path).type === NSFS_MAGIC;
  } catch {
    return false;
  }
}

function holds(directory: string, link: string, inode: number): Holder["how"] | undefined {
  if (tryLink(`${directory}/ns/net`) === link) return "inside";
  for (const task of tryList(`${directory}/task`))
    if (tryLink(`${directory}/task/${task}/ns/net`) === link) return "inside";
  for (const fd of tryList(`${directory}/fd`)) if (isOpen(`${directory}/fd/${fd}`, link, inode)) return "descriptor";
  return undefined;
}

/**
 * Processes that can be seen to hold the namespace with this inode. A process that has no more than a socket in it
 * cannot be seen. Same as: ip netns pids, and those who have it open.
 */
export function findHolders(inode: number): Holder[] {
  const link = `net:[${inode}]`;
  const level = depth();
  const mounts = new Set<string>();
  const found: Holder[] = [];
  for (const entry of tryList("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const directory = `/proc/${entry}`;
    const how = holds(directory, link, inode) ?? (mountedBy(directory, link, mounts) ? "mount" : undefined);
    const pid = numbers(tryRead(`${directory}/status`))[level];
    if (how !== undefined && pid !== undefined)
      found.push({ pid, command: tryRead(`${directory}/comm`).trimEnd(), how });
  }
  return found;
}

/** Whether the mount namespace of a process, unless seen already, has this namespace mounted somewhere. */
function mountedBy(directory: string, link: string, seen: Set<string>): boolean {
  const namespace = tryLink(`${directory}/ns/mnt`);
  if (namespace === "" || seen.has(namespace)) return false;
  seen.add(namespace);
  return tryRead(`${directory}/mountinfo`)
    .split("\n")
    .some((line) => line.includes(` ${link} `));
}
