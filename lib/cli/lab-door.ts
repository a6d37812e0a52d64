/** The door of a running lab: a socket beside its record, by which other commands let something go wrong in there. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { LineError, lineOf } from "../socket/line.ts";
import type { FaultName } from "../testkit/faults.ts";
import type { Lab } from "../testkit/lab.ts";
import { CommandError } from "./failure.ts";

/** What is wanted. */
interface Wish {
  readonly fault: string;
  /** Default: the document's first host. */
  readonly host?: string | undefined;
}
/** What came of it. */
export type Injured =
  | { readonly fault: string; readonly host: string; readonly root: string }
  | { readonly error: string; readonly code: string };

/** Bytes of a wish, and of an answer, at most: that may say a wish again. */
const LONGEST_WISH = 4096;
const LONGEST_ANSWER = 1 << 16;

/** Lets something go wrong, and tells where the host's files are. @throws {LabError} */
export async function injure(lab: Lab, fault: string, host = lab.hosts[0] ?? ""): Promise<Injured> {
  await lab.fault(fault as FaultName, host);
  return { fault, host, root: (await lab.files(host)).root };
}

async function answer(socket: Socket, lab: Lab): Promise<void> {
  let told: Injured;
  try {
    const { fault, host } = JSON.parse(await lineOf(socket, LONGEST_WISH)) as Wish;
    told = await injure(lab, fault, host);
  } catch (error) {
    const { message, code } = error as { readonly message: string; readonly code?: unknown };
    told = { error: message, code: String(code ?? "ERR_LAB") };
  }
  socket.end(`${JSON.stringify(told)}\n`).resume();
}

/** Opens the door: the directory of records is this user's alone. */
export async function openDoor(path: string, lab: Lab): Promise<Disposable> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    // Who leaves without waiting for an answer is none of the lab's business.
    socket.on("error", () => undefined);
    void answer(socket, lab);
  });
  server.listen(path);
  await once(server, "listening");
  return {
    [Symbol.dispose]() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** Asks a running lab. @throws {CommandError} with what it said. */
export async function knock(path: string, wish: Wish): Promise<Exclude<Injured, { readonly error: string }>> {
  const socket = connect(path);
  // Whatever ends the connection ends the answer.
  socket.on("error", () => undefined);
  try {
    await once(socket, "connect");
    socket.write(`${JSON.stringify(wish)}\n`);
    const told = JSON.parse(await lineOf(socket, LONGEST_ANSWER)) as Injured;
    if ("error" in told) throw new CommandError(told.error, told.code);
    return told;
  } catch (error) {
    if (error instanceof LineError) throw new CommandError(`the lab at ${path} ${error.message}`, "ERR_LAB");
    throw error;
  } finally {
    socket.destroy();
  }
}
