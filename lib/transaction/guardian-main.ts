/** The program of a guardian: waits, and puts the old state back. Started by `Guardian.arm` only. */

import { readdirSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Host, type HostOptions } from "../host.ts";
import { tellJournal } from "../journald/index.ts";
import { goBack, remembered } from "./back.ts";
import { uptime } from "./boot.ts";
import { CHANNEL, type Charge, decode, NAMESPACE } from "./guardian.ts";
import { type Begin, Journal } from "./journal.ts";
import { Lock } from "./lock.ts";
import { Store } from "./store.ts";
import { disarmTimer } from "./timer.ts";

/** Milliseconds between two looks at the journal. */
const PAUSE = 200;
/** Seconds that it waits for whoever else changes the namespace, before it waits again. */
const WAIT = 60;

/** What the channel tells: `lost` is the end of the program that applies. */
type Word = "done" | "over" | "lost";

function listen(): { readonly socket: Socket; readonly word: Promise<Word> } {
  const socket = new Socket({ fd: CHANNEL, readable: true, writable: true });
  let said = "";
  const word = new Promise<Word>((resolve) => {
    socket.on("data", (data: Buffer) => {
      said += data.toString("utf8");
      if (said.includes("over\n")) resolve("over");
      else if (said.includes("done\n")) resolve("done");
    });
    socket.on("error", () => resolve("lost"));
    socket.on("close", () => resolve("lost"));
  });
  return { socket, word };
}

/** Whether the journal is still there and the same. */
async function isPending({ directory, id }: Charge): Promise<boolean> {
  try {
    return (await Journal.read(directory))?.begin.id === id;
  } catch (error) {
    // It was edited meanwhile: what it said is remembered here.
    if (isDamaged(error)) return true;
    throw error;
  }
}
const isDamaged = (error: unknown): boolean => (error as { code?: unknown }).code === "ERR_JOURNAL";

/** Waits until the journal is over, or the clock says that nobody confirmed. */
async function untilDeadline(charge: Charge, deadline: number): Promise<"over" | "late"> {
  for (;;) {
    if (!(await isPending(charge))) return "over";
    const left = deadline - uptime();
    if (left <= 0) return "late";
    await sleep(Math.min(left * 1000, PAUSE));
  }
}

/** Whoever applies may be stopped, and must not go on when the old state is back. */
function stop(pid: number): void {
  try {
    kill(pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

/** What is refused once may pass a moment later: so often it is tried, with a pause in between. */
const TRIES = 5;
const REST = 1000;

/** Puts the old state back as far as it goes; true where nothing is left to do. The lock is held. */
async function tryBack({ directory, ...charge }: Charge, host: Host, begin: Begin, reason: string): Promise<boolean> {
  if (!(await isPending({ directory, ...charge }))) return true;
  let journal: Journal | undefined;
  try {
    journal = await Journal.open(directory);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const { failed } = await goBack(host, remembered(directory, begin), reason);
    if (failed.length > 0) return false;
    await Journal.discard(directory);
    await tell("reverted", begin, `the old state was put back: ${reason}`);
    return true;
  }
  if (journal === undefined) return true;
  await using _ = journal;
  if (journal.entries.some(({ type }) => type === "end")) return true;
  const { failed } = await goBack(host, journal, reason);
  if (failed.length > 0) return false;
  await journal.end("reverted", reason);
  await tell("reverted", begin, `the old state was put back: ${reason}`);
  return true;
}

/** Tells systemd's journal, as nobody sees what a guardian prints. */
async function tell(kind: "reverted" | "stuck", { id, at, netns }: Begin, message: string): Promise<void> {
  await tellJournal({ kind, message, details: { id, begun: at, netns: netns.name } });
}

/** Puts the old state back. What could not be undone is left to `recover`, which reads the journal. */
async function putBack(charge: Charge, host: Host, begin: Begin, reason: string): Promise<void> {
  const stuck = (): Promise<void> =>
    tell("stuck", begin, `the old state could not be put back (${reason}); try again with linkwright recover`);
  for (let tries = 1; tries <= TRIES; )
    try {
      await using _ = await Lock.take(charge.directory, WAIT);
      if (await tryBack(charge, host, begin, reason)) return;
      tries++;
      await sleep(REST);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_LOCKED" && tries++ === TRIES) {
        await stuck();
        throw error;
      }
      await sleep(PAUSE);
    }
  await stuck();
}

/** Whether a process has the lock of a directory open, whatever became of its number meanwhile. */
function hasLock(directory: string, pid: number): boolean {
  const descriptors = `/proc/${pid}/fd`;
  try {
    const lock = realpathSync(join(directory, "lock"));
    return readdirSync(descriptors).some((fd) => readlinkSync(join(descriptors, fd)) === lock);
  } catch {
    return false;
  }
}

/** What the timer starts: nobody else was left to put the old state back, or is able to. */
async function comeLate(charge: Charge): Promise<void> {
  const { directory, id, seconds } = charge;
  const record = await Journal.read(directory);
  if (record?.begin.id !== id) return;
  await using host = await Host.open(placeOf(charge));
  const store = await Store.open(host, { directory: dirname(directory) });
  // Another namespace may have got the name since.
  if (store.directory !== directory || (await store.pending())?.begin.id !== id)
    throw new Error(`${directory} is of a network namespace that is not here; left alone`);
  const { pid } = record.begin;
  if (record.entries.at(-1)?.type !== "wait" && hasLock(directory, pid)) stop(pid);
  await putBack(charge, host, record.begin, `nobody confirmed it within ${seconds} s`);
}

function placeOf({ where }: Charge): HostOptions {
  if (where === "here") return {};
  return { netns: where === "descriptor" ? `/proc/self/fd/${NAMESPACE}` : where.name };
}

/** What the guardian is for. */
async function guard(charge: Charge, deadline: number): Promise<void> {
  await using host = await Host.open(placeOf(charge));
  const record = await Journal.read(charge.directory);
  if (record === undefined) return;
  await host.links.names();
  const { socket, word } = listen();
  socket.write("ready\n");

  const first = await Promise.race([word, untilDeadline(charge, deadline)]);
  if (first === "over") return;
  if (first === "lost")
    await putBack(charge, host, record.begin, "the program that applied it ended before it was done");
  else if (first === "late") {
    stop(record.begin.pid);
    await putBack(charge, host, record.begin, `it was not done within ${charge.seconds} s`);
  } else if ((await untilDeadline(charge, deadline)) === "late")
    await putBack(charge, host, record.begin, `nobody confirmed it within ${charge.seconds} s`);
}

async function main(): Promise<void> {
  const charge = decode(process.argv[2] ?? "");
  const deadline = uptime() + charge.seconds;
  for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE"] as const) process.on(signal, () => undefined);
  try {
    writeFileSync("/proc/self/oom_score_adj", "-1000");
  } catch {
    // It takes a privilege that not everybody has.
  }
  if (charge.late) {
    await comeLate(charge);
    return;
  }
  await guard(charge, deadline);
  await disarmTimer(charge.id);
}

await main();
process.exit(0);
