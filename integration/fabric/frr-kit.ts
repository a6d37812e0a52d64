/** FRR's zebra and bgpd on the hosts of a lab, each with files of its own: nothing of the machine's FRR is touched. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { compareFrr } from "../../lib/fabric/frr/agreement.ts";
import { vtysh } from "../../lib/fabric/frr/vtysh.ts";
import type { Fabric } from "../../lib/fabric/overlay.ts";
import type { Source } from "../../lib/state/index.ts";
import type { Lab } from "../../lib/testkit/index.ts";
import { skip } from "../../test/needs.ts";
import { type Ended, main } from "../cli/kit.ts";
import { until } from "./kit.ts";

const PROGRAMS = "/usr/lib/frr";
const run = promisify(execFile);

/** Skips where there is no FRR. */
export function needsFrr(context: Mocha.Context): void {
  if (!existsSync(join(PROGRAMS, "bgpd"))) skip(context, "there is no FRR; apt-get install frr");
  const map = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  // Its daemons want to become a user of their own.
  if (Number(map[2]) < 65_536) skip(context, "FRR's daemons need more users than this one");
}

/** One host's routing daemons. */
export class Frr implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "linkwright-frr-"));
  readonly #netns: string;
  readonly #children: ChildProcess[] = [];
  readonly #pids: (readonly [daemon: string, pid: number | undefined])[] = [];

  /** Starts them with this configuration, in the named namespace of a lab's host. */
  static async start(netns: string, config: string): Promise<Frr> {
    const frr = new Frr(netns, config);
    try {
      await frr.#begin("zebra", "zebra.vty");
      await frr.#begin("bgpd", "bgpd.vty", "-p", "179");
      return frr;
    } catch (error) {
      await frr.kill();
      throw error;
    }
  }

  private constructor(netns: string, config: string) {
    this.#netns = netns;
    mkdirSync(join(this.directory, "etc"));
    writeFileSync(join(this.directory, "frr.conf"), `hostname ${netns}\n${config}`);
    writeFileSync(join(this.directory, "etc/vtysh.conf"), "");
    const { uid, gid } = statSync("/etc/frr");
    for (const file of ["", "frr.conf", "etc"]) chownSync(join(this.directory, file), uid, gid);
  }

  async #begin(daemon: string, socket: string, ...more: readonly string[]): Promise<void> {
    const file = (name: string): string => join(this.directory, name);
    const files = [
      "-f",
      file("frr.conf"),
      "-i",
      file(`${daemon}.pid`),
      "-z",
      file("zserv.api"),
      "--vty_socket",
      this.directory,
    ];
    const rights = ["-P", "0", "--log", `file:${file(`${daemon}.log`)}`];
    const child = spawn(
      "nsenter",
      [`--net=/run/netns/${this.#netns}`, join(PROGRAMS, daemon), ...files, ...rights, ...more],
      {
        stdio: "ignore",
      },
    );
    this.#children.push(child);
    this.#pids.push([daemon, child.pid]);
    await until(`${daemon} on ${this.#netns}`, () => {
      if (child.exitCode !== null) throw new Error(`${daemon} ended with ${child.exitCode}: ${this.log(daemon)}`);
      return existsSync(file(socket)) || undefined;
    });
  }

  /** What a daemon said. */
  log(daemon: string): string {
    const file = join(this.directory, `${daemon}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** What vtysh says. */
  async vtysh(command: string): Promise<string> {
    const { stdout } = await run("vtysh", [
      "--vty_socket",
      this.directory,
      "--config_dir",
      join(this.directory, "etc"),
      ...command.split("\n").flatMap((one) => ["-c", one]),
    ]);
    return stdout;
  }

  /** Ends the daemons at once, as a host that loses its power does. */
  async kill(): Promise<void> {
    const running = this.#children
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    await Promise.all(
      running.map(async (child) => {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
    // What they keep in case they crash.
    for (const [daemon, pid] of this.#pids)
      rmSync(join("/var/tmp/frr", `${daemon}.${pid}`), { recursive: true, force: true });
  }
}

/** What FRR, kernel and document do not agree on, on a host of a named lab. */
export async function disagreements(
  fabric: Fabric,
  host: string,
  lab: Lab,
  { directory }: Frr,
): Promise<readonly string[]> {
  const fdb = await lab.host(host).fdb.list();
  return (await compareFrr(fabric, host, vtysh(directory), fdb)).map(({ message }) => message);
}

/** Runs `linkwright fabric check` on a host of a named lab, with the FRR whose sockets are in a directory. */
export function fabricCheck({ value }: Source, host: string, sockets: string): Ended {
  const directory = mkdtempSync(join(tmpdir(), "linkwright-test-"));
  const file = join(directory, "fabric.yaml");
  writeFileSync(file, JSON.stringify(value));
  const command = [process.execPath, main, "fabric", "check", file, "--host", host, "--vty", sockets];
  const { status, stdout, stderr } = spawnSync("nsenter", [`--net=/run/netns/${host}`, ...command], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  rmSync(directory, { recursive: true });
  return { status, stdout, stderr };
}
