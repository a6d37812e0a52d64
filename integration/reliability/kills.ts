/**
 * A program that applies the founding document, or recovers from an application, is killed at every call to the kernel by
 * which it changes or reads something: strace counts them and kills. What is left is recovered from, and compared.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host } from "../../lib/host.ts";
import { recover } from "../../lib/transaction/ending.ts";
import { dump, type Machine, scene } from "../state/kit.ts";
import { run } from "../transaction/kit.ts";
import type { Order } from "../transaction/program.ts";
import { difference, snapshot } from "./host.ts";

const DOCUMENT = { file: "examples/two-hosts.yaml", host: "bm1" } as const;

/**
 * Calls that are counted together. strace counts for each thread: netlink is spoken by the first one, and files are
 * written by the only one of the pool.
 */
export const CALLS = {
  netlink: "sendmsg,sendto,recvmsg,recvmmsg",
  files: "write,writev,pwrite64,rename,renameat,renameat2,fsync,fdatasync,unlink,ftruncate",
} as const;
export type Calls = keyof typeof CALLS;

/** What became of so many kills. */
export interface Kills {
  killed: number;
  /** As before, or as it was to become. */
  recovered: number;
  readonly faults: string[];
}

const killAt = (calls: Calls, number: number): readonly string[] => [
  ...["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "-qq", "-o", "/dev/null"],
  ...["-e", `trace=${CALLS[calls]}`, "-e", `inject=${CALLS[calls]}:signal=KILL:when=${number}`],
];

/** Calls of a thread that read modules and tell that they were read come first; these are the last ones, with room to spare. */
const LAST = 150;

/** Where calls for files begin that are about a journal. */
async function beginOf(calls: Calls, order: Omit<Order, "directory">): Promise<number> {
  if (calls === "netlink") return 1;
  await using hosts = await scene();
  await using place = await Place.make();
  const log = join(place.path, "calls");
  const own = join(place.path, "own");
  await mkdir(own, { mode: 0o700 });
  const traced = ["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "-qq", "-o", log, "-e", `trace=${CALLS[calls]}`];
  await run(hosts.bm1.namespace, { ...order, directory: own } as Order, traced);
  const counts = new Map<string, number>();
  for (const line of (await readFile(log, "utf8")).split("\n")) {
    const thread = line.split(" ", 1)[0] ?? "";
    counts.set(thread, (counts.get(thread) ?? 0) + 1);
  }
  return Math.max(1, Math.max(...counts.values()) - LAST);
}

class Place implements AsyncDisposable {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), "linkwright-kill-")));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Recovers, and once more, which has to find nothing. */
async function recovered(on: Machine, directory: string): Promise<string> {
  await using host = await Host.open({ netns: on.namespace, inline: true });
  const first = await recover(host, { directory });
  const second = await recover(host, { directory });
  if (second.state !== "nothing") throw new Error(`the second recover: ${second.state}`);
  if (first.state === "reverted" && first.wayBack.failed.length > 0)
    throw new Error(`not undone: ${first.wayBack.failed.map(({ cause }) => String(cause)).join("; ")}`);
  return first.state;
}

async function state(on: Machine, fully: boolean): Promise<readonly string[]> {
  const lines = await snapshot(on);
  return fully ? [...lines, ...(await dump(on)).split("\n")] : lines;
}

/** Rounds between two looks with other tools than ours. */
const FULL = 10;

/**
 * Kills at every `step`th call until the program ends by itself. `prepare` brings the host to where the
 * program begins; it gives the state to be in after a recovery, beside the one that the program found.
 */
async function every(
  calls: Calls,
  order: Omit<Order, "directory">,
  step: number,
  prepare: (on: Machine, directory: string) => Promise<void>,
): Promise<Kills> {
  const all: Kills = { killed: 0, recovered: 0, faults: [] };
  let hosts = await scene();
  try {
    for (let at = await beginOf(calls, order); ; at += step) {
      await using place = await Place.make();
      const { bm1 } = hosts;
      const fully = at % FULL === 0;
      const before = await state(bm1, fully);
      await prepare(bm1, place.path);
      const end = await run(bm1.namespace, { ...order, directory: place.path } as Order, killAt(calls, at));
      // strace ends as the program did.
      if (end.signal !== "SIGKILL") {
        if (end.code !== 0) all.faults.push(`${calls} call ${at}: ${end.said}`);
        // How often a thread tells that it read a module depends on the moment: it may have been less often than when counted.
        else if (all.killed === 0 && at > 1) {
          at = Math.max(1, at - LAST) - step;
          await hosts[Symbol.asyncDispose]();
          hosts = await scene();
          continue;
        }
        break;
      }
      all.killed++;
      const killed = await state(bm1, fully);
      const why = await recovered(bm1, place.path).catch((error: unknown) => error as Error);
      const now = await state(bm1, fully);
      const lines = why === "committed" || why === "nothing" ? difference(killed, now) : difference(before, now);
      const touched = difference(before, now).length > 0;
      // With no journal nothing may have been done, unless all of it was and the journal had ended.
      const half = why === "nothing" && touched && !(await isDone(bm1));
      if (why instanceof Error || lines.length > 0 || half)
        all.faults.push(`${order.call}, ${calls} call ${at}: ${String(why)}\n  ${lines.slice(0, 5).join("\n  ")}`);
      else all.recovered++;
      if (!touched) continue;
      await hosts[Symbol.asyncDispose]();
      hosts = await scene();
    }
  } finally {
    await hosts[Symbol.asyncDispose]();
  }
  return all;
}

/** Whether the founding document is true: applying it changes nothing. */
async function isDone(on: Machine): Promise<boolean> {
  await using place = await Place.make();
  const end = await run(on.namespace, { call: "transact", directory: place.path, document: DOCUMENT });
  return (JSON.parse(end.out || "{}") as { state?: string }).state === "unchanged";
}

/** An application, killed at every `step`th call. */
export function killedApplications(calls: Calls, step = 1): Promise<Kills> {
  return every(calls, { call: "transact", document: DOCUMENT }, step, async () => undefined);
}

/** The moment, around lines of the journal, at which nearly all was done. */
const LATE = 17;

/** A recovery from an application that was killed late, killed at every `step`th call. */
export function killedRecoveries(calls: Calls, step = 1): Promise<Kills> {
  return every(calls, { call: "recover" }, step, async (on, directory) => {
    const order: Order = { call: "transact", directory, document: DOCUMENT, at: LATE };
    const { signal, said } = await run(on.namespace, order);
    if (signal !== "SIGKILL") throw new Error(`it was not killed: ${said}`);
  });
}
