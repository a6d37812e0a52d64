/** Where contestants run: a network namespace, in which the kernel counts what each of them costs. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Netns } from "../lib/netns/netns.ts";

/** What a contestant did and what it cost. */
export interface Outcome {
  /** Nanoseconds of the work, by its own clock. */
  readonly ns: number;
  /** Nanoseconds of the whole process. */
  readonly wall: number;
  /** KiB: the most that its largest process held. */
  readonly peak: number;
  readonly objects: number;
}
/** It does not offer this. */
export class NotOffered extends Error {}

/** Programs end with it for what they do not offer. */
const NOT_OFFERED = 3;
/** Milliseconds. */
const PATIENCE = 300_000;

/** Requests that find out whether the lock is free, and the nanoseconds that each takes when it is. */
const PROBES = 200;
const FREE = 20_000;

/** Compiles one of our C programs. */
export function compile(source: string, program: string): void {
  const { status, stderr } = spawnSync("cc", ["-O2", "-o", program, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cannot compile ${source}: ${stderr}`);
}

/** Makes namespaces and runs programs in them. */
export class Arena {
  readonly #scratch: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly floor: string;

  constructor(sources: string, scratch: string) {
    this.#scratch = scratch;
    this.floor = join(scratch, "floor");
    this.#env = {
      ...process.env,
      BENCH_FLOOR: this.floor,
      BENCH_NODE_MODULES: join(scratch, "npm/node_modules"),
      BENCH_RULES: join(sources, "peers/rules.nft"),
    };
    compile(join(sources, "floor.c"), this.floor);
    compile(join(sources, "launch.c"), join(scratch, "launch"));
  }

  /**
   * Runs a program, which gets a namespace to do its work in once before, where one is given.
   * @throws {NotOffered} @throws what it said, where it failed.
   */
  run<T extends object = object>(netns: Netns, command: readonly string[], rehearsal?: Netns): Outcome & T {
    // 3 is the namespace, 4 takes the report, 5 is the other namespace.
    const { status, stdout, stderr, output, signal } = spawnSync(
      join(this.#scratch, "launch"),
      ["3", "4", ...command],
      {
        encoding: "utf8",
        env: rehearsal === undefined ? this.#env : { ...this.#env, BENCH_REHEARSAL: "5" },
        stdio: ["ignore", "pipe", "pipe", netns.fd, "pipe", rehearsal?.fd ?? "ignore"],
        timeout: PATIENCE,
        maxBuffer: 2 ** 26,
      },
    );
    if (status === NOT_OFFERED) throw new NotOffered();
    if (status !== 0) throw new Error(firstWords(stderr) || `ended by ${signal ?? status}`);
    const said = JSON.parse(stdout) as { readonly ns: number; readonly objects: number } & T;
    return { ...said, ...(JSON.parse(String(output[4])) as { readonly wall: number; readonly peak: number }) };
  }

  /** Runs the floor's program. */
  make(netns: Netns, workload: string, count = 1): Outcome {
    return this.run(netns, [this.floor, workload, String(count)]);
  }

  /**
   * Takes namespaces down: first what is in them, and waited for. The kernel would do it in the background, some 20 ms
   * a bridge under the lock that everything here needs, and the next contestant would pay for it.
   */
  async close(namespaces: readonly Netns[]): Promise<void> {
    for (const netns of namespaces) {
      this.make(netns, "clear");
      netns.close();
    }
    await this.#quiet();
  }

  /** Waits until the lock is free: a request that takes it and changes nothing needs no longer than it has to. */
  async #quiet(): Promise<void> {
    const probe = await Netns.create();
    for (let tries = 0; tries < 50; tries++) {
      if (this.make(probe, "touch", PROBES).ns < PROBES * FREE) break;
      await sleep(50);
    }
    probe.close();
  }
}

/** The line that says what went wrong, among those that say where. */
function firstWords(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /error|refused|no buffer|cannot/i.test(line)) ?? lines.at(-1) ?? "")
    .trim()
    .slice(0, 120);
}
