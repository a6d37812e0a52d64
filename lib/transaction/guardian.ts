/**
 * The guardian: a process of its own, in its own session, that puts the old state back when nobody confirms the new one
 * in time, or when the program that applies is killed or stopped on the way. It is ready before the first change.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Host } from "../host.ts";
import { TransactionError } from "./error.ts";
import { isFirst, nameOf } from "./place.ts";
import { isHere } from "./store.ts";
import { armTimer } from "./timer.ts";

/** Descriptors of the guardian: the channel to the program that applies, and the namespace where it is another. */
export const CHANNEL = 3;
export const NAMESPACE = 4;

/** Milliseconds in which a guardian has to be ready, also on a machine that is slow to start anything. */
const PATIENCE = 30_000;

/** What a guardian is told. */
export interface Charge {
  /** The directory of the namespace's journal. */
  readonly directory: string;
  /** Which journal it is. */
  readonly id: string;
  /** Seconds from now in which everything has to be done and confirmed. */
  readonly seconds: number;
  /** Where it works: the namespace that it is born in, one that is handed over as a descriptor, or one with this name. */
  readonly where: "here" | "descriptor" | { readonly name: string };
  /** It is started when time is up, for the case that nobody else was left to put the old state back. */
  readonly late?: true;
}

/** Without `$`, of which systemd makes one thing at first, and another when it has read its units again. */
const encode = (charge: Charge): string => Buffer.from(JSON.stringify(charge)).toString("base64url");

/** What a guardian's only argument says. */
export const decode = (text: string): Charge => JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Charge;

/** The file of the guardian's program. */
function program(): string {
  const main = import.meta.url.endsWith(".ts") ? "../transaction/guardian-main.ts" : "../transaction/guardian-main.js";
  return fileURLToPath(new URL(main, import.meta.url));
}

/**
 * A timer of systemd besides. What it starts lives where the first process does, so it has to find the namespace by its
 * name, or the namespace is that of the first process: for any other there is no timer. It looks where it is.
 */
async function armBehind(host: Host, order: Omit<Charge, "where">): Promise<void> {
  const name = nameOf(host.netns);
  if (name === undefined && isFirst(host.netns) === false) return;
  const charge: Charge = { ...order, where: name === undefined ? "here" : { name }, late: true };
  await armTimer(order.id, order.seconds, [process.execPath, program(), encode(charge)]);
}

/** The guardian as the program that applies has it. */
export class Guardian {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#channel = child.stdio[CHANNEL] as Duplex;
    this.#channel.on("error", () => undefined);
  }

  /** Starts one, and waits until it could do all that it may have to. @throws {TransactionError} `ERR_GUARDIAN` */
  static async arm(host: Host, order: Omit<Charge, "where">): Promise<Guardian> {
    const here = isHere(host);
    const child = spawn(process.execPath, [program(), encode({ ...order, where: here ? "here" : "descriptor" })], {
      detached: true,
      cwd: "/",
      stdio: ["ignore", "ignore", "ignore", "pipe", ...(here ? [] : [host.netns.fd])],
    });
    const guardian = new Guardian(child);
    await guardian.#ready();
    child.unref();
    (guardian.#channel as Duplex & { unref(): void }).unref();
    await armBehind(host, order);
    return guardian;
  }

  async #ready(): Promise<void> {
    const late = new AbortController();
    const said = new Promise<string>((resolve, reject) => {
      this.#channel.once("data", (data: Buffer) => resolve(data.toString("utf8").trim()));
      this.#channel.once("end", () => resolve("it ended at once"));
      this.#child.once("error", reject);
    });
    const timer = sleep(PATIENCE, "it is not ready in time", { signal: late.signal });
    try {
      const answer = await Promise.race([said, timer]);
      if (answer !== "ready") throw new Error(answer);
    } catch (cause) {
      this.#child.kill("SIGKILL");
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot start what would put the old state back: ${why}; nothing was changed`;
      throw new TransactionError("ERR_GUARDIAN", message, { cause });
    } finally {
      late.abort();
      timer.catch(() => undefined);
    }
  }

  /** All is done: from now on the end of this process means nothing, only the deadline does. */
  async entrust(): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#channel.write("done\n", (error) => (error ? reject(error) : resolve())),
    );
    this.#channel.destroy();
  }

  /** What this program could not undo is left to the guardian, as if the program had ended. */
  handOver(): void {
    this.#channel.destroy();
  }

  /** There is nothing to guard any more. */
  dismiss(): void {
    this.#channel.end("over\n");
  }
}
