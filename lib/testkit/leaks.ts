/** What a test left behind: descriptors, named namespaces, processes. */
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Netns } from "../netns/netns.ts";
import { NSFS_MAGIC } from "../netns/processes.ts";

/** What exists at one moment. */
export interface Inventory {
  /** What descriptors of this process refer to, as /proc/self/fd shows it. */
  readonly descriptors: readonly string[];
  /** Names of namespaces. */
  readonly namespaces: readonly string[];
  /** Other processes of this sandbox: number in /proc, and name. */
  readonly processes: readonly string[];
}

/** Something was left behind; the message names all of it. */
export class LeakError extends Error {
  override readonly name = "LeakError";
  readonly code = "ERR_LEAK";
  readonly leaks: readonly string[];

  constructor(leaks: readonly string[]) {
    super(`left behind: ${leaks.join(", ")}`);
    this.leaks = leaks;
  }
}

function tryDo<T>(step: () => T, otherwise: T): T {
  try {
    return step();
  } catch {
    return otherwise;
  }
}

/** What a descriptor refers to; a namespace that was opened by name would be shown as a path, or as `/` later on. */
function target(path: string): string {
  const link = readlinkSync(path);
  if (!link.startsWith("/") || statfsSync(path).type !== NSFS_MAGIC) return link;
  return `namespace ${statSync(path).ino}`;
}

function descriptors(): string[] {
  // The descriptor that lists the others is gone by the time its link would be read.
  const targets = readdirSync("/proc/self/fd").flatMap((fd) => tryDo(() => [target(`/proc/self/fd/${fd}`)], []));
  // Node keeps one of these from its first child process on.
  return targets.filter((name) => name !== "/dev/null");
}

/** Processes below this one; zombies are none any more. */
function processes(): string[] {
  const parents = new Map<string, string>();
  const names = new Map<string, string>();
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = tryDo(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat === "" || state === "Z" || state === "X" || parent === undefined) continue;
    parents.set(pid, parent);
    names.set(pid, stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")));
  }
  const self = readlinkSync("/proc/self");
  const ours = tryDo(() => readlinkSync("/proc/self/ns/pid"), "");
  const outside = tryDo(() => readlinkSync("/proc/1/ns/pid"), "?");
  const found: string[] = [];
  for (const [pid, name] of names) {
    if (pid === self) continue;
    let at: string | undefined = pid;
    while (at !== undefined && at !== self) at = parents.get(at);
    // An orphan has another parent, but in a sandbox of our own it is still in the same process namespace.
    const orphan = ours !== outside && tryDo(() => readlinkSync(`/proc/${pid}/ns/pid`), "-") === ours;
    if (at === self || orphan) found.push(`${pid} (${name})`);
  }
  return found;
}

/** Looks at what exists now. */
export function takeInventory(): Inventory {
  return { descriptors: descriptors(), namespaces: Netns.list(), processes: processes() };
}

/** Those of `after` that are not in `before`, as often as they are too many. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  return after.filter((entry) => {
    const at = left.indexOf(entry);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** What is there now and was not there before, in words. */
export function compareInventories(before: Inventory, after: Inventory): string[] {
  return [
    ...added(before.descriptors, after.descriptors).map((name) => `descriptor of ${name}`),
    ...added(before.namespaces, after.namespaces).map((name) => `namespace ${name}`),
    ...added(before.processes, after.processes).map((process) => `process ${process}`),
  ];
}

/** Milliseconds, where nobody says how long. */
export const PATIENCE = 5000;

/** What {@link leakCheck} may be told. */
export interface LeakCheckOptions {
  /**
   * Milliseconds until what is there is left behind: threads and processes take a moment to end, on a busy machine a long
   * one. Nothing is waited for where nothing is left. Default 5000.
   */
  readonly settle?: number;
  /** What may stay, as the message would name it. */
  readonly ignore?: RegExp;
}

/**
 * Remembers what exists now; the function returned throws a {@link LeakError} if there is more. As a root hook of
 * mocha: `let check; export const mochaHooks = { beforeEach() { check = leakCheck(); }, afterEach: () => check() }`
 */
export function leakCheck({ settle = PATIENCE, ignore }: LeakCheckOptions = {}): () => Promise<void> {
  const before = takeInventory();
  return async () => {
    const end = performance.now() + settle;
    for (let pause = 2; ; pause = Math.min(2 * pause, 50)) {
      const leaks = compareInventories(before, takeInventory()).filter((leak) => ignore?.test(leak) !== true);
      if (leaks.length === 0) return;
      if (performance.now() >= end) throw new LeakError(leaks);
      await sleep(pause);
    }
  };
}
