/** Skips with a reason: what a test needs and this machine lacks, and the line that brings it. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const reasons = new WeakMap<object, string>();

/** Skips the running test, or all tests of the suite when called in a `before` hook, and remembers why. */
export function skip(context: Mocha.Context, reason: string): never {
  const running = context.currentTest ?? context.test;
  if (running !== undefined) {
    reasons.set(running, reason);
    running.parent?.eachTest((test) => reasons.set(test, reasons.get(test) ?? reason));
  }
  return context.skip();
}

/** Why a test was skipped. */
export function reasonOf(test: Mocha.Test): string | undefined {
  return reasons.get(test);
}

function find(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian's package for each program that tests compare with. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: "iproute2",
  bridge: "iproute2",
  tc: "iproute2",
  nft: "nftables",
  ethtool: "ethtool",
  strace: "strace",
  tcpdump: "tcpdump",
  ping: "iputils-ping",
  openssl: "openssl",
  unshare: "util-linux",
  nsenter: "util-linux",
  gcc: "gcc",
  setpriv: "util-linux",
  python3: "python3",
  wg: "wireguard-tools",
  "iptables-nft": "iptables",
  script: "bsdutils",
  "systemd-run": "systemd",
  "systemd-analyze": "systemd",
  "dbus-daemon": "dbus",
  patch: "patch",
};

/** Whether the kernel takes tables of the family inet; user-mode Linux as Debian builds it takes only those of bridges. */
function hasInet(): boolean {
  const { stderr } = spawnSync("nft", ["--check", "add table inet probe"], { encoding: "utf8" });
  return !stderr.includes("not supported");
}

/** Skips what takes minutes on an emulated processor and says little about its kernel. */
export function load(context: Mocha.Context): void {
  if (process.env["LINKWRIGHT_LOAD"] === "0") skip(context, "a test of load");
}

/**
 * For tests of random input, given a suite as it begins, or a running test: their first try counts. Another one would
 * draw other input, pass, and so hide what was found.
 */
export function firstTryCounts(of: Mocha.Suite | Mocha.Context): void {
  of.retries(0);
}

/** Skips unless all of these programs are installed, and the kernel has what `nft` is for. */
export function needs(context: Mocha.Context, ...programs: readonly string[]): void {
  const missing = programs.filter((program) => !find(program));
  const packages = [...new Set(missing.map((program) => PACKAGES[program] ?? program))];
  if (missing.length > 0)
    skip(context, `${missing.join(" and ")} not installed; apt-get install ${packages.join(" ")}`);
  if (programs.includes("nft") && !hasInet()) skip(context, "this kernel has no nf_tables for inet");
}
