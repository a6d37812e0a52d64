/** Starts the program of this folder in a namespace, and waits for what it leaves behind. */
import { deepEqual } from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Netns } from "../../lib/netns/netns.ts";
import type { Order } from "./program.ts";

const PROGRAM = fileURLToPath(new URL("./program.js", import.meta.url));

/** How a program ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly said: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly end: Promise<End>;
}

const children = new Set<ChildProcess>();

/** Ends programs that a test left behind. */
export function endAll(): void {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
}

/** Starts the program, below `before` where something is to watch it. */
export function start(namespace: Netns, order: Order, before: readonly string[] = []): Running {
  const [file = "", ...args] = [...before, process.execPath, PROGRAM, JSON.stringify(order)];
  const child = namespace.run(file, args, { stdio: ["ignore", "pipe", "pipe"], detached: order.group === true });
  children.add(child);
  let out = "";
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const end = new Promise<End>((resolve, reject) => {
    child.on("error", reject);
    // A guardian that lives on has none of these streams.
    child.on("close", (code, signal) => resolve({ code, signal, out, said }));
  });
  return { child, end };
}

/** Starts the program and waits for its end. */
export function run(namespace: Netns, order: Order, before: readonly string[] = []): Promise<End> {
  return start(namespace, order, before).end;
}

/** A directory for journals that is gone at the end of the block. */
export async function directory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "linkwright-journal-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Waits until `probe` gives what is expected, and compares once more when time is up. */
export async function eventually<T>(probe: () => Promise<T>, expected: T, milliseconds = 15_000): Promise<void> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = await probe();
    try {
      deepEqual(found, expected);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(20);
  }
}

/** Lines that only one of two texts has: nothing, where they are the same. */
export function difference(before: string, now: string): readonly string[] {
  const [old, fresh] = [before.split("\n"), now.split("\n")];
  return [
    ...old.filter((line) => !fresh.includes(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}
