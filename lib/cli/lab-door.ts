/** The door of a running lab: a socket beside its record, by which other commands let something go wrong in there. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
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

/** Bytes of a wish at most. */
const MOST = 4096;

/** The path of the door of the lab with this record. */
export const doorOf = (record: string): string => record.replace(/\.json$/, ".sock");

/** Lets something go wrong, and tells where the host's files are. @throws {LabError} */
export async function injure(lab: Lab, fault: string, host = lab.hosts[0] ?? ""): Promise<Injured> {
  await lab.fault(fault as FaultName, host);
  return { fault, host, root: (await lab.files(host)).root };
}

async function lineOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const part of socket.setEncoding("utf8")) {
    text += part;
    if (text.includes("\n") || text.length > MOST) break;
  }
  return text;
}

async function answer(socket: Socket, lab: Lab): Promise<void> {
  let told: Injured;
  try {
    const { fault, host } = JSON.parse(await once(socket, "data").then(([data]) => String(data))) as Wish;
    told = await injure(lab, fault, host);
  } catch (error) {
    const { message, code } = error as { readonly message: string; readonly code?: unknown };
    told = { error: message, code: String(code ?? "ERR_LAB") };
  }
  socket.end(`${JSON.stringify(told)}\n`);
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
  try {
    await once(socket, "connect");
    socket.write(`${JSON.stringify(wish)}\n`);
    const told = JSON.parse(await lineOf(socket)) as Injured;
    if ("error" in told) throw new CommandError(told.error, told.code);
    return told;
  } finally {
    socket.destroy();
  }
}
