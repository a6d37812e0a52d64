import { type Fault, FaultyTransport } from "../../lib/socket/faulty.ts";
import { type CallOptions, Connection } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import type { Datagram } from "../../lib/socket/transport.ts";
import { NLM_F_ACK, NLM_F_DUMP } from "../../lib/wire/index.ts";
import { ack, datagram, done, join, packet, type Sent, split, words } from "./bytes.ts";
import { dellink, getlink, newlink } from "./kinds.ts";

export const index = (sent: Sent): number => new DataView(sent.bytes.buffer, sent.bytes.byteOffset).getInt32(20, true);
export const link = (sequence: number, number: number, flags = 0): Uint8Array =>
  packet(16, sequence, flags, words(0, number, 0, 0));

/** A kernel in which link n has index n, dumps have three parts of two links, and link 404 is missing. */
export function respond(sent: Sent): readonly (Datagram | number)[] {
  const { sequence, flags } = sent;
  if ((flags & NLM_F_DUMP) === NLM_F_DUMP) {
    const parts = [0, 2, 4].map((n) => datagram(join(link(sequence, n + 1, 2), link(sequence, n + 2, 2))));
    return [...parts, datagram(done(sequence))];
  }
  if (index(sent) === 404) return [datagram(ack(sequence, -19))];
  if (sent.type === 18) return [datagram(link(sequence, index(sent)))];
  return (flags & NLM_F_ACK) === 0 ? [] : [datagram(ack(sequence))];
}

export interface Kernel {
  readonly transport: ScriptedTransport;
  readonly datagrams: Sent[][];
}
export function kernel(answer: (sent: Sent) => readonly (Datagram | number)[] = respond): Kernel {
  const datagrams: Sent[][] = [];
  const transport = new ScriptedTransport((message) => {
    const messages = split(message);
    datagrams.push(messages);
    return messages.flatMap(answer);
  });
  return { transport, datagrams };
}
export function faulty(faults: readonly Fault[], answer = respond): Connection {
  return Connection.over(new FaultyTransport(kernel(answer).transport, faults));
}

export const get = (connection: Connection, number: number, options?: CallOptions): Promise<number> =>
  connection.get(getlink, { header: { index: number } }, newlink, options).then(({ header }) => header.index);
export const remove = (connection: Connection, number: number, options?: CallOptions): Promise<string | undefined> =>
  connection.request(dellink, { header: { index: number } }, 0, options);
export const indexes = async (connection: Connection, options?: CallOptions): Promise<number[]> =>
  (await connection.dump(getlink, { header: {} }, newlink, options)).messages.map(({ header }) => header.index);
export const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "fine",
    (error: { code?: string; name: string }) => error.code ?? error.name,
  );
export const ALL = [1, 2, 3, 4, 5, 6];
