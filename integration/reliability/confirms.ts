/** What nobody confirms is taken back: with the program alive, killed, its group killed, stopped, or the disk full. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../../lib/host.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { run } from "../transaction/kit.ts";
import type { Order } from "../transaction/program.ts";
import { randomOf } from "./documents.ts";
import { desired, difference, type Machine, machine, mountMemory, snapshot } from "./host.ts";

const DOCUMENT = {
  linkwright: 1,
  links: {
    br0: { kind: "bridge", mtu: "auto", addresses: ["10.0.0.1/24"] },
    vx1: { kind: "vxlan", vni: 39, dev: "eth0", remote: "192.0.2.11", master: "br0" },
  },
  routes: [{ dst: "10.20.0.0/16", via: "192.0.2.254" }],
  sysctls: { "net.ipv4.ip_forward": 1 },
  nat: [{ masquerade: "10.0.0.0/24", out: "eth0" }],
} as const;

/** What becomes of the program. */
export type Fate = "lives" | "killed" | "group killed" | "stopped" | "disk full";
/** Of 500. */
export const FATES: Readonly<Record<Fate, number>> = {
  lives: 200,
  killed: 100,
  "group killed": 100,
  stopped: 50,
  "disk full": 50,
};

/** Moments around lines of the journal, of which there are more than this. */
const MOMENTS = 14;
/** Bytes of a disk that is to become full. */
const SMALL = 256 * 1024;
/** Seconds for whoever fills it: where the machine is so busy that time is up before it is done, its guardian ends this process. */
const LONGER = 5;
/** Milliseconds from the deadline in which the old state has to be back. */
const PATIENCE = 30_000;

/** Takes all the room there is. */
async function fill(directory: string): Promise<void> {
  for (let size = SMALL; size >= 1; size >>= 1)
    for (let i = 0; i < 2; i++)
      await writeFile(join(directory, `filler-${size}-${i}`), Buffer.alloc(size)).catch(() => undefined);
}

async function withFullDisk({ namespace }: Machine, directory: string, at: number): Promise<void> {
  await mountMemory(directory, SMALL);
  await using host = await Host.open({ netns: namespace });
  let [moments, filled] = [0, Promise.resolve()];
  const witness = (): void => {
    if (++moments === at) filled = fill(directory);
  };
  // It may be told that there is no room, and have undone all by itself.
  await transact(host, desired(DOCUMENT), { directory, confirm: LONGER, witness }).catch(() => undefined);
  await filled;
}

async function isOver(directory: string): Promise<boolean> {
  const own = (await readdir(directory)).find((name) => name.startsWith("netns-"));
  return own === undefined || !(await readdir(join(directory, own))).includes("journal");
}

/** One application that nobody confirms; undefined where the old state is back, else what is wrong. */
async function once(parent: string, fate: Fate, number: number): Promise<string | undefined> {
  await using on = await machine();
  const directory = join(parent, String(number));
  await mkdir(directory, { mode: 0o700 });
  const before = await snapshot(on);
  const random = randomOf(number * 7919 + 1);
  random();
  const at = 3 + Math.floor(random() * (MOMENTS - 3));
  const order: Order = { call: "transact", directory, document: { text: JSON.stringify(DOCUMENT) }, confirm: 1 };
  if (fate === "disk full") await withFullDisk(on, directory, at);
  else {
    const how = {
      lives: {},
      killed: { at },
      "group killed": { at, group: true },
      stopped: { at, signal: "SIGSTOP" },
    } as const;
    const { signal, code, said } = await run(on.namespace, { ...order, ...how[fate] });
    // Where the machine is busy, time may be up before the program is done: its guardian kills it then.
    if (signal !== "SIGKILL" && !(fate === "lives" && code === 0))
      return `${fate} at ${at}: ended with ${code} ${said}`;
  }
  let lines: readonly string[] = [];
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(100)) {
    lines = difference(before, await snapshot(on));
    if (lines.length === 0 && (await isOver(directory))) return undefined;
  }
  return `${fate} at ${at}: ${lines.length} lines differ, journal ${(await isOver(directory)) ? "over" : "there"}\n  ${lines.slice(0, 5).join("\n  ")}`;
}

/** What became of so many applications. */
export interface Confirms {
  tried: number;
  reverted: number;
  readonly faults: string[];
}

/** So many at once: they wait for a deadline. */
const AT_ONCE = 6;

/** One of `divisor` of all the 500. */
export async function confirms(parent: string, divisor = 1): Promise<Confirms> {
  const all: Confirms = { tried: 0, reverted: 0, faults: [] };
  const list = Object.entries(FATES).flatMap(([fate, count]) =>
    Array.from({ length: Math.ceil(count / divisor) }, () => fate as Fate),
  );
  const left = list.entries();
  const some = async (): Promise<void> => {
    for (const [number, fate] of left) {
      const wrong = await once(parent, fate, number).catch((error: unknown) => `${fate}: ${(error as Error).stack}`);
      all.tried++;
      if (wrong === undefined) all.reverted++;
      else all.faults.push(wrong);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return all;
}
