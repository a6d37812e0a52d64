/** What probes look like, in the words of documents and of the typed API. */
import { isIPv4, isIPv6 } from "node:net";
import { canonicalIp, type Family } from "../families/lookup.ts";
import { familyShape } from "../families/service.ts";
import {
  address,
  boolean,
  check,
  choice,
  InputError,
  integer,
  problem,
  type Shape,
  type Shapes,
  seconds,
  text,
} from "../shape/shape.ts";
import { ECHO_HEADER, headerLength } from "./echo.ts";
import { type SshClient, sshClientShape } from "./ssh-session.ts";

/** What every probe may say. */
export interface ProbeCommon {
  /** What to call it in reports, such as the name of the host that is asked; default none. */
  readonly name?: string | undefined;
  /** Seconds until it is given up, 0.01 to 300; default 3. The tries share them. */
  readonly timeout?: number | undefined;
  /** How often it is asked again before the time is over, 0 to 20; default 2. */
  readonly retries?: number | undefined;
}
/**
 * The gateways of the default routes of table main: of each family those with the lowest metric, of which at least one
 * has to answer ARP, neighbor discovery or an echo request. No default route at all is a failure.
 * Same as: arping GATEWAY; ndisc6 GATEWAY DEV; ping GATEWAY
 */
export interface GatewayProbe extends ProbeCommon {
  /** `true` for both families, one of them, or the address of a neighbor that is asked whatever the routes say. */
  readonly gateway: true | Family | string;
}
/** An echo request. Same as: ping -M probe -s SIZE-28 -I FROM ADDRESS */
export interface PingProbe extends ProbeCommon {
  /** An address without zone; a link-local one needs the link in `from`. */
  readonly ping: string;
  /**
   * Bytes of the whole IP packet, 28 (IPv6: 48) to 65535; default 84. `auto` is the MTU of the link that it leaves by.
   */
  readonly size?: number | "auto" | undefined;
  /** Whether it may not be fragmented; default true where a size is given, false elsewhere. */
  readonly df?: boolean | undefined;
  /** Name of the link to leave by, or the source address; default as the routes say. */
  readonly from?: string | undefined;
}
/** A connection that is opened and closed. A refusal is an answer. Same as: nc -z ADDRESS PORT */
export interface TcpProbe extends ProbeCommon {
  /** `192.0.2.1:22`, `[2001:db8::1]:22`. */
  readonly tcp: string;
  /** As with `ping`. */
  readonly from?: string | undefined;
  /** Whether only an open port will do; default false: that somebody answers is enough. */
  readonly open?: boolean | undefined;
}
/** Whether the SSH client that started this program is still reached, and hears us. */
export interface SshClientProbe extends ProbeCommon {
  /** `true` for the client that is found when the probe begins; a client that was found before. */
  readonly sshClient: true | SshClient;
}
/** Whether a name server answers for a name. Same as: dig +short NAME @SERVER */
export interface DnsProbe extends ProbeCommon {
  /** A host name. The answer may be that it has no IPv4 address, but not that there is no such name. */
  readonly dns: string;
  /** Address of the name server; default those that this machine's resolver is configured with, one of which has to. */
  readonly server?: string | undefined;
}
/** One probe, as plain data; {@link runProbes} runs it. */
export type Probe = GatewayProbe | PingProbe | TcpProbe | SshClientProbe | DnsProbe;

/** Peers: known only from a document, which `probesOf` turns into pings. */
export interface PeersProbe extends ProbeCommon {
  /** Which packets: of full size `overlay`, inside the VXLANs, or `underlay`, as large as those become; `true` for both. */
  readonly peers: true | "overlay" | "underlay";
}
/** A probe as a document has it. */
export type WrittenProbe = Probe | PeersProbe;

/** Kinds of probe that need nothing else: their name alone will do. */
export const probeWord: Shape<"gateway" | "sshClient" | "peers"> = choice("gateway", "sshClient", "peers");

const wayOut: Shape<string> = {
  expected: "the name of a link of at most 15 bytes, or an address",
  json: { type: "string", minLength: 1 },
  accepts: (value): value is string =>
    address.accepts(value) ||
    (typeof value === "string" && /^[^/:\s\0]+$/.test(value) && Buffer.byteLength(value) <= 15),
};
const size: Shape<number | "auto"> = {
  expected: "a whole number of bytes from 28 to 65535, or auto",
  json: { anyOf: [integer(28, 65_535).json, { const: "auto" }] },
  accepts: (value): value is number | "auto" => value === "auto" || integer(28, 65_535).accepts(value),
};
const gateway: Shape<true | string> = {
  expected: "true, inet, inet6 or an address",
  json: { anyOf: [{ const: true }, { type: "string" }] },
  accepts: (value): value is true | string => value === true || familyShape.accepts(value) || address.accepts(value),
};
const tcp: Shape<string> = {
  expected: "an address and a port such as 192.0.2.1:22 or [2001:db8::1]:22",
  json: { type: "string" },
  accepts: (value): value is string => typeof value === "string" && parseEndpoint(value) !== undefined,
};
const peers: Shape<PeersProbe["peers"]> = {
  expected: "true, overlay or underlay",
  json: { enum: [true, "overlay", "underlay"] },
  accepts: (value): value is PeersProbe["peers"] => value === true || value === "overlay" || value === "underlay",
};
const hostName: Shape<string> = {
  expected: "a host name such as www.example.org",
  json: { type: "string" },
  accepts: (value): value is string =>
    typeof value === "string" &&
    value.length <= 253 &&
    /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i.test(value) &&
    !address.accepts(value),
};
const time: Shape<number> = {
  ...seconds(300),
  expected: "seconds from 0.01 to 300",
  accepts: (value): value is number => seconds(300).accepts(value) && value >= 0.01,
};

const COMMON = { name: text(64), timeout: time, retries: integer(0, 20) };
/** Each kind of probe: its own word first, then what may stand beside it. */
const KINDS: Readonly<Record<string, Shapes>> = {
  gateway: { gateway },
  ping: { ping: address, size, df: boolean, from: wayOut },
  tcp: { tcp, from: wayOut, open: boolean },
  sshClient: { sshClient: sshClientShape },
  dns: { dns: hostName, server: address },
  peers: { peers },
};
/** Every word that a probe may have. */
export const probeShapes: Shapes = { ...Object.assign({}, ...Object.values(KINDS)), ...COMMON };

/** An address with a port, taken apart; undefined for anything else. */
export function parseEndpoint(text: string): { readonly address: string; readonly port: number } | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const [, six, four, port] = parts ?? [];
  const known = (six !== undefined && isIPv6(six) && !six.includes("%")) || (four !== undefined && isIPv4(four));
  const number = Number(port);
  return known && number >= 1 && number <= 0xffff ? { address: six ?? four ?? "", port: number } : undefined;
}

const linkLocal = (ip: string): boolean => /^fe[89ab]/i.test(ip);

function checkTarget(key: string, target: string, from: string | undefined): void {
  const source = from !== undefined && address.accepts(from) ? from : undefined;
  if (source !== undefined && source.includes(":") !== target.includes(":"))
    throw new InputError(["from"], `${source} and ${target} are of different families; use one`);
  if (linkLocal(target) && (from === undefined || source !== undefined))
    throw new InputError([key], `${target} is on every link; write the link in from`);
}

function checkPing({ ping, size: bytes, from }: PingProbe): void {
  checkTarget("ping", ping, from);
  const least = headerLength(ping.includes(":") ? 6 : 4) + ECHO_HEADER;
  if (typeof bytes === "number" && bytes < least)
    throw new InputError(["size"], `expected at least ${least} bytes for ${ping}, got ${bytes}`);
}

/** The kind of a probe, which its words tell. @throws {InputError} where they tell none, or two. */
function kindOf(words: Readonly<Record<string, unknown>>): string {
  const found = Object.keys(KINDS).filter((kind) => words[kind] !== undefined);
  const [kind, other] = found;
  if (kind === undefined) throw new InputError([], `expected one of ${Object.keys(KINDS).join(", ")} in a probe`);
  if (other !== undefined) throw new InputError([other], `stands beside ${kind}; make it a probe of its own`);
  return kind;
}

/**
 * A probe with whole words instead of short ones, addresses by RFC 5952.
 * @throws {InputError} for what is no probe.
 */
export function canonicalProbe(given: WrittenProbe | "gateway" | "sshClient" | "peers"): WrittenProbe {
  if (typeof given === "string") {
    const wrong = problem(probeWord, given);
    if (wrong !== undefined) throw new InputError([], wrong);
    return { [given]: true } as unknown as WrittenProbe;
  }
  check([], probeShapes, given, "probe");
  const words = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const kind = kindOf(words);
  check([], { ...KINDS[kind], ...COMMON }, words, "probe");
  if (kind === "ping") checkPing(words as unknown as PingProbe);
  if (kind === "tcp") checkTarget("tcp", parseEndpoint(String(words["tcp"]))?.address ?? "", words["from"] as string);
  const plain = (value: unknown): unknown => (address.accepts(value) ? canonicalIp(value) : value);
  return Object.fromEntries(
    Object.entries(words).map(([key, value]) => [key, plain(value)]),
  ) as unknown as WrittenProbe;
}
