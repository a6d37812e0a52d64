/** Asks the service at its socket. */
import { connect } from "node:net";
import type { ControlRefusal, ControlWord } from "./control.ts";

/** The service cannot be asked, or says no. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  /** `ERR_NO_SERVICE` where nobody listens, `ERR_NO_ANSWER` where nothing of use was said, else what the service says. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Milliseconds in which the service has to answer: it may have to wait for whoever changes the host. */
const ANSWER = 20_000;
/** Characters of the longest answer that is read. */
const LONGEST_ANSWER = 1 << 20;
/** Nobody is there: no file, a file that a dead process left, or one that this user may not see. */
const ABSENT = ["ENOENT", "ECONNREFUSED", "EACCES", "ENOTDIR", "ENOTSOCK"];

function readLine(path: string, word: ControlWord, milliseconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => socket.write(`${word}\n`));
    const fail = (code: string, why: string): void => {
      socket.destroy();
      reject(new ControlError(code, `the service at ${path} ${why}`));
    };
    const timer = setTimeout(
      () => fail("ERR_NO_ANSWER", `did not answer within ${milliseconds / 1000} s`),
      milliseconds,
    );
    socket.setEncoding("utf8");
    socket.on("data", (more: string) => {
      text += more;
      if (text.length > LONGEST_ANSWER) fail("ERR_NO_ANSWER", "does not stop talking");
      if (!text.includes("\n")) return;
      resolve(text.slice(0, text.indexOf("\n")));
      socket.destroy();
    });
    socket.once("end", () => fail("ERR_NO_ANSWER", "hung up without an answer"));
    socket.once("error", ({ code = "", message }: NodeJS.ErrnoException) => {
      if (ABSENT.includes(code)) fail("ERR_NO_SERVICE", `does not run (${code})`);
      else fail("ERR_NO_ANSWER", `cannot be asked: ${message}`);
    });
    socket.once("close", () => clearTimeout(timer));
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
  const { error, [word]: said } = answerIn(await readLine(path, word, milliseconds));
  if (error !== undefined) throw new ControlError(error.code, error.message);
  if (said !== undefined) return said;
  throw new ControlError("ERR_NO_ANSWER", `what answers at ${path} is no service of linkwright`);
}
