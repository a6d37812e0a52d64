/** Answers made by hand, and a kernel made of them. */
import type { Datagram } from "../../lib/socket/transport.ts";
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, Reader, Writer } from "../../lib/wire/index.ts";

/** One message of a datagram. */
export interface Sent {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export function split(datagram: Uint8Array): Sent[] {
  const from = new Reader(datagram.slice());
  const all: Sent[] = [];
  for (let at = 0; at + 16 <= datagram.length; ) {
    const length = from.u32[at >> 2] as number;
    all.push({
      type: from.u16[(at >> 1) + 2] as number,
      flags: from.u16[(at >> 1) + 3] as number,
      sequence: from.u32[(at >> 2) + 2] as number,
      bytes: from.copy(at, at + length),
    });
    at += (length + 3) & ~3;
  }
  return all;
}

export function packet(
  type: number,
  sequence: number,
  flags: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const out = new Writer();
  out.take(16);
  out.bytes(payload);
  out.u32[0] = out.length;
  out.u16[2] = type;
  out.u16[3] = flags;
  out.u32[2] = sequence;
  out.take(-out.length & 3);
  return out.finish();
}

export function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(new Int32Array(values).buffer);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What an acknowledgement may say beside its number. */
export interface Said {
  readonly msg?: string;
  readonly offs?: number;
  readonly missType?: number;
  readonly missNest?: number;
  /** The request, which is echoed whole then. */
  readonly echo?: Uint8Array;
}

function tlvs(said: Said): Uint8Array {
  const out = new Writer();
  const put = (type: number, payload: Uint8Array): void => {
    const at = out.begin(type);
    out.bytes(payload);
    out.end(at);
  };
  if (said.msg !== undefined) put(1, new Uint8Array(Buffer.from(`${said.msg}\0`)));
  if (said.offs !== undefined) put(2, words(said.offs));
  if (said.missType !== undefined) put(5, words(said.missType));
  if (said.missNest !== undefined) put(6, words(said.missNest));
  return out.finish();
}

export function ack(sequence: number, errno = 0, said: Said = {}): Uint8Array {
  const extra = tlvs(said);
  const flags = (said.echo ? 0 : NLM_F_CAPPED) | (extra.length > 0 ? NLM_F_ACK_TLVS : 0);
  const echo = said.echo ?? packet(0, sequence, 0);
  return packet(NLMSG_ERROR, sequence, flags, join(words(errno), echo, extra));
}

export function done(sequence: number, errno = 0, said: Said = {}, flags = 0): Uint8Array {
  const extra = tlvs(said);
  return packet(NLMSG_DONE, sequence, 2 | flags | (extra.length > 0 ? NLM_F_ACK_TLVS : 0), join(words(errno), extra));
}

/** A datagram from the kernel. */
export function datagram(data: Uint8Array, more: Partial<Datagram> = {}): Datagram {
  return { data, length: data.length, flags: 0, port: 0, group: 0, nsid: 0xffff_ffff, ...more };
}
