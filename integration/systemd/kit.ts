/** A throw-away host whose first process is the machine's own systemd: see `boot`, beside this file. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { needs, skip } from "../../test/needs.ts";

/** The checkout; inside it is at the same place. */
export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** The command as it is shipped. */
export const COMMAND: readonly string[] = [process.execPath, join(ROOT, "dist/lib/cli/main.js")];

/** Where `npm install --global` puts the package: no unit can see what lies in the machine's /tmp. */
const PACKAGE = "/usr/local/lib/node_modules/linkwright";
/** The file system that a host begins with: that of the machine, or of another version of systemd. See `run`, beside this file. */
export const TREE = process.env["LINKWRIGHT_SYSTEMD"] ?? "/";
/** How the command is told which version that is; by itself it asks this machine's. */
export const VERSION: readonly string[] = TREE === "/" ? [] : ["--systemd", basename(TREE)];
const BOOT = join(ROOT, "integration/systemd/boot");
const SYSTEMD = "/lib/systemd/systemd";
/** Seconds after which a host ends, whatever its test does. */
const LIFETIME = 3600;
/** Milliseconds in which it has to be ready, and in which a command has to end; on a machine with other work too. */
const PATIENCE = 120_000;
/** How `boot` says that this machine does not allow it. */
const REFUSED = 77;
/** Where `nsenter` has to go; its `--all` leaves out some where the mounted /proc is that of an outer process namespace. */
const NAMESPACES = ["mount", "net", "pid", "uts", "ipc", "cgroup"].map((name) => `--${name}`);
/** Before each command: makes sure that it is inside, and puts it in a control group that systemd leaves alone. */
const ENTER =
  '[ -e /run/linkwright-ready ] || exit 125; mkdir -p /sys/fs/cgroup/entered && echo $$ >/sys/fs/cgroup/entered/cgroup.procs && exec "$@"';
const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  NO_COLOR: "1",
  LC_ALL: "C",
};

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function collect(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** How a host is to be. */
export interface SystemdOptions {
  /** What it starts: without, what a test needs to start more. */
  readonly target?: string | undefined;
}

/** This machine does not allow it. */
class RefusedError extends Error {}

/** Root of the machine, and not of a user namespace: control groups take that. */
function isRoot(): boolean {
  return process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** One host. Its network is its own, and has nothing but `lo`. */
export class SystemdHost implements AsyncDisposable {
  readonly #boot: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #scratch: string;
  #number = "";

  private constructor(scratch: string, { target = "linkwright-test.target" }: SystemdOptions) {
    this.#scratch = scratch;
    // What is not below /usr would not be there: it may lie on another file system, or in /tmp.
    const program = realpathSync(process.execPath);
    const isThere = TREE === "/" && program.startsWith("/usr/");
    // A second checkout of the repository may have the packages of the first.
    const packages = realpathSync(join(ROOT, "node_modules"));
    const visible = [
      ROOT,
      packages,
      `${ROOT}:${PACKAGE}`,
      ...(isThere ? [] : [TREE === "/" ? dirname(program) : program]),
    ];
    const name = `linkwright-test-${randomBytes(4).toString("hex")}`;
    const args = ["--mount", "--", BOOT, "outer", scratch, name, String(LIFETIME), TREE, target, ...visible];
    this.#boot = spawn("unshare", args, { stdio: "pipe" });
    this.#ended = collect(this.#boot);
    this.#boot.stdout?.on("data", (text: string) => {
      this.#number = text.trim();
    });
  }

  /** Starts one and waits until it is ready; skips the test, with the reason, where this machine cannot have one. */
  static async start(context: Mocha.Context, options: SystemdOptions = {}): Promise<SystemdHost> {
    needs(context, "unshare", "nsenter", "setpriv", "systemd-run", "dbus-daemon", "ip");
    if (!existsSync(SYSTEMD)) skip(context, "systemd not installed; apt-get install systemd");
    if (!isRoot()) skip(context, "a systemd of its own takes root, and no user namespace");
    const host = new SystemdHost(await mkdtemp(join(tmpdir(), "linkwright-systemd-")), options);
    try {
      await host.#ready();
    } catch (error) {
      await rm(host.#scratch, { recursive: true, force: true });
      if (error instanceof RefusedError) skip(context, `no systemd of its own: ${error.message}`);
      throw error;
    }
    return host;
  }

  async #ready(): Promise<void> {
    let gone = false;
    void this.#ended.then(() => {
      gone = true;
    });
    for (const end = performance.now() + PATIENCE; performance.now() < end && !gone; await sleep(10))
      if (this.#number !== "" && existsSync(`/proc/${this.#number}/root/run/linkwright-ready`)) return;
    this.#boot.stdin?.end();
    const { code, stderr } = await this.#ended;
    if (code === REFUSED) throw new RefusedError(stderr.trim().split("\n").at(-1) ?? "");
    throw new Error(`systemd was not ready in time: ${stderr}`);
  }

  /** Its network, as a file; another one after each boot. */
  get netns(): string {
    return `/proc/${this.#number}/ns/net`;
  }

  /** Starts it again, in the orderly way: its files are there again, its network is empty. */
  async reboot(): Promise<void> {
    const before = this.#number;
    await this.must("touch", "/boot-again");
    await this.run("systemctl", "reboot");
    for (const end = performance.now() + PATIENCE; this.#number === before; await sleep(10))
      if (performance.now() > end) throw new Error("systemd did not begin again in time");
    await this.#ready();
  }

  /** Starts a command in it, in all of its namespaces. */
  spawn(...command: readonly string[]): ChildProcess {
    const args = ["--target", this.#number, ...NAMESPACES, "--", "/bin/sh", "-c", ENTER, "sh", ...command];
    const limit = { timeout: PATIENCE, killSignal: "SIGKILL" } as const;
    return spawn("nsenter", args, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT, ...limit });
  }

  /** Runs a command to its end. */
  run(...command: readonly string[]): Promise<Ended> {
    return collect(this.spawn(...command));
  }

  /** Runs a command that has to succeed, and gives what it printed. */
  async must(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Runs the shipped command to its end. */
  linkwright(...args: readonly string[]): Promise<Ended> {
    return this.run(...COMMAND, ...args);
  }

  /** Puts the command where units look for it. */
  async installPackage(): Promise<void> {
    const file = "/usr/local/bin/linkwright";
    await this.write(file, `#!/bin/sh\nexec '${process.execPath}' ${PACKAGE}/dist/lib/cli/main.js "$@"\n`);
    await this.must("chmod", "+x", file);
  }

  /** Writes a file in it. */
  async write(path: string, text: string): Promise<void> {
    await this.must("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "sh", path, text);
  }

  /** Kills it, and makes sure that nothing of it is left. */
  async end(): Promise<void> {
    this.#boot.stdin?.end();
    const { code, stderr } = await this.#ended;
    await rm(this.#scratch, { recursive: true, force: true });
    if (code !== 0) throw new Error(`systemd did not end well: ${stderr}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
