/** Varlink: JSON messages, each ended by a null byte, over a Unix socket. Source: varlink.org, Protocol */
import { connect } from "node:net";
import { Refused, SystemdError } from "./error.ts";
import { orAborted } from "./signals.ts";

/** How an answer ends. */
const END = 0;
/** Bytes that an answer may have. */
const LARGEST = 64 << 20;

/** A call, and how long to wait for its answer. */
export interface VarlinkCall {
  /** Path of the socket. */
  readonly socket: string;
  /** `io.systemd.Network.Describe` */
  readonly method: string;
  readonly parameters?: object;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

interface Answer {
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly error?: string;
}

function read(text: string, method: string): Readonly<Record<string, unknown>> {
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
    if (typeof answer !== "object" || answer === null) throw new SyntaxError("no object");
  } catch (cause) {
    throw new SystemdError("ERR_PROTOCOL", `${method}: the answer is no Varlink message`, { cause });
  }
  const parameters = answer.parameters ?? {};
  if (answer.error === undefined) return parameters;
  const told = Object.values(parameters).filter((one) => typeof one === "string");
  throw new Refused(answer.error, [answer.error, ...told].join(": "));
}

/**
 * Calls a method once, on a connection of its own.
 *
 * @throws {Refused} with the name of the error that was answered. @throws {SystemdError} `ERR_LOST`, `ERR_TIMEOUT` or
 * `ERR_PROTOCOL`
 */
export function varlink({ socket, method, parameters = {}, timeout, signal }: VarlinkCall): Promise<object> {
  signal?.throwIfAborted();
  const stream = connect(socket);
  const chunks: Buffer[] = [];
  let length = 0;
  const answered = new Promise<object>((resolve, reject) => {
    const lost = (cause?: Error): void =>
      reject(new SystemdError("ERR_LOST", `${method}: ${socket} gave no answer`, cause === undefined ? {} : { cause }));
    stream.on("connect", () => stream.write(`${JSON.stringify({ method, parameters })}\0`));
    stream.on("data", (chunk: Buffer) => {
      const end = chunk.indexOf(END);
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += chunk.length;
      if (length > LARGEST) reject(new SystemdError("ERR_PROTOCOL", `${method}: the answer does not end`));
      if (end < 0) return;
      try {
        resolve(read(Buffer.concat(chunks).toString("utf8"), method));
      } catch (error) {
        reject(error);
      }
    });
    stream.on("error", lost);
    stream.on("close", () => lost());
    stream.setTimeout(timeout, () => reject(new SystemdError("ERR_TIMEOUT", `${method}: no answer in ${timeout} ms`)));
  });
  return orAborted(answered, signal).finally(() => stream.destroy());
}
