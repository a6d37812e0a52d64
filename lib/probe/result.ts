/** What probes find, what it means, and how it reads. Nothing is asked here. */
import type { Family } from "../families/lookup.ts";
import type { SshClient } from "./ssh-session.ts";
import type { GatewayProbe, PingProbe, Probe, TcpProbe } from "./words.ts";

/** One gateway, as it was asked. */
export interface GatewayFound {
  readonly family: Family;
  /** Absent where the route has none, as on a point-to-point link. */
  readonly via?: string;
  readonly dev: string;
  /** What was answered, the first that was: ARP, neighbor discovery, an echo request; `link`: there is nobody to ask. */
  readonly answered?: "arp" | "nd" | "echo" | "link";
  /** Its Ethernet address, where that was told. */
  readonly mac?: string;
  /** Milliseconds until the answer. */
  readonly ms?: number;
  /** Why it could not be asked: `EPERM`, `ENETUNREACH`. */
  readonly error?: string;
}
/** What was found of gateways. */
export interface GatewayEvidence {
  readonly gateways: readonly GatewayFound[];
  /** Why nothing could be looked up. */
  readonly error?: string;
}
/** What was found by an echo request. */
export interface PingEvidence {
  /** Bytes of the whole packet; absent where `auto` could not be worked out. */
  readonly size?: number;
  readonly df: boolean;
  readonly sent: number;
  readonly received: number;
  /** Milliseconds until the reply. */
  readonly ms?: number;
  /** Why it did not leave: `EMSGSIZE`, `ENETUNREACH`; `unreachable` where somebody on the way said so. */
  readonly error?: string;
  /** With `EMSGSIZE`: the MTU that this host knows of. */
  readonly mtu?: number;
  /** The MTU in "fragmentation needed" or "packet too big", where one came. */
  readonly fragNeeded?: number;
  /** Whether a packet of 84 bytes got an answer; absent where that was not needed to know. */
  readonly small?: boolean;
}
/** What was found by connecting. */
export interface TcpEvidence {
  /** `refused` is an answer. */
  readonly answer?: "open" | "refused";
  /** `ETIMEDOUT`, `EHOSTUNREACH`, `ENETUNREACH`. */
  readonly error?: string;
}
/** The kernel's view of a connection. Times are milliseconds. */
export interface ConnectionState {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  /** `established`, `close-wait`, … */
  readonly state: string;
  /** Segments that were received, and bytes of ours that were acknowledged, over its whole life. */
  readonly segmentsIn: number;
  readonly bytesAcked: number;
  /** Segments under way that are not acknowledged. */
  readonly unacked: number;
  /** How often the oldest of them was sent again, without an answer since. */
  readonly retransmits: number;
  readonly lastAckReceived: number;
  readonly lastDataSent: number;
  /** Until the oldest segment is sent again. */
  readonly rto: number;
  /** What the path takes, in bytes. */
  readonly pathMtu: number;
}
/** What was found of the client that started us. */
export interface SshClientEvidence {
  /** Absent where this program was not started over SSH. */
  readonly client?: SshClient;
  /** The way to it. */
  readonly route?: { readonly dev?: string; readonly via?: string };
  /** Why there is no way: `ENETUNREACH`. */
  readonly error?: string;
  /** The connection when the probe began and when it ended; absent where this namespace has none. */
  readonly before?: ConnectionState;
  readonly after?: ConnectionState;
  /** What else the client answered while the probe ran: an echo request, a SYN to its port. */
  readonly echo?: boolean;
  readonly tcp?: "open" | "refused";
}
/** What was found of a name server. */
export interface DnsEvidence {
  /** The server that answered first, or those that were asked. */
  readonly servers: readonly string[];
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, … */
  readonly rcode?: string;
  readonly error?: string;
}
/** What a probe found, by its kind. */
export type EvidenceOf<P extends Probe> = P extends { readonly gateway: unknown }
  ? GatewayEvidence
  : P extends { readonly ping: unknown }
    ? PingEvidence
    : P extends { readonly tcp: unknown }
      ? TcpEvidence
      : P extends { readonly sshClient: unknown }
        ? SshClientEvidence
        : DnsEvidence;

/** What came of one probe, as plain data. */
export interface ProbeResult<P extends Probe = Probe> {
  /** The probe as it was run. */
  readonly probe: P;
  readonly ok: boolean;
  readonly evidence: EvidenceOf<P>;
  /** Milliseconds that it took. */
  readonly ms: number;
}

/** Whether each family that has gateways has one that answers, and there are any. */
export function judgeGateways({ gateways }: GatewayEvidence): boolean {
  const families = new Set(gateways.map(({ family }) => family));
  const answers = (family: Family): boolean =>
    gateways.some((one) => one.family === family && one.answered !== undefined);
  return families.size > 0 && [...families].every(answers);
}
/** Whether a reply of the whole size came. */
export function judgePing({ received }: PingEvidence): boolean {
  return received > 0;
}
/** Whether anybody answered; with `open`, whether he let us in. */
export function judgeTcp({ open = false }: Pick<TcpProbe, "open">, { answer }: TcpEvidence): boolean {
  return open ? answer === "open" : answer !== undefined;
}

/** Whether the client acknowledged what was sent to it since the probe began: both directions work. */
function acknowledged({ before, after }: SshClientEvidence): boolean {
  return before !== undefined && after !== undefined && after.bytesAcked > before.bytesAcked;
}
/** Whether the client answered something that has nothing to do with its connection. */
function answersElse({ echo, tcp }: SshClientEvidence): boolean {
  return echo === true || tcp !== undefined;
}

/**
 * Whether enough is known of the client to end early: it acknowledged, or it answered otherwise while nothing is under
 * way on its connection. What is known at the end decides {@link judgeSshClient}.
 */
export function isSshClientSeen(found: SshClientEvidence): boolean {
  return acknowledged(found) || (answersElse(found) && (found.after?.unacked ?? 0) === 0);
}
/**
 * Whether the client is reached: it acknowledged what was sent during the probe; or it answered otherwise and the
 * connection is not sending anything again in vain. No client at all is nothing to lose.
 */
export function judgeSshClient(found: SshClientEvidence): boolean {
  if (found.client === undefined) return true;
  if (found.error !== undefined) return false;
  return acknowledged(found) || (answersElse(found) && (found.after?.retransmits ?? 0) === 0);
}
/** Whether the name is known to somebody who answered. */
export function judgeDns({ rcode }: DnsEvidence): boolean {
  return rcode === "NOERROR";
}

const took = (ms: number | undefined): string =>
  ms === undefined ? "" : ` in ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** What error names mean here, where the name alone says too little. */
const REASONS: Readonly<Record<string, string>> = {
  EPERM: "not permitted; it needs CAP_NET_RAW",
  EACCES: "not permitted",
  ENETUNREACH: "there is no route to it (ENETUNREACH)",
  EHOSTUNREACH: "nobody has this address (EHOSTUNREACH)",
  ENETDOWN: "the link is down (ENETDOWN)",
  ENODEV: "there is no such link (ENODEV)",
  EADDRNOTAVAIL: "this host does not have the source address (EADDRNOTAVAIL)",
  ETIMEDOUT: "no answer",
  unreachable: "a host on the way says that it is unreachable",
};
const reason = (error: string): string => REASONS[error] ?? error;

function tellGateway({ via, dev, answered, mac, ms, error }: GatewayFound): string {
  const who = via === undefined ? dev : `${via} on ${dev}`;
  if (answered === "link") return `${who} is up and has nobody to ask`;
  if (answered === undefined) return `${who}: ${error === undefined ? "no answer" : reason(error)}`;
  const how = { arp: "ARP", nd: "neighbor discovery", echo: "an echo request" }[answered];
  return `${who} answers ${how}${took(ms)}${mac ? ` from ${mac}` : ""}`;
}
function tellGateways({ gateway }: GatewayProbe, { gateways, error }: GatewayEvidence): string {
  if (gateways.length > 0) return gateways.map(tellGateway).join("; ");
  if (error !== undefined) return reason(error);
  return `there is no default route${gateway === true ? "" : ` of ${gateway}`}`;
}

function tellPing({ from }: PingProbe, found: PingEvidence): string {
  const { size, df, received, error, mtu, fragNeeded, small, ms } = found;
  const packet = `${size === undefined ? "a packet" : `${size} bytes`}${df ? " with DF" : ""}${from === undefined ? "" : ` from ${from}`}`;
  if (received > 0) return `${packet}: answered${took(ms)}`;
  if (fragNeeded !== undefined) return `${packet}: a router on the way takes at most ${fragNeeded} bytes`;
  if (error === "EMSGSIZE")
    return `${packet}: too large to leave this host${mtu === undefined ? "" : `, which knows of an MTU of ${mtu}`}`;
  if (error !== undefined) return `${packet}: ${reason(error)}`;
  if (small === true)
    return `${packet}: lost without a word, although small packets are answered; somebody on the way takes smaller ones only`;
  return `${packet}: no answer${small === false ? ", not to small packets either" : ""}`;
}

function tellTcp({ open }: TcpProbe, { answer, error = "ETIMEDOUT" }: TcpEvidence): string {
  if (answer === "open") return "open";
  if (answer === "refused") return open === true ? "refused: nobody listens" : "refused, which is an answer";
  return reason(error);
}

function tellConnection({ before, after }: SshClientEvidence): string {
  if (before === undefined || after === undefined) return "this namespace has no connection of it";
  if (after.retransmits === 0) return "its connection is silent";
  const heard = after.segmentsIn > before.segmentsIn ? "; it is heard, but does not hear us" : "";
  return `its connection has sent ${after.unacked} segments again ${after.retransmits} times without an answer${heard}`;
}
function tellSshClient(found: SshClientEvidence): string {
  const { client, route, error, echo, tcp } = found;
  if (client === undefined) return "not started over SSH: nothing to ask";
  const who = `${client.address} port ${client.port}${route?.dev === undefined ? "" : ` by ${route.dev}`}`;
  if (error !== undefined) return `${who}: ${reason(error)}`;
  if (acknowledged(found)) return `${who}: it acknowledges what its connection sends`;
  const answers = [...(echo === true ? ["an echo request"] : []), ...(tcp === undefined ? [] : ["a SYN"])];
  const other = answers.length > 0 ? `it answers ${answers.join(" and ")}` : "it answers nothing else";
  return `${who}: ${tellConnection(found)}; ${other}`;
}

function tellDns({ servers, rcode, error }: DnsEvidence): string {
  if (rcode !== undefined) return `${servers[0]} answers ${rcode === "NOERROR" ? "it" : rcode}`;
  if (servers.length === 0) return "this machine has no name server configured";
  return `${servers.join(", ")}: ${reason(error ?? "ETIMEDOUT")}`;
}

/** What a probe asks, in a few words: `gateway`, `ping bm2 12.12.139.2`. */
export function describeProbe(probe: Probe): string {
  const name = probe.name === undefined ? "" : ` ${probe.name}`;
  if ("gateway" in probe) return `gateway${name}${probe.gateway === true ? "" : ` ${probe.gateway}`}`;
  if ("ping" in probe) return `ping${name} ${probe.ping}`;
  if ("tcp" in probe) return `tcp${name} ${probe.tcp}`;
  return "sshClient" in probe ? `ssh client${name}` : `dns${name} ${probe.dns}`;
}

function finding({ probe, evidence }: ProbeResult): string {
  if ("gateway" in probe) return tellGateways(probe, evidence as GatewayEvidence);
  if ("ping" in probe) return tellPing(probe, evidence as PingEvidence);
  if ("tcp" in probe) return tellTcp(probe, evidence as TcpEvidence);
  if ("sshClient" in probe) return tellSshClient(evidence as SshClientEvidence);
  return tellDns(evidence as DnsEvidence);
}

/** One line of text for a result: `ping bm2 12.12.139.2: 1450 bytes with DF: answered in 0.3 ms`. */
export function describeResult(result: ProbeResult): string {
  return `${describeProbe(result.probe)}: ${finding(result)}`;
}
