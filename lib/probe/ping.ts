/** Echo requests of an exact size from any network namespace, without a program and without entering it. */
import { randomBytes } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { loadBinding, META, type SocketHandle } from "../../native-bindings/index.ts";
import { errnoName } from "../socket/errors.ts";
import { type Answer, ECHO_HEADER, echoRequest, fillPayload, headerLength, readAnswer, type Version } from "./echo.ts";
import {
  AF,
  int32,
  LARGEST,
  leaveBy,
  openIn,
  receive,
  SOCK_DGRAM,
  SOCK_RAW,
  setOption,
  socketAddress,
  versionOf,
  type WayOut,
  widen,
} from "./sockets.ts";

/** How to ping. */
export interface PingOptions extends WayOut {
  /** Bytes of the whole IP packet; default 84, as ping has it. */
  readonly size?: number;
  /**
   * Whether the packet may not be fragmented; default true. The size is then limited by the device alone, not by what
   * this host has learned of the path (`"path"` respects that too).
   */
  readonly df?: boolean | "path";
  /** Milliseconds to wait after the last request; default 1000. */
  readonly timeout?: number;
  /** Requests to send; default 1. */
  readonly count?: number;
  /** Milliseconds between requests; default 20. */
  readonly interval?: number;
  /** Number of the device to leave by, which link-local addresses need. */
  readonly scope?: number;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Why a request did not leave: `EMSGSIZE`, `ENETUNREACH`; or `unreachable` where a host on the way said so. */
  readonly error?: string;
  /** With `EMSGSIZE`: the path MTU as this host knows it. */
  readonly mtu?: number;
  /** The MTU in "fragmentation needed" or "packet too big", where one came. */
  readonly fragNeeded?: number;
  /** Milliseconds until the first reply. */
  readonly ms?: number;
}

const PROTOCOL = { 4: 1, 6: 58 } as const;
/** Levels and options of Linux: SOL_IP, IP_MTU_DISCOVER, IP_MTU, and those of IPv6. */
const OPTIONS = {
  4: { level: 0, discover: 10, mtu: 14 },
  6: { level: 41, discover: 23, mtu: 24 },
} as const;
const IPV6_DONTFRAG = 62;
/** IP_PMTUDISC_*: whether DF is set, and whether a learned path MTU counts. */
const DISCOVER = { dont: 0, do: 2, probe: 3 } as const;

function forbidFragments(socket: SocketHandle, version: Version, df: boolean | "path"): void {
  const { level, discover } = OPTIONS[version];
  const how = df === "path" ? DISCOVER.do : df ? DISCOVER.probe : DISCOVER.dont;
  const settings: [number, number][] = [[discover, how]];
  if (version === 6) settings.push([IPV6_DONTFRAG, df === false ? 0 : 1]);
  for (const [name, value] of settings) setOption(socket, level, name, int32(value), "forbid fragments");
}

/** The MTU that the kernel would use for this destination. */
function knownMtu(nsFd: number, address: string, scope: number, way: WayOut): number | undefined {
  const native = loadBinding();
  const version = versionOf(address);
  const socket = openIn(nsFd, AF[version], SOCK_DGRAM, 0);
  try {
    const out = new Uint8Array(4);
    leaveBy(socket, way);
    if (native.connect(socket, socketAddress(address, 9, scope)) < 0) return undefined;
    const length = native.getopt(socket, OPTIONS[version].level, OPTIONS[version].mtu, out);
    return length === 4 ? new Int32Array(out.buffer)[0] : undefined;
  } finally {
    native.close(socket);
  }
}

/** Mutable while packets come in. */
interface Tally {
  sent: number;
  readonly replies: Set<number>;
  /** Requests of which something is known, if only that they were refused on the way. */
  readonly settled: Set<number>;
  error: string | undefined;
  fragNeeded: number | undefined;
  first: number | undefined;
}

function check(address: string, size: number, count: number): Version {
  const version = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (version === undefined)
    throw new TypeError(`cannot ping: expected an IP address without zone, got ${JSON.stringify(address)}`);
  const least = headerLength(version) + ECHO_HEADER;
  if (!Number.isInteger(size) || size < least || size > LARGEST)
    throw new RangeError(`cannot ping ${address}: expected a size of ${least}..${LARGEST} bytes, got ${size}`);
  if (!Number.isInteger(count) || count < 1 || count > LARGEST)
    throw new RangeError(`cannot ping ${address}: expected a count of 1..${LARGEST}, got ${count}`);
  return version;
}

function note(tally: Tally, answer: Answer, start: number): void {
  tally.settled.add(answer.sequence);
  if (answer.kind === "too big") tally.fragNeeded = answer.mtu;
  else if (answer.kind === "unreachable") tally.error ??= "unreachable";
  else {
    tally.first ??= performance.now() - start;
    tally.replies.add(answer.sequence);
  }
}

/**
 * Sends echo requests from a namespace and counts replies; told apart by identifier, sequence number and payload.
 * Same as: ping -c COUNT -s SIZE-28 -M probe ADDRESS (-M do, for `df: "path"`)
 */
export async function ping(nsFd: number, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { size = 84, df = true, timeout = 1000, count = 1, interval = 20, scope = 0, signal, source, dev } = options;
  const version = check(address, size, count);
  signal?.throwIfAborted();
  const native = loadBinding();
  const socket = openIn(nsFd, AF[version], SOCK_RAW, PROTOCOL[version]);
  try {
    forbidFragments(socket, version, df);
    leaveBy(socket, { source, dev });
    widen(socket);
    const tally = await converse(socket, version, socketAddress(address, 0, scope), {
      ...{ size, timeout, count, interval },
      ...(signal === undefined ? {} : { signal }),
    });
    const mtu = tally.error === "EMSGSIZE" ? knownMtu(nsFd, address, scope, { source, dev }) : undefined;
    return {
      sent: tally.sent,
      received: tally.replies.size,
      ...(tally.error === undefined ? {} : { error: tally.error }),
      ...(mtu === undefined ? {} : { mtu }),
      ...(tally.fragNeeded === undefined ? {} : { fragNeeded: tally.fragNeeded }),
      ...(tally.first === undefined ? {} : { ms: tally.first }),
    };
  } finally {
    native.close(socket);
  }
}

interface Plan {
  readonly size: number;
  readonly timeout: number;
  readonly count: number;
  readonly interval: number;
  readonly signal?: AbortSignal;
}

function converse(socket: SocketHandle, version: Version, to: Uint8Array, plan: Plan): Promise<Tally> {
  const native = loadBinding();
  const id = randomBytes(2).readUInt16BE();
  const payload = fillPayload(randomBytes(16), plan.size - headerLength(version) - ECHO_HEADER);
  const tally: Tally = {
    ...{ sent: 0, replies: new Set(), settled: new Set() },
    ...{ error: undefined, fragNeeded: undefined, first: undefined },
  };
  const slab = new Uint8Array(LARGEST + 1);
  const meta = new Uint32Array(META.WORDS);
  const start = performance.now();
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let tries = 0;
    const end = (): void => {
      clearTimeout(timer);
      native.watch(socket, null);
      plan.signal?.removeEventListener("abort", end);
      if (plan.signal?.aborted) reject(plan.signal.reason);
      else resolve(tally);
    };
    const send = (): void => {
      const status = native.send(socket, echoRequest(version, id, ++tries, payload), to);
      if (status >= 0) tally.sent++;
      else tally.error ??= errnoName(status);
      // What did not leave has no reply to wait for.
      const over = tries === plan.count && tally.sent === 0;
      timer = tries < plan.count ? setTimeout(send, plan.interval) : setTimeout(end, over ? 0 : plan.timeout);
    };
    plan.signal?.addEventListener("abort", end);
    native.watch(socket, () => {
      receive(socket, slab, meta, (data) => {
        const answer = readAnswer(version, data, id, payload);
        if (answer !== undefined && answer.sequence <= tries) note(tally, answer, start);
      });
      if (tries === plan.count && tally.settled.size >= tally.sent) end();
    });
    send();
  });
}
