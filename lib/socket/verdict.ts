/**
 * The kernel's verdict on a request: an error number and, after it, attributes that say what was wrong and where.
 *
 * Source: include/uapi/linux/netlink.h (struct nlmsgerr, NLMSGERR_ATTR_*), net/netlink/af_netlink.c (netlink_ack).
 */
import { align, Reader, Writer } from "../wire/buffer.ts";
import {
  extack,
  type Message,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_HDRLEN,
  readErrno,
  writeMessage,
} from "../wire/message.ts";
import { NetlinkError } from "./errors.ts";

/** What an NLMSG_ERROR or NLMSG_DONE says. `errno` is 0 for success; the words are a warning then. */
export interface Verdict {
  readonly errno: number;
  readonly reason?: string | undefined;
  /** Bytes from the beginning of the request to the attribute at fault. */
  readonly offset?: number | undefined;
  readonly missType?: number | undefined;
  readonly missNest?: number | undefined;
}

const SUCCESS: Verdict = { errno: 0 };

function readExtack(from: Reader, errno: number, start: number, end: number): Verdict {
  if (end - start < 4) return { errno };
  try {
    const { msg, offs, missType, missNest } = extack.read(from, start, end);
    return { errno, reason: msg, offset: offs, missType, missNest };
  } catch {
    return { errno }; // lengths that cannot be: the error number still counts
  }
}

/** Reads the payload of an NLMSG_ERROR; undefined where it is too short to be one. */
export function readAck(from: Reader, flags: number, start: number, end: number): Verdict | undefined {
  if (end - start < 4 + NLMSG_HDRLEN) return undefined;
  const errno = readErrno(from, start, end);
  if ((flags & NLM_F_ACK_TLVS) === 0) return errno === 0 ? SUCCESS : { errno };
  const echo = start + 4;
  const echoed = from.u32[echo >> 2] as number;
  const skip = (flags & NLM_F_CAPPED) !== 0 ? NLMSG_HDRLEN : Math.max(NLMSG_HDRLEN, echoed);
  if (skip > end - echo) return { errno };
  return readExtack(from, errno, echo + align(skip), end);
}

/** Reads the payload of an NLMSG_DONE; one without a payload is a success. */
export function readDone(from: Reader, flags: number, start: number, end: number): Verdict {
  const errno = readErrno(from, start, end);
  if ((flags & NLM_F_ACK_TLVS) === 0) return errno === 0 ? SUCCESS : { errno };
  return readExtack(from, errno, start + 4, end);
}

/** Names the attribute at `target` of a request, which is written once more for that. */
function nameOf<I>(message: Message<I, unknown>, value: I, target: number, mark?: number): string | undefined {
  try {
    const out = new Writer();
    writeMessage(out, message, value, 0, 1);
    if (mark !== undefined) target = place(out, target, mark);
    return message.body.locate(new Reader(out.u8), NLMSG_HDRLEN, out.length, target);
  } catch {
    return undefined;
  }
}

/** Puts an empty attribute `number` where it is missing: into the nest at byte `nest`, or at the end (`nest` 0). */
function place(out: Writer, nest: number, number: number): number {
  if (nest === 0) {
    const at = out.begin(number);
    out.end(at);
    return at;
  }
  const at = nest + 4;
  const room = (out.u16[nest >> 1] as number) - 4;
  if (nest % 4 !== 0 || room < 4) throw new RangeError("no room");
  out.u16[at >> 1] = room;
  out.u16[(at >> 1) + 1] = number;
  return at;
}

/** Words for a refused request. `value` must be what was sent. */
export function refused<I>(verdict: Verdict, message: Message<I, unknown>, value: I, index?: number): NetlinkError {
  const { errno, reason, offset, missType, missNest } = verdict;
  const attribute = offset === undefined ? undefined : nameOf(message, value, offset);
  let missing: string | undefined;
  if (missType !== undefined) {
    missing = nameOf(message, value, missNest ?? 0, missType);
    if (missing === undefined) {
      const nest = missNest === undefined ? undefined : nameOf(message, value, missNest);
      missing = nest === undefined ? `#${missType}` : `${nest}.#${missType}`;
    }
  }
  return new NetlinkError({ errno, request: message.name, reason, attribute, missing, index });
}
