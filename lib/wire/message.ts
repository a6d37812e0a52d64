/**
 * Whole messages: the header that all share, the family's fixed header, and the attributes.
 *
 * Source: include/uapi/linux/netlink.h (struct nlmsghdr, NLM_F_*, struct nlmsgerr, NLMSGERR_ATTR_*).
 */
import { type AnySchema, type AttrsIn, type AttrsOut, at, attrs, type Fields, locate, type Schema } from "./attr.ts";
import { align, type Reader, type Writer } from "./buffer.ts";
import { bytes, type Fixed, s32, u32 } from "./codec.ts";
import { tooShort, WireError } from "./error.ts";
import { text } from "./text.ts";

/** Bytes of struct nlmsghdr. */
export const NLMSG_HDRLEN = 16;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
export const NLM_F_DUMP_INTR = 0x10;
/** NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** In a request that deletes: all that the filter means. */
export const NLM_F_BULK = 0x200;
/** In a reply of type NLMSG_ERROR: only the header of the request was echoed. */
export const NLM_F_CAPPED = 0x100;
/** In a reply of type NLMSG_ERROR or NLMSG_DONE: attributes of {@link extack} follow. */
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

/** What the kernel adds to an acknowledgement. */
export const extack = attrs("NLMSGERR_ATTR", {
  msg: at(1, text),
  offs: at(2, u32),
  cookie: at(3, bytes),
  policy: at(4, bytes),
  missType: at(5, u32),
  missNest: at(6, u32),
});

/** The payload of a message: everything after struct nlmsghdr. */
export interface Body<I, O = I> {
  write(out: Writer, value: I): void;
  /** @throws {WireError} when the payload is too short or an attribute's length is impossible. */
  read(from: Reader, start: number, end: number): O;
  /** Names the attribute at byte `target` of a payload from `start` to `end`. */
  locate(from: Reader, start: number, end: number, target: number): string | undefined;
}

/** The payload that most families use: a fixed header, then attributes. */
export function body<HI, HO, F extends Fields>(
  header: Fixed<HI, HO>,
  attributes: Schema<F>,
): Body<{ readonly header: HI; readonly attrs?: AttrsIn<F> }, { readonly header: HO; readonly attrs: AttrsOut<F> }> {
  const skip = align(header.size);
  return {
    write(out, value) {
      const start = out.length;
      header.write(out, value.header);
      out.take(start + skip - out.length);
      if (value.attrs !== undefined) attributes.write(out, value.attrs);
    },
    read(from, start, end) {
      if (end - start < header.size) throw tooShort(header.name, header.size, start, end);
      return {
        header: header.read(from, start, start + header.size),
        attrs: attributes.read(from, Math.min(start + skip, end), end),
      };
    },
    locate: (from, start, end, target) => locate(attributes as AnySchema, from, start + skip, end, target),
  };
}

/** A kind of message: its number, its name in errors, and its payload. */
export interface Message<I, O = I> {
  /** The kernel's name: `RTM_NEWLINK`. */
  readonly name: string;
  readonly type: number;
  readonly body: Body<I, O>;
}
export function message<I, O>(name: string, type: number, payload: Body<I, O>): Message<I, O> {
  return { name, type, body: payload };
}
/** The same kind of message with the same fixed header, as another reader reads it; it cannot be written. */
export function readAs<O>(
  { name, type }: Pick<Message<never>, "name" | "type">,
  { name: called, size }: Pick<Fixed<never>, "name" | "size">,
  read: Body<never, O>["read"],
): Message<never, O> {
  return {
    name,
    type,
    body: {
      write: () => undefined,
      locate: () => undefined,
      read(from, start, end) {
        if (end - start < size) throw tooShort(called, size, start, end);
        return read(from, start, end);
      },
    },
  };
}
/** What may be written as, and what is read from, a kind of message. */
export type MessageIn<M> = M extends Message<infer I, unknown> ? I : never;
export type MessageOut<M> = M extends Message<never, infer O> ? O : never;

/** Appends a whole message and returns where it begins. */
export function writeMessage<I>(
  out: Writer,
  kind: Message<I, unknown>,
  value: I,
  flags: number,
  sequence: number,
): number {
  const begin = out.take(NLMSG_HDRLEN);
  try {
    kind.body.write(out, value);
  } catch (error) {
    out.truncate(begin);
    throw WireError.under(kind.name, error);
  }
  out.u16[(begin >> 1) + 2] = kind.type;
  out.u16[(begin >> 1) + 3] = flags;
  out.u32[(begin >> 2) + 2] = sequence;
  out.u32[begin >> 2] = out.length - begin;
  out.take(align(out.length) - out.length);
  return begin;
}

/** Reads the signed error number at the head of an NLMSG_ERROR or NLMSG_DONE payload; 0 where there is none. */
export function readErrno(from: Reader, start: number, end: number): number {
  return end - start >= 4 ? s32.read(from, start, start + 4) : 0;
}
