/** Runs the systemd-networkd of this machine on a namespace, without systemd as the first process. */
import { equal } from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { skip } from "../../test/needs.ts";
import { TREE } from "../systemd/kit.ts";

/** The program, from the root of a tree on. */
export const NETWORKD = "/lib/systemd/systemd-networkd";

/** Skips where networkd is not there, or cannot become the user that it runs as. */
export function needNetworkd(context: Mocha.Context): void {
  if (!existsSync(NETWORKD)) skip(context, "systemd-networkd is not installed: apt-get install systemd");
  const whole = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
  if (process.getuid?.() !== 0 || !whole)
    skip(context, "systemd-networkd changes its user, which only root lets it do");
}

/** The id of the machine that networkd believes to be on. */
export const MACHINE_ID = "0123456789abcdef0123456789abcdef";

/**
 * Mounts of its own over all that networkd writes: /run with its state, /tmp, /etc/systemd/network with the files of the
 * test, keys that it brings along, a machine id,
 * a tun device that all may open, as udev leaves it, and /sys of the namespace, read-only, by which networkd knows that there is no udev to wait for.
 * The shell stays: what changes its user, as networkd does, is no longer killed with its parent.
 */
const INSIDE = `
set -eu
mount --make-rprivate /
[ "$2" = / ] || mount --bind "$2" "$2"
[ "$2" = / ] || mount --bind /dev "$2/dev"
mount -t tmpfs -o mode=755 tmpfs "$2/etc/systemd/network"
cp "$1"/etc/systemd/network/* "$2/etc/systemd/network/"
mount -t tmpfs -o mode=755 tmpfs "$2/run"
mkdir -p "$2/run/systemd/netif" "$2/run/systemd/network"
mount --bind "$1/netif" "$2/run/systemd/netif"
mkdir "$2/run/keys"
[ ! -d "$1/keys" ] || mount --bind "$1/keys" "$2/run/keys"
mount -t tmpfs tmpfs "$2/tmp"
mkdir -p "$2$1/keys"
mount --bind "$2/run/keys" "$2$1/keys"
mkdir -p "$2"/run/systemd/netif/links "$2"/run/systemd/netif/leases "$2"/run/systemd/netif/lldp
chroot "$2" chown -R systemd-network: /run/systemd/netif
echo ${MACHINE_ID} >"$2/run/machine-id"
[ ! -e "$2/etc/machine-id" ] || mount --bind "$2/run/machine-id" "$2/etc/machine-id"
mknod -m 666 "$2/run/tun" c 10 200
[ ! -e "$2/dev/net/tun" ] || mount --bind "$2/run/tun" "$2/dev/net/tun"
mount -t proc proc "$2/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$2/sys"
chroot "$2" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_LOG_TARGET=console-prefixed SYSTEMD_LOG_COLOR=0 SYSTEMD_LOG_LEVEL=info ${NETWORKD}
exit $?
`;

/** What newer ones miss where systemd is not the first process. */
const ALONE = /cgroup|varlink socket/;

/** The least priority that is a warning, and how many there are: what stands above it is of whom it comes from. */
const [WARNING, PRIORITIES] = [4, 8];

/** Whether a line of networkd is a complaint: a warning or worse, or one that it takes lighter. */
export const isComplaint = (priority: number, text: string): boolean =>
  priority % PRIORITIES <= WARNING || /unknown|ignor|fail|could not|invalid|not set|refus|already/i.test(text);

/** Milliseconds in which links have to be configured, on another kernel or a busy machine too. */
const PATIENCE = 30_000;

/** A running networkd. */
export class Networkd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #state: string;
  #said = "";

  constructor(netns: string, files: string) {
    this.#state = join(files, "netif", "links");
    mkdirSync(join(files, "netif"));
    const outer = [`--net=/run/netns/${netns}`, "unshare", "--mount", "--pid", "--fork", "--kill-child"];
    this.#child = spawn("nsenter", [...outer, "sh", "-c", INSIDE, "sh", files, TREE], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
      });
  }

  /** What it said that is a complaint, by its priority or by its words. */
  get complaints(): readonly string[] {
    return this.#said.split("\n").flatMap((line) => {
      const [, priority = "6", text = ""] = /^(?:<(\d+)>)?(.*)$/.exec(line) ?? [];
      return isComplaint(Number(priority), text) && !ALONE.test(text) ? [text] : [];
    });
  }

  /** Waits until the links of these names are configured. */
  async configured(netns: string, ...names: readonly string[]): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (const name of names)
      while (!this.isConfigured(netns, name)) {
        if (Date.now() > deadline || this.#child.exitCode !== null)
          throw new Error(`${name}: not configured; ${this.#said}`);
        await wait(20);
      }
  }

  /** Whether it is done with a link. */
  isConfigured(netns: string, name: string): boolean {
    const index = spawnSync("ip", ["-n", netns, "-json", "link", "show", name], { encoding: "utf8" });
    if (index.status !== 0) return false;
    const [link] = JSON.parse(index.stdout) as { ifindex: number }[];
    try {
      return readFileSync(join(this.#state, String(link?.ifindex)), "utf8").includes("ADMIN_STATE=configured");
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.on("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** What a program prints, which has to end well. */
export function output(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  equal(error, undefined);
  equal(status, 0, stderr);
  return stdout;
}

/** All sysctls of links, and those that forward, as the kernel has them in a namespace. */
export function sysctlsOf(netns: string): Readonly<Record<string, string>> {
  const script = "cd /proc/sys/net && grep -r '' ipv4/conf ipv6/conf ipv4/ip_forward 2>/dev/null";
  const { stdout } = spawnSync("nsenter", [`--net=/run/netns/${netns}`, "sh", "-c", script], { encoding: "utf8" });
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/:(.*)/s).slice(0, 2)),
  );
}
