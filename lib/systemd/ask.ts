/** Asks the service at its socket. */
import { connect } from "node:net";
import { LineError, lineOf } from "../socket/line.ts";
import { LONGEST_PATH } from "../socket/unix.ts";
import type { ControlRefusal, ControlWord } from "./control.ts";

/** The service cannot be asked, or says no. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  /** `ERR_NO_SERVICE` where nobody listens, `ERR_ACCESS` where this user may not ask, `ERR_NO_ANSWER` where nothing of use was said, else what the service says. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Milliseconds in which the service has to answer: it may have to wait for whoever changes the host. */
const ANSWER = 20_000;
/** Bytes of the longest answer that is read. */
const LONGEST_ANSWER = 1 << 20;
/** Nobody is there: no file, or one that a dead process left. */
const ABSENT = ["ENOENT", "ECONNREFUSED", "ENOTDIR", "ENOTSOCK"];
/** It went while it was asked. */
const GONE = ["EPIPE", "ECONNRESET"];

/** Why there is no answer. */
function failureOf(path: string, word: ControlWord, error: unknown): ControlError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const of = (ours: string, why: string): ControlError => new ControlError(ours, `the service at ${path} ${why}`);
  if (ABSENT.includes(code)) return of("ERR_NO_SERVICE", `does not run (${code})`);
  if (code === "EACCES") return of("ERR_ACCESS", `cannot be asked without root: sudo linkwright ${word}`);
  if (code === "ERR_NO_LINE" || GONE.includes(code)) return of("ERR_NO_ANSWER", "hung up without an answer; try again");
  return of("ERR_NO_ANSWER", error instanceof LineError ? message : `cannot be asked: ${message}`);
}

function readLine(path: string, word: ControlWord, milliseconds: number): Promise<string> {
  const socket = connect(path, () => socket.write(`${word}\n`));
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    const late = `did not answer within ${milliseconds / 1000} s`;
    timer = setTimeout(() => reject(new ControlError("ERR_NO_ANSWER", `the service at ${path} ${late}`)), milliseconds);
    socket.once("error", (error) => reject(failureOf(path, word, error)));
  });
  const read = lineOf(socket, LONGEST_ANSWER).catch((error: unknown) => {
    throw failureOf(path, word, error);
  });
  return Promise.race([failed, read]).finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** An answer; nothing where it is none. */
function answerIn(line: string): Partial<Record<ControlWord, unknown>> & { readonly error?: ControlRefusal } {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Asks the service that listens at a path. @throws {ControlError} */
export async function askService(path: string, word: ControlWord, milliseconds: number = ANSWER): Promise<unknown> {
  // Nobody can listen at such a path.
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new ControlError("ERR_NO_SERVICE", `the service at ${path} does not run: the path is too long for a socket`);
  const { error, [word]: said } = answerIn(await readLine(path, word, milliseconds));
  if (error !== undefined) throw new ControlError(error.code, error.message);
  if (said !== undefined) return said;
  throw new ControlError("ERR_NO_ANSWER", `what answers at ${path} is no service of linkwright`);
}
