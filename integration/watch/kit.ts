/** What tests of the watch share: waiting for an event, and a table without what passes by itself. */
import { equal } from "node:assert/strict";
import { newlink } from "../../lib/links/schema.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import type { TableName, Watched, WatchName } from "../../lib/watch/tables.ts";
import type { Watch, WatchEvent } from "../../lib/watch/watch.ts";
import { NLM_F_REQUEST, Writer, writeMessage } from "../../lib/wire/index.ts";

/** Reads events until one is as wanted. */
export async function until<K extends WatchName>(
  watch: Watch<K>,
  wanted: (event: WatchEvent<K>) => boolean,
): Promise<WatchEvent<K>> {
  for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => watch.next() }) })
    if (wanted(event)) return event;
  throw new Error("the watch ended");
}

const PASSING = [
  "wire",
  "statistics",
  "used",
  "updated",
  "confirmed",
  "validLifetime",
  "preferredLifetime",
  "fdbLearned",
  "mcastGroups",
  "mcastQuerierState",
  "directPackets",
  "timer",
];
/** Without what passes by itself, in one order of keys. */
export function steady(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !PASSING.includes(key) && !key.endsWith("Timer"));
  return Object.fromEntries(kept.sort().map(([key, part]) => [key, steady(part)]));
}
/** What does not count: times that pass, counters, raw messages, and what the kernel makes without a word. */
export function plain(name: TableName, objects: readonly object[]): unknown[] {
  const silent = ["noarp", "none", "incomplete"];
  return objects
    .filter((one) => name !== "fdb" || !/^(33:33|01:00:5e)/.test((one as Watched["fdb"]).mac)) // what devices listen to
    .filter((one) => name !== "neighbors" || !silent.includes((one as Watched["neighbors"]).state))
    .map((one) => JSON.stringify(steady(one)))
    .sort();
}

/** Switches `lo` 500 times, on this thread: no reader has a turn in between. */
export function flood(netnsFd: number): void {
  const sender = KernelTransport.open({ protocol: 0, netns: netnsFd });
  const out = new Writer();
  for (let n = 1; n <= 500; n++) {
    out.truncate(0);
    writeMessage(out, newlink, { header: { index: 1, flags: n & 1, change: 1 } }, NLM_F_REQUEST, n);
    equal(sender.send(out.finish()), out.length);
  }
  sender.close();
}
