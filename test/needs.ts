/** Skips with a reason: what a test needs and this machine lacks, and the line that brings it. */
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
};

/** Skips unless all of these programs are installed. */
export function needs(context: Mocha.Context, ...programs: readonly string[]): void {
  const missing = programs.filter((program) => !find(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program] ?? program))];
  skip(context, `${missing.join(" and ")} not installed; apt-get install ${packages.join(" ")}`);
}
