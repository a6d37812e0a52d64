/** Runs the compiled command, and a host for it to work on. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Host } from "../../lib/host.ts";
import { TestNamespace } from "../../lib/testkit/index.ts";

const build = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The compiled command. */
export const main = join(build, "lib/cli/main.js");
/** The text of an example. */
export const example = (name: string): string => readFileSync(join(dirname(build), "examples", `${name}.yaml`), "utf8");

/** How a run ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export function linkwright(...args: readonly string[]): Ended {
  const env = { ...process.env, LINKWRIGHT_DEBUG: "", NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
  return { status, stdout, stderr };
}

const started: ChildProcess[] = [];
/** Ends whatever `startUntil` started and a failed test left. */
export async function endStarted(): Promise<void> {
  for (const child of started.splice(0)) {
    child.kill("SIGKILL");
    await ended(child);
  }
}

/** Starts the command, and waits until it has printed this. */
export async function startUntil(printed: RegExp, ...args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let said = "";
  await new Promise<void>((resolve, reject) => {
    const take = (text: string): void => {
      said += text;
      if (printed.test(said)) resolve();
    };
    child.stdout?.setEncoding("utf8").on("data", take);
    child.stderr?.setEncoding("utf8").on("data", take);
    child.on("close", () => reject(new Error(`ended too early: ${said}`)));
  });
  return child;
}

/** Waits for the end of a child; returns its exit code, or the signal. */
export function ended(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
}

/** A directory for documents that is gone at the end of the block. */
export class Documents implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "linkwright-test-"));

  /** Writes a file, and returns its path. */
  write(text: string | Uint8Array, name = "document.yaml"): string {
    const file = join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }
  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const SYSCTLS = [
  "net.ipv4.ip_forward",
  ...["all", "default", "ens34f0"].flatMap((dev) =>
    ["forwarding", "rp_filter", "accept_redirects"].map((one) => `net.ipv4.conf.${dev}.${one}`),
  ),
];

/** A host as the story has it: a namespace with a network card. */
export class Machine implements AsyncDisposable {
  readonly name: string;
  readonly host: Host;
  readonly #namespace: TestNamespace;

  constructor(namespace: TestNamespace, host: Host) {
    this.name = namespace.name ?? "";
    this.host = host;
    this.#namespace = namespace;
  }

  static async create(): Promise<Machine> {
    const namespace = await TestNamespace.create();
    const host = await Host.open({ netns: namespace });
    // What IPv6 does by itself would look like changes.
    for (const which of ["all", "default"]) await host.sysctls.set(`net.ipv6.conf.${which}.disable_ipv6`, 1);
    await host.links.update("lo", { up: true });
    await host.links.create({ kind: "veth", name: "ens34f0", peer: { name: "cable" }, up: true });
    await host.links.update("cable", { up: true });
    for (const name of ["ens34f0", "cable"])
      while ((await host.links.get(name))?.operstate !== "up") await new Promise((resolve) => setTimeout(resolve, 2));
    await host.addresses.create({ address: "192.168.0.23/24", dev: "ens34f0" });
    return new Machine(namespace, host);
  }

  /** Everything that a change would show in, as text. */
  async state(): Promise<string> {
    const { links, addresses, routes, fdb, neighbors, nftables, sysctls } = this.host;
    const settled = (await links.list()).map(({ wire: _, statistics: __, ...rest }) => rest);
    return JSON.stringify(
      {
        links: settled.map((link) => ({ ...link, gcTimer: 0, helloTimer: 0, topologyChangeTimer: 0, tcnTimer: 0 })),
        addresses: (await addresses.list()).map(({ address, dev }) => [address, dev]),
        routes: (await routes.list({ table: "all" })).map(({ dst, dev, via }) => [dst, dev, via]),
        fdb: (await fdb.list()).map(({ mac, dev, dst }) => [mac, dev, dst]),
        neighbors: (await neighbors.list()).map(({ address, dev }) => [address, dev]),
        tables: (await nftables.list()).map(({ family, name }) => [family, name]),
        sysctls: await sysctls.snapshot(SYSCTLS),
      },
      null,
      1,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.host.close();
    await this.#namespace.end();
  }
}
