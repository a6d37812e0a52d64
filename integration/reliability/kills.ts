/**
 * A program that applies the founding document, or recovers from an application, is killed at every call to the kernel and
 * for files. What is left is recovered from; then the host has to be as it was, or as the document says.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { derive } from "../../lib/fabric/fabric.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { readSource } from "../../lib/state/source.ts";
import { recover } from "../../lib/transaction/ending.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { planFor } from "../../lib/transaction/wanted.ts";
import type { Errand } from "./child.ts";
import { anonymous, difference, type Machine, machine, snapshot } from "./host.ts";
import { interrupt } from "./interrupted.ts";
import { toldByOthers } from "./others.ts";

const DOCUMENT = { file: "examples/two-hosts.yaml", host: "bm1" } as const;
const CARDS = { ens34f0: ["192.168.0.23/24"], far: [] };
const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));

/** Calls that strace counts for each thread: netlink is spoken by the first one, files are written by the only one of the pool. */
const STRACED = {
  netlink: "sendmsg,sendto,recvmsg,recvmmsg",
  files: "write,writev,pwrite64,rename,renameat,renameat2,fsync,fdatasync,unlink,ftruncate",
} as const;
/**
 * Who kills: the program itself, within each line of the journal and before each of its calls, or before each that changes
 * something; or strace.
 */
export type Killer = "at changes" | "at calls" | keyof typeof STRACED;

type State = "old" | "new";
/** What is killed: how the host is prepared for it, and how it may be in the end. */
interface Victim {
  readonly call: Errand["call"];
  readonly after?: "before" | "after";
  readonly ends: readonly State[];
  /** A killer that finds no call of its sort. */
  readonly spared?: Killer;
}
const VICTIMS = {
  applications: { call: "transact", ends: ["old", "new"] },
  "recoveries that undo": { call: "recover", after: "before", ends: ["old"] },
  "recoveries that keep": { call: "recover", after: "after", ends: ["new"], spared: "netlink" },
} as const satisfies Readonly<Record<string, Victim>>;

export type VictimName = keyof typeof VICTIMS;

/** What somebody kills who finds a call in each of them. */
export function victimsOf(killer: Killer): readonly VictimName[] {
  const names = Object.keys(VICTIMS) as VictimName[];
  return names.filter((name) => (VICTIMS[name] as Victim).spared !== killer);
}

/** What became of so many kills. */
export interface Kills {
  /** All moments that there are, of which some are tried. */
  all: number;
  killed: number;
  recovered: number;
  readonly faults: string[];
}

interface End {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly said: string;
}

function start({ namespace }: Machine, errand: Errand, before: readonly string[]): Promise<End> {
  const [file = "", ...args] = [...before, process.execPath, CHILD, JSON.stringify(errand)];
  return new Promise((resolve, reject) => {
    const child = namespace.run(file, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, said }));
  });
}

class Place implements AsyncDisposable {
  readonly path: string;
  private constructor(path: string) {
    this.path = path;
  }
  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), "linkwright-kill-")));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** The same on every host. */
const told = async (on: Machine): Promise<readonly string[]> => anonymous(await toldByOthers(on));

/** How a host is before the document and after it, for us and for others. */
interface Known {
  readonly wanted: Desired;
  readonly told: Readonly<Record<State, readonly string[]>>;
  readonly after: readonly string[];
}

async function learn(): Promise<Known> {
  const wanted = desiredOf(derive(await readSource(DOCUMENT.file), DOCUMENT.host));
  await using place = await Place.make();
  await using on = await machine(CARDS);
  const old = await told(on);
  await transact(on.host, wanted, { directory: place.path });
  return { wanted, told: { old, new: await told(on) }, after: anonymous(await snapshot(on)) };
}

/** Recovers, and once more, which has to find nothing. */
async function recovered({ host }: Machine, directory: string): Promise<State | undefined> {
  const first = await recover(host, { directory });
  const second = await recover(host, { directory });
  if (second.state !== "nothing") throw new Error(`the second recover: ${second.state}`);
  if (first.state === "reverted" && first.wayBack.failed.length > 0)
    throw new Error(`not undone: ${first.wayBack.failed.map(({ cause }) => String(cause)).join("; ")}`);
  return first.state === "nothing" ? undefined : first.state === "committed" ? "new" : "old";
}

/** Moments between two looks with other tools than ours. */
const FULL = 10;

/** All that a program is killed for, by one killer. */
class Matrix {
  readonly kills: Kills = { all: 0, killed: 0, recovered: 0, faults: [] };
  readonly #victim: Victim;
  readonly #killer: Killer;
  readonly #known: Known;
  /** The first moment at which it had ended by itself. */
  #end = Number.POSITIVE_INFINITY;

  constructor(victim: Victim, killer: Killer, known: Known) {
    [this.#victim, this.#killer, this.#known] = [victim, killer, known];
  }

  /** Every `step`th moment, by several at once. */
  async run(step: number, lanes: number): Promise<Kills> {
    const begin = await this.#begin();
    let next = begin;
    const some = async (): Promise<void> => {
      let on = await machine(CARDS);
      try {
        let before = await snapshot(on);
        while (next < this.#end) {
          const at = next;
          next += step;
          if (await this.#once(on, before, at)) continue;
          await on[Symbol.asyncDispose]();
          on = await machine(CARDS);
          before = await snapshot(on);
        }
      } finally {
        await on[Symbol.asyncDispose]();
      }
    };
    await Promise.all(Array.from({ length: lanes }, some));
    // How many there are depends on the moment by one or two.
    this.kills.all = Math.max(this.#end - begin, this.kills.killed);
    return this.kills;
  }

  #command(at: number): readonly string[] {
    const calls = Object.hasOwn(STRACED, this.#killer) && STRACED[this.#killer as keyof typeof STRACED];
    if (!calls) return [];
    const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:signal=KILL:when=${at}`];
    return ["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "-qq", "-o", "/dev/null", ...inject];
  }

  /** Whether it was killed in that moment; what it has to be like then is in the directory. */
  async #kill(on: Machine, directory: string, at: number): Promise<boolean> {
    const { call, after } = this.#victim;
    if (after !== undefined) await interrupt(on.host, this.#known.wanted, directory, after);
    const command = this.#command(at);
    const itself = { every: this.#killer === "at calls", at: command.length > 0 ? 0 : at };
    const { signal, code, said } = await start(on, { call, directory, document: DOCUMENT, ...itself }, command);
    if (signal !== "SIGKILL" && code !== 0) throw new Error(`it ended with ${code}: ${said}`);
    return signal === "SIGKILL";
  }

  /** The first moment that counts: of the calls for files those to load modules come before. */
  async #begin(): Promise<number> {
    if (this.#killer !== "files") return 1;
    // Calls of a thread that read modules and tell that they were read come first; these are the last ones, with room to spare.
    const last = 100;
    for (let at = await this.#count(); ; at -= last) {
      const begin = Math.max(1, at - last);
      await using place = await Place.make();
      await using on = await machine(CARDS);
      // How often a thread tells that it read a module depends on the moment: it may have been less often than when counted.
      if (begin === 1 || (await this.#kill(on, place.path, begin))) return begin;
    }
  }

  async #count(): Promise<number> {
    await using place = await Place.make();
    await using on = await machine(CARDS);
    const log = join(place.path, "calls");
    const { call, after } = this.#victim;
    if (after !== undefined) await interrupt(on.host, this.#known.wanted, place.path, after);
    const traced = ["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "-qq", "-o", log, "-e", `trace=${STRACED.files}`];
    await start(on, { call, directory: place.path, document: DOCUMENT, every: false, at: 0 }, traced);
    const counts = new Map<string, number>();
    for (const line of (await readFile(log, "utf8")).split("\n")) {
      const thread = line.split(" ", 1)[0] ?? "";
      counts.set(thread, (counts.get(thread) ?? 0) + 1);
    }
    return Math.max(...counts.values());
  }

  /** One kill; whether the host is as it was, and can be used again. */
  async #once(on: Machine, before: readonly string[], at: number): Promise<boolean> {
    await using place = await Place.make();
    try {
      if (!(await this.#kill(on, place.path, at))) {
        this.#end = Math.min(this.#end, at);
        return false;
      }
      this.kills.killed++;
      const said = await recovered(on, place.path);
      const now = await snapshot(on);
      const state = await this.#judge(on, { said, before, now, fully: at % FULL === 0 });
      this.kills.recovered++;
      return state === "old";
    } catch (error) {
      this.kills.faults.push(`${this.#victim.call}, ${this.#killer}, moment ${at}: ${(error as Error).message}`);
      return false;
    }
  }

  /** How the host is, which is as it was said; anything else is thrown. */
  async #judge(on: Machine, { said, before, now, fully }: Found): Promise<State> {
    const { wanted, told: known, after } = this.#known;
    // Without a journal nothing may have been done, unless all of it was and the journal had ended.
    const state = said ?? (difference(before, now).length === 0 ? "old" : "new");
    if (!this.#victim.ends.includes(state)) throw new Error(`it ended ${state}`);
    const lines = state === "old" ? difference(before, now) : difference(after, anonymous(now));
    const more = fully ? difference(known[state], await told(on)) : [];
    const wrong = [...lines, ...more].slice(0, 5).map((one) => `\n  ${one.slice(0, 600)}`);
    if (wrong.length > 0) throw new Error(`it is not as ${state} as was said:${wrong.join("")}`);
    if (state === "old") return state;
    const { plan } = await planFor(on.host, { desired: wanted, mode: "apply" });
    if (plan.steps.length > 0) throw new Error(`it was kept, and lacks ${plan.steps.map(({ id }) => id).join()}`);
    return state;
  }
}

interface Found {
  readonly said: State | undefined;
  readonly before: readonly string[];
  readonly now: readonly string[];
  readonly fully: boolean;
}

/** Kills at every `step`th call. */
export async function kills(name: VictimName, killer: Killer, step = 1, lanes = 2): Promise<Kills> {
  return await new Matrix(VICTIMS[name], killer, await learn()).run(step, lanes);
}
