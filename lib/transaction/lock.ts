/** One application at a time in a namespace. */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadBinding } from "../../native-bindings/index.ts";
import { openOwn } from "./directory.ts";
import { TransactionError } from "./error.ts";

/** Milliseconds between two tries. */
const PAUSE = 20;
const EAGAIN = -11;
const DOING = "changing this network namespace";

/** Held until it is released or the process ends, however it ends. */
export class Lock implements AsyncDisposable {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Waits at most `seconds` for the lock of a namespace's directory; or of another one, where its holder is `doing` this.
   *
   * @throws {TransactionError} `ERR_LOCKED` with the holder's number.
   */
  static async take(directory: string, seconds: number, signal?: AbortSignal, doing = DOING): Promise<Lock> {
    const path = join(directory, "lock");
    const file = await openOwn(path, constants.O_RDWR | constants.O_CREAT);
    if (file === undefined) throw new TransactionError("ERR_STATE_DIRECTORY", `cannot make ${path}`);
    try {
      await Lock.#wait(file, seconds, signal, doing);
      const line = Buffer.from(`${process.pid}\n`);
      await file.truncate();
      await file.write(line, 0, line.length, 0);
      return new Lock(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static async #wait(file: FileHandle, seconds: number, signal: AbortSignal | undefined, doing: string): Promise<void> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const status = loadBinding().lock(file.fd);
      if (status === 0) return;
      if (status !== EAGAIN) throw new TransactionError("ERR_LOCKED", `the lock cannot be had (error ${-status})`);
      if (performance.now() >= end) throw await Lock.#taken(file, seconds, doing);
      await sleep(PAUSE, undefined, signal === undefined ? {} : { signal });
    }
  }

  static async #taken(file: FileHandle, seconds: number, doing: string): Promise<TransactionError> {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    const pid = Number.parseInt(buffer.toString("latin1", 0, bytesRead), 10);
    const holder = Number.isNaN(pid) ? "another process" : `process ${pid}`;
    const waited = seconds > 0 ? `, also after ${seconds} s` : "";
    const message = `${holder} is ${doing}${waited}; wait for it, or wait longer with --wait`;
    return new TransactionError("ERR_LOCKED", message, { pid: Number.isNaN(pid) ? undefined : pid });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
