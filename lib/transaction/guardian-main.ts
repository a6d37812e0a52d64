/** The program of a guardian: waits, and puts the old state back. Started by `Guardian.arm` only. */

import { readdirSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Host, type HostOptions } from "../host.ts";
import { tellJournal } from "../journald/index.ts";
import type { Probe } from "../probe/index.ts";
import { goBack, isExact, remembered, type WayBack } from "./back.ts";
import { uptime } from "./boot.ts";
import { checksAfter, checksOf } from "./checks.ts";
import { CHANNEL, type Charge, decode, NAMESPACE } from "./guardian.ts";
import { type Begin, Journal } from "./journal.ts";
import { Lock } from "./lock.ts";
import { completeReport, leaveReport, type Report } from "./report.ts";
import { describeWayBack, messageOf } from "./reverted.ts";
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

/** Puts the old state back as far as it goes; undefined where somebody else ended it. The lock is held. */
async function tryBack(
  { directory, ...charge }: Charge,
  host: Host,
  begin: Begin,
  reason: string,
): Promise<WayBack | undefined> {
  if (!(await isPending({ directory, ...charge }))) return undefined;
  let journal: Journal | undefined;
  try {
    journal = await Journal.open(directory);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const wayBack = await goBack(host, remembered(directory, begin), reason);
    if (wayBack.failed.length === 0) await Journal.discard(directory);
    return wayBack;
  }
  if (journal === undefined) return undefined;
  await using _ = journal;
  if (journal.entries.some(({ type }) => type === "end")) return undefined;
  const wayBack = await goBack(host, journal, reason);
  if (wayBack.failed.length === 0) await journal.end("reverted", reason);
  return wayBack;
}

/**
 * Puts the old state back, and leaves word of it before anybody else has the lock. What could not be undone is left to
 * `recover`, which reads the journal.
 */
async function tryAll(
  charge: Charge,
  host: Host,
  begin: Begin,
  reason: string,
  leave: (wayBack: WayBack) => Promise<Report>,
): Promise<Report | undefined> {
  for (let tries = 1; ; )
    try {
      await using _ = await Lock.take(charge.directory, WAIT);
      const found = await tryBack(charge, host, begin, reason);
      if (found === undefined) return undefined;
      if (found.failed.length === 0 || tries++ === TRIES) return await leave(found);
      await sleep(REST);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_LOCKED" && tries++ === TRIES) throw error;
      await sleep(PAUSE);
    }
}

/** Tells systemd's journal, as nobody sees what a guardian prints. */
async function tell({ id, at, netns }: Begin, { text, reason, exact, checksAfter = [] }: Report): Promise<void> {
  const checks = checksAfter.map(({ ok, text: found }) => `after that: ${ok ? "✓" : "✗"} ${found}`);
  const message = [`${text}: ${reason}`, ...checks].join("\n");
  const details = { id, begun: at, netns: netns.name, exact };
  await tellJournal({ kind: exact ? "reverted" : "stuck", message, details });
}

/** Puts the old state back, leaves word of it, asks the document's probes and adds what they find: there is nobody to tell. */
async function putBack(charge: Charge, host: Host, begin: Begin, reason: string): Promise<void> {
  const { id, boot, netns, at: begun, probes = [] } = begin;
  let failure: unknown;
  const leave = async (text: string, exact: boolean): Promise<Report> => {
    const none = probes.length === 0 && { checksAfter: [] };
    const report = { id, boot, netns, begun, at: new Date().toISOString(), reason, text, exact, ...none };
    await leaveReport(charge.directory, report).catch((error: unknown) => {
      failure ??= error;
    });
    return report;
  };
  let report: Report | undefined;
  try {
    report = await tryAll(charge, host, begin, reason, (way) => leave(describeWayBack(way), isExact(way)));
  } catch (error) {
    failure = error;
    // Somebody else may have put it back since.
    if (await isPending(charge).catch(() => true))
      report = await leave(
        `the old state could not be put back: ${messageOf(error)}; try again with linkwright recover`,
        false,
      );
  }
  if (report !== undefined) await tell(begin, await checked(charge, host, report, probes));
  if (failure !== undefined) throw failure;
}

/** The report with what the document's probes find now. */
async function checked(charge: Charge, host: Host, report: Report, probes: readonly Probe[]): Promise<Report> {
  if (probes.length === 0) return report;
  const whole = { ...report, checksAfter: await checksAfter(() => checksOf(host, probes)) };
  try {
    await using _ = await Lock.take(charge.directory, WAIT);
    await completeReport(charge.directory, whole);
  } catch {
    // What is most important is in the first report.
  }
  return whole;
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
