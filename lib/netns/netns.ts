/** Network namespaces: making, naming, opening, entering. Named ones are those of `ip netns`, in both directions. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { fstatSync, lstatSync, readdirSync, statfsSync } from "node:fs";
import type { Worker, WorkerOptions } from "node:worker_threads";
import { loadBinding } from "../../native-bindings/index.ts";
import { checked, NetnsError } from "./error.ts";
import { findHolders, type Holder, NSFS_MAGIC, processDirectory } from "./processes.ts";

/** Where named namespaces are mounted; iproute2 has the same. */
export const NETNS_DIRECTORY = "/run/netns";
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** What tells one namespace from another. */
export interface NetnsIdentity {
  readonly inode: number;
  readonly device: number;
}

/** What `Netns.remove` found. */
export interface Removal {
  /** Who still kept the namespace alive at the end of the waiting: it lives on, without its name. */
  readonly holders: readonly Holder[];
}

/** Throws unless `name` may name a namespace. */
export function checkNetnsName(name: unknown): asserts name is string {
  if (typeof name === "string" && NAME.test(name) && !name.includes("..")) return;
  const shown = JSON.stringify(typeof name === "string" && name.length > 80 ? `${name.slice(0, 80)}…` : name);
  const reason = `expected 1 to 64 of A-Z a-z 0-9 _ . -, not first . or -, and no "..", got ${shown ?? typeof name}`;
  throw new NetnsError("use this namespace name", String(shown), "ERR_NETNS_NAME", 0, reason);
}

/** Instead of a descriptor: the namespace of the calling thread. */
export const HERE = -1;

/** A namespace for the native layer: entering one takes a privilege, even where it is one's own, so that it is not entered. */
export function placeOf(netns: Netns): number {
  using here = Netns.current();
  return netns.equals(here) ? HERE : netns.fd;
}

const lost = new FinalizationRegistry<number>((fd) => {
  process.emitWarning(`a Netns was never closed (descriptor ${fd})`, { code: "LINKWRIGHT_NETNS_LOST" });
  loadBinding().nsClose(fd);
});

function makeNamespace(): Promise<number> {
  const doing = "create a network namespace";
  return new Promise((resolve, reject) => {
    const done = (fd: number): void => {
      try {
        resolve(checked(fd, doing, ""));
      } catch (error) {
        reject(error);
      }
    };
    checked(loadBinding().nsNew(done), doing, "");
  });
}

function openTarget(target: string | { readonly pid: number }): Netns {
  if (typeof target === "object") {
    const { pid } = target;
    if (!Number.isSafeInteger(pid) || pid <= 0)
      throw new NetnsError("open a namespace", String(pid), "ESRCH", 0, `expected a process number, got ${pid}`);
    const doing = `open the network namespace of process ${pid}`;
    const directory = processDirectory(pid);
    if (directory === undefined) throw new NetnsError(doing, String(pid), "ESRCH", -3, "there is no such process");
    return new Netns(checked(loadBinding().nsOpen(`${directory}/ns/net`), doing, String(pid)));
  }
  const isPath = typeof target === "string" && target.includes("/") && !target.includes("\0");
  if (!isPath) checkNetnsName(target);
  const path = isPath ? target : `${NETNS_DIRECTORY}/${target}`;
  const fd = checked(loadBinding().nsOpen(path), `open the network namespace ${JSON.stringify(target)}`, target);
  return new Netns(fd, isPath ? undefined : target);
}

/**
 * One network namespace, held by a descriptor. Closing it (or leaving an `await using` block) lets go of the
 * namespace; a named one stays until it is removed.
 */
export class Netns implements Disposable, AsyncDisposable {
  /** The name under /run/netns, where it was made or opened by name. */
  readonly name: string | undefined;
  #fd: number;

  /** Takes over a descriptor that the native layer made. */
  constructor(fd: number, name?: string) {
    this.#fd = fd;
    this.name = name;
    lost.register(this, fd, this);
  }

  /** Makes a namespace; without a name it lasts as long as somebody holds it. Same as: ip netns add NAME */
  static async create(name?: string): Promise<Netns> {
    if (name !== undefined) checkNetnsName(name);
    const netns = new Netns(await makeNamespace(), name);
    if (name === undefined) return netns;
    try {
      const doing = `create the network namespace ${name}`;
      checked(loadBinding().nsDir(NETNS_DIRECTORY), doing, name);
      checked(loadBinding().nsBind(netns.fd, `${NETNS_DIRECTORY}/${name}`), doing, name);
      return netns;
    } catch (error) {
      netns.close();
      throw error;
    }
  }

  /** Opens a namespace by name, by path (whatever has a slash), or by a process that lives in it. */
  static open(target: string | { readonly pid: number }): Netns {
    return openTarget(target);
  }

  /** The namespace that the calling thread lives in. */
  static current(): Netns {
    return new Netns(checked(loadBinding().nsSelf(), "open the current network namespace", ""));
  }

  /** Names of the named namespaces; files that are no namespaces are left out. Same as: ip netns list */
  static list(): string[] {
    let names: string[];
    try {
      names = readdirSync(NETNS_DIRECTORY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    return names.filter(isNamespaceFile).sort();
  }

  /**
   * Takes the name away, and with it the namespace unless somebody holds it: waits up to `wait` milliseconds for
   * holders to leave and reports those that did not. What was in it (the far ends of its veths) goes some 20 to 60 ms
   * later. A file that is no namespace, left by somebody who died half-way, is removed too.
   * Same as: ip netns delete NAME
   */
  static async remove(name: string, { wait = 200 }: { readonly wait?: number } = {}): Promise<Removal> {
    checkNetnsName(name);
    const path = `${NETNS_DIRECTORY}/${name}`;
    const fd = loadBinding().nsOpen(path);
    const inode = fd >= 0 ? fstatSync(fd).ino : undefined;
    if (fd >= 0) loadBinding().nsClose(fd);
    checked(loadBinding().nsUnbind(path), `remove the network namespace ${name}`, name);
    if (inode === undefined) return { holders: [] };
    const end = performance.now() + wait;
    for (let pause = 5; ; pause = Math.min(2 * pause, 50)) {
      const holders = findHolders(inode);
      if (holders.length === 0 || performance.now() >= end) return { holders };
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** The descriptor, for whatever opens sockets or files in this namespace. It stays this object's own. */
  get fd(): number {
    if (this.#fd < 0) throw new NetnsError("use a namespace", this.name ?? "", "EBADF", -9, "it was closed already");
    return this.#fd;
  }

  /** Equal for two objects of the same namespace, and for no others while both are open. */
  get identity(): NetnsIdentity {
    const { ino, dev } = fstatSync(this.fd);
    return { inode: ino, device: dev };
  }

  /** Whether both are the same namespace. */
  equals(other: Netns): boolean {
    const [a, b] = [this.identity, other.identity];
    return a.inode === b.inode && a.device === b.device;
  }

  /** Who holds this namespace, this process included. Same as: ip netns pids NAME, and more */
  holders(): Holder[] {
    return findHolders(this.identity.inode);
  }

  /**
   * Starts a program inside, without a shell. Unlike `ip netns exec` it leaves /sys as it is.
   * Same as: nsenter --net=FILE PROGRAM…
   */
  run(file: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
    const { spawn } = process.getBuiltinModule("node:child_process");
    return this.#inside(`run ${file} in a network namespace`, () => spawn(file, args, { ...options, shell: false }));
  }

  /**
   * Starts a worker thread that lives inside: all sockets that it opens belong to the namespace. Names are still
   * resolved outside, as `dns.lookup` uses threads of the whole process.
   */
  worker(url: string | URL, options: WorkerOptions = {}): Worker {
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    return this.#inside("start a worker in a network namespace", () => new Worker(url, options));
  }

  #inside<T>(doing: string, step: () => T): T {
    let result: { readonly value: T } | undefined;
    const enter = loadBinding().nsCall(this.fd, () => {
      result = { value: step() };
    });
    checked(enter, doing, this.name ?? "");
    if (result === undefined) throw new NetnsError(doing, this.name ?? "", "EINVAL", 0, "it was not started");
    return result.value;
  }

  /** Gives the descriptor away, and is closed from then on. */
  release(): number {
    const fd = this.fd;
    this.#fd = -1;
    lost.unregister(this);
    return fd;
  }

  /** Lets go of the namespace. May be called again. */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    lost.unregister(this);
    checked(loadBinding().nsClose(fd), "close a network namespace", this.name ?? "");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function isNamespaceFile(name: string): boolean {
  try {
    const path = `${NETNS_DIRECTORY}/${name}`;
    return !lstatSync(path).isSymbolicLink() && statfsSync(path).type === NSFS_MAGIC;
  } catch {
    return false;
  }
}
