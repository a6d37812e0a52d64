/** One line from a stream: what somebody else sends, bounded in size. */
import type { Socket } from "node:net";

/** Why there is no line. */
export class LineError extends Error {
  override readonly name = "LineError";
  readonly code: "ERR_LONG_LINE" | "ERR_NO_LINE";

  constructor(code: LineError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The first line, without its line break; nothing more is read then, and what the kernel keeps of it is bounded. Errors of
 * the stream are for its owner to hear of.
 *
 * @throws {LineError} where it has more than `most` bytes with its line break, and where the other side ends before.
 */
export function lineOf(socket: Socket, most: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const done = (): void => {
      socket.off("data", take).off("end", ended).off("close", ended).pause();
    };
    const refuse = (error: LineError): void => {
      done();
      reject(error);
    };
    const ended = (): void => refuse(new LineError("ERR_NO_LINE", "hung up without a line"));
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk.subarray(0, most)]);
      const end = bytes.subarray(0, most).indexOf("\n");
      if (end >= 0) {
        done();
        resolve(bytes.toString("utf8", 0, end));
      } else if (bytes.length >= most)
        refuse(new LineError("ERR_LONG_LINE", `sends a line of more than ${most} bytes`));
    };
    socket.on("data", take).once("end", ended).once("close", ended);
  });
}
