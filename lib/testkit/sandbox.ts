/**
 * A throw-away sandbox for programs that configure networks: own network, mount and process namespaces, and an own
 * user namespace where the caller is not root. When the program or its parent ends, however it ends, all of it is gone.
 *
 * Starts util-linux's `unshare`, which gives a single-threaded process the user namespace that Node cannot enter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** Names the environment variable that holds the inode of the network namespace outside the sandbox. */
export const SANDBOX_VARIABLE = "LINKWRIGHT_SANDBOX";

/** What {@link runInSandbox} may be told. */
export interface SandboxOptions {
  /** Working directory of the program. */
  readonly cwd?: string;
  /** Environment of the program; the caller's own where it is not given. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether to make a user namespace too; by default only where the caller is not root. */
  readonly userNamespace?: boolean;
  /** Ends the program with SIGTERM. */
  readonly signal?: AbortSignal;
}

/** Why there is no sandbox, in one line that says how to allow it. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
  readonly code: "ERR_SANDBOX" | "ERR_NOT_SANDBOXED";
  /** The setting or program at fault: `user.max_user_namespaces`, `unshare`. */
  readonly obstacle: string;

  constructor(code: "ERR_SANDBOX" | "ERR_NOT_SANDBOXED", obstacle: string, message: string) {
    super(message);
    this.code = code;
    this.obstacle = obstacle;
  }
}

/** Settings that forbid namespaces: where they stand, the value that forbids, and what allows them. */
const OBSTACLES: readonly (readonly [file: string, forbids: string, user: boolean, cure: string])[] = [
  ["user/max_user_namespaces", "0", true, "sysctl -w user.max_user_namespaces=15000"],
  ["kernel/unprivileged_userns_clone", "0", true, "sysctl -w kernel.unprivileged_userns_clone=1"],
  [
    "kernel/apparmor_restrict_unprivileged_userns",
    "1",
    true,
    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  ],
  ["user/max_net_namespaces", "0", false, "sysctl -w user.max_net_namespaces=15000"],
  ["user/max_mnt_namespaces", "0", false, "sysctl -w user.max_mnt_namespaces=15000"],
  ["user/max_pid_namespaces", "0", false, "sysctl -w user.max_pid_namespaces=15000"],
];

function readSetting(file: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${file}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * Says why `unshare` failed. `said` is what it printed, `read` reads a file under /proc/sys (undefined: not there).
 */
export function explainObstacle(
  userNamespace: boolean,
  said: string,
  read: (file: string) => string | undefined = readSetting,
): SandboxError {
  for (const [file, forbids, onlyUser, cure] of OBSTACLES) {
    if ((onlyUser && !userNamespace) || read(file) !== forbids) continue;
    const setting = file.replaceAll("/", ".");
    const reason = `no sandbox: ${setting} is ${forbids} on this machine; allow it as root with: ${cure}`;
    return new SandboxError("ERR_SANDBOX", setting, reason);
  }
  const words = said.trim().split("\n").at(-1) || "unshare failed without a word";
  const cure = "in a container, start it with --privileged, or with CAP_SYS_ADMIN and without the seccomp profile";
  return new SandboxError("ERR_SANDBOX", "unshare", `no sandbox: ${words}; ${cure}`);
}

/** The inode of the calling thread's network namespace. Same as: stat -L -c %i /proc/thread-self/ns/net */
export function currentNetworkNamespace(): string {
  return String(statSync("/proc/thread-self/ns/net", { bigint: true }).ino);
}

/**
 * Throws unless this thread runs in a network namespace other than the one outside the sandbox: whatever changes the
 * network for the sake of a test calls it first.
 */
export function assertSandboxed(
  env: NodeJS.ProcessEnv = process.env,
  current: () => string = currentNetworkNamespace,
): void {
  const outer = env[SANDBOX_VARIABLE];
  if (outer === undefined || !/^\d+$/.test(outer))
    throw new SandboxError(
      "ERR_NOT_SANDBOXED",
      SANDBOX_VARIABLE,
      "refusing to touch the network of this machine: run this inside `linkwright sandbox -- <command>`",
    );
  if (outer === current())
    throw new SandboxError(
      "ERR_NOT_SANDBOXED",
      "netns",
      `refusing to touch the network of this machine: this thread is in the namespace outside the sandbox (${outer})`,
    );
}

/** Whether the terminal has sent this process group the signal already, as it does for Ctrl-C. */
function terminalSignals(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    // After the name in parentheses: state ppid pgrp session tty_nr tpgid
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    return false;
  }
}

function forwardSignals(child: ChildProcess): () => void {
  const forward = (name: NodeJS.Signals): void => {
    if ((name === "SIGINT" || name === "SIGQUIT") && terminalSignals()) return;
    if (child.connected) child.send(name, () => undefined);
  };
  const names: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  for (const name of names) process.on(name, forward);
  return () => {
    for (const name of names) process.off(name, forward);
  };
}

function unshareArguments(userNamespace: boolean, command: readonly string[]): string[] {
  const main = import.meta.url.endsWith(".ts") ? "../testkit/sandbox-main.ts" : "../testkit/sandbox-main.js";
  return [
    ...(userNamespace ? ["--user", "--map-root-user"] : []),
    ...["--net", "--mount", "--pid", "--fork", "--kill-child", "--"],
    ...[process.execPath, fileURLToPath(new URL(main, import.meta.url)), ...command],
  ];
}

/**
 * Runs a program in a sandbox and returns its exit code (128 + n if signal n ended it). Standard streams are the
 * caller's; SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on. Same as: linkwright sandbox -- command…
 *
 * @throws {SandboxError} when this machine forbids namespaces.
 */
export async function runInSandbox(command: readonly string[], options: SandboxOptions = {}): Promise<number> {
  if (command.length === 0) throw new SandboxError("ERR_SANDBOX", "command", "no sandbox: there is no command to run");
  const userNamespace = options.userNamespace ?? process.geteuid?.() !== 0;
  const child = spawn("unshare", unshareArguments(userNamespace, command), {
    // The program gets 0, 1 and 4; 2 is for what goes wrong before it starts, 3 ends the sandbox when we are gone.
    stdio: [0, 1, "pipe", "ipc", 2],
    env: { ...(options.env ?? process.env), [SANDBOX_VARIABLE]: currentNetworkNamespace() },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return await supervise(child, userNamespace, options.signal);
}

function supervise(child: ChildProcess, userNamespace: boolean, signal?: AbortSignal): Promise<number> {
  let started = false;
  let failure: string | undefined;
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.on("message", (message: { readonly started?: true; readonly failure?: string }) => {
    started = true;
    failure = message.failure ?? failure;
  });
  const stop = (): void => {
    if (child.connected) child.send("SIGTERM", () => undefined);
  };
  const unforward = forwardSignals(child);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return new Promise<number>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => reject(cannotStart(error)));
    child.on("close", (code, by) => {
      if (!started) reject(explainObstacle(userNamespace, said));
      else if (failure !== undefined) reject(new SandboxError("ERR_SANDBOX", "command", `sandbox: ${failure}`));
      else resolve(code ?? 128 + (by === null ? 0 : constants.signals[by]));
    });
  }).finally(() => {
    unforward();
    signal?.removeEventListener("abort", stop);
  });
}

function cannotStart(error: NodeJS.ErrnoException): SandboxError {
  const reason =
    error.code === "ENOENT"
      ? "the program unshare (or the working directory) is missing; it is in the package util-linux"
      : error.message;
  return new SandboxError("ERR_SANDBOX", "unshare", `no sandbox: ${reason}`);
}
