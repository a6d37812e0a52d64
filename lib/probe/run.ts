/** Runs probes, from the namespace of a host. */
import { randomInt } from "node:crypto";
import { getServers } from "node:dns";
import { setMaxListeners } from "node:events";
import { isIP } from "node:net";
import { loadBinding } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import { placeOf } from "../netns/netns.ts";
import { check, checkList, InputError, integer, type Shape } from "../shape/shape.ts";
import { errnoName } from "../socket/index.ts";
import { type Asking, codeOf, indexOf } from "./asking.ts";
import { isConnected, runSshClient } from "./client.ts";
import { connect } from "./connect.ts";
import { runGateway } from "./gateways.ts";
import { nameQuestion, readNameAnswer } from "./name-server.ts";
import { type PingResult, ping } from "./ping.ts";
import {
  type DnsEvidence,
  judgeDns,
  judgeGateways,
  judgePing,
  judgeSshClient,
  judgeTcp,
  type PingEvidence,
  type ProbeResult,
  type TcpEvidence,
} from "./result.ts";
import { AF, ask, openIn, SOCK_DGRAM, socketAddress, versionOf, type WayOut } from "./sockets.ts";
import { findSshClient, type SshClient } from "./ssh-session.ts";
import { canonicalProbe, type DnsProbe, type PingProbe, type Probe, parseEndpoint, type TcpProbe } from "./words.ts";

/** How to run probes. */
export interface ProbeOptions {
  /** Gives them up: rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds in which all of them have to end, 1 to 600000; default as each of them says. */
  readonly timeout?: number | undefined;
  /**
   * Called when a probe begins. The one of the SSH client watches what is sent to it: whoever writes a line to the
   * session here lets the client show that it hears.
   */
  readonly starting?: ((probe: Probe) => void) | undefined;
}

const shapes = {
  signal: {
    expected: "an AbortSignal",
    json: {},
    accepts: (value): value is AbortSignal => value instanceof AbortSignal,
  },
  timeout: integer(1, 600_000, "milliseconds"),
  starting: {
    expected: "a function",
    json: {},
    accepts: (value): value is () => void => typeof value === "function",
  },
} as const satisfies Record<string, Shape<unknown>>;

/** Seconds. */
const TIMEOUT = 3;
const RETRIES = 2;
/** Probes that run at once; each has sockets of its own. */
const AT_ONCE = 32;
/** Bytes of a packet that passes everywhere. */
const SMALL = 84;
const DNS_PORT = 53;

/** The part of a way out that a word of a probe means. */
function wayOut(from: string | undefined): WayOut {
  if (from === undefined) return {};
  return isIP(from) === 0 ? { dev: from } : { source: from };
}

/** The MTU of the link that a packet would leave by. */
async function mtuTo({ host, signal }: Asking, address: string, { dev, source }: WayOut): Promise<number | undefined> {
  const name = dev ?? (await host.routes.get(address, { from: source }, { signal })).dev;
  return name === undefined ? undefined : (await host.links.get(name, { signal }))?.mtu;
}

/** Echo requests one after the other, until one is answered or cannot leave. */
async function pings(asking: Asking, address: string, size: number, df: boolean, way: WayOut): Promise<PingResult> {
  const { nsFd, interval, tries, signal } = asking;
  const scope = await indexOf(asking, way.dev);
  let sent = 0;
  let told: Partial<PingResult> = {};
  for (let n = 0; n < tries; n++) {
    const found = await ping(nsFd, address, { ...way, size, df, scope, timeout: interval, signal });
    sent += found.sent;
    if (found.received > 0) return { ...found, sent };
    told = { ...told, ...found };
    if (found.error === "EMSGSIZE") break;
  }
  return { ...told, sent, received: 0 };
}

async function runPing(asking: Asking, { ping: address, size: wanted, df, from }: PingProbe): Promise<PingEvidence> {
  const way = wayOut(from);
  const firm = df ?? wanted !== undefined;
  try {
    const size = wanted === "auto" ? await mtuTo(asking, address, way) : (wanted ?? SMALL);
    if (size === undefined) return { df: firm, sent: 0, received: 0, error: "ENODEV" };
    const known = new AbortController();
    const signal = AbortSignal.any([asking.signal, known.signal]);
    // Whether only large packets are lost is what one wants to know next: asked meanwhile.
    const small = size > SMALL ? pings({ ...asking, signal }, address, SMALL, false, way) : undefined;
    const ended = small?.then(ignore, ignore);
    try {
      const found = await pings(asking, address, size, firm, way);
      const silent = found.received === 0 && found.error === undefined && found.fragNeeded === undefined;
      const other = silent && small !== undefined ? { small: (await small).received > 0 } : {};
      return { size, df: firm, ...found, ...other };
    } finally {
      known.abort();
      await ended;
    }
  } catch (error) {
    asking.signal.throwIfAborted();
    return { df: firm, sent: 0, received: 0, error: codeOf(error) };
  }
}
function ignore(): void {}

async function runTcp(asking: Asking, { tcp, from }: TcpProbe): Promise<TcpEvidence> {
  const { address = "", port = 0 } = parseEndpoint(tcp) ?? {};
  const way = wayOut(from);
  try {
    const scope = await indexOf(asking, way.dev);
    return await connect(asking.nsFd, address, port, { ...way, ...asking, scope });
  } catch (error) {
    asking.signal.throwIfAborted();
    return { error: codeOf(error) };
  }
}

/** The address and port of a name server as node:dns writes it. */
function serverOf(text: string): { readonly address: string; readonly port: number } | undefined {
  return parseEndpoint(text) ?? (isIP(text) === 0 ? undefined : { address: text, port: DNS_PORT });
}
async function askServer(asking: Asking, server: string, name: string): Promise<DnsEvidence> {
  const at = serverOf(server);
  if (at === undefined) return { servers: [server], error: "EINVAL" };
  const native = loadBinding();
  const socket = openIn(asking.nsFd, AF[versionOf(at.address)], SOCK_DGRAM, 0);
  try {
    const status = native.connect(socket, socketAddress(at.address, at.port));
    if (status < 0) return { servers: [server], error: errnoName(status) };
    const question = nameQuestion(randomInt(0x1_0000), name);
    const send = (): number => native.send(socket, question, null);
    const { answer, error } = await ask(socket, { ...asking, send, read: (data) => readNameAnswer(question, data) });
    return { servers: [server], ...(answer !== undefined ? { rcode: answer } : error !== undefined ? { error } : {}) };
  } finally {
    native.close(socket);
  }
}
async function runDns(asking: Asking, { dns, server }: DnsProbe): Promise<DnsEvidence> {
  const servers = server === undefined ? getServers() : [server];
  const answers = await Promise.all(servers.map((one) => askServer(asking, one, dns)));
  const found = answers.find(judgeDns) ?? answers.find(({ rcode }) => rcode !== undefined);
  if (found !== undefined) return found;
  const error = answers.find((one) => one.error !== undefined)?.error;
  return { servers, ...(error !== undefined && { error }) };
}

/** Evidence and verdict of one probe. */
type Found = Pick<ProbeResult, "ok" | "evidence">;

async function run(asking: Asking, probe: Probe, starting: () => void): Promise<Found> {
  if (!("sshClient" in probe)) starting();
  if ("gateway" in probe) {
    const evidence = await runGateway(asking, probe);
    return { ok: judgeGateways(evidence), evidence };
  }
  if ("ping" in probe) {
    const evidence = await runPing(asking, probe);
    return { ok: judgePing(evidence), evidence };
  }
  if ("tcp" in probe) {
    const evidence = await runTcp(asking, probe);
    return { ok: judgeTcp(probe, evidence), evidence };
  }
  if ("sshClient" in probe) {
    const client = probe.sshClient === true ? findSshClient() : probe.sshClient;
    const evidence = await runSshClient(asking, client, starting);
    return { ok: judgeSshClient(evidence), evidence };
  }
  const evidence = await runDns(asking, probe);
  return { ok: judgeDns(evidence), evidence };
}

type Running = Pick<ProbeOptions, "starting"> & { readonly signal: AbortSignal };

/** One probe that has so many milliseconds at most. */
async function runOne(
  host: Host,
  nsFd: number,
  probe: Probe,
  most: number,
  { signal, starting }: Running,
): Promise<ProbeResult> {
  const start = performance.now();
  const tries = (probe.retries ?? RETRIES) + 1;
  const timeout = Math.max(1, Math.min((probe.timeout ?? TIMEOUT) * 1000, most));
  const asking = { host, nsFd, timeout, interval: timeout / tries, tries, signal };
  const found = await run(asking, probe, () => starting?.(probe));
  return { probe, ...found, ms: performance.now() - start };
}

/**
 * The SSH client that started this program, where its connection ends in the host's namespace: only then a change of the
 * host can cut it off.
 */
export async function sshClientOn(host: Host): Promise<SshClient | undefined> {
  const client = findSshClient();
  return client !== undefined && (await isConnected(placeOf(host.netns), client)) ? client : undefined;
}

function checkProbes(probes: readonly Probe[]): Probe[] {
  checkList(["probes"], probes);
  return probes.map((probe, i) => {
    try {
      const checked = canonicalProbe(probe);
      if ("peers" in checked) throw new InputError(["peers"], "is known from a document only: use probesOf");
      return checked;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(["probes", String(i), ...error.path], error.reason);
    }
  });
}

/**
 * Runs probes at once from a host's namespace, without entering it, and resolves to one result for each. What fails is
 * told in the results: `ok` is false where there was no answer, and where the probe could not ask, as an echo request
 * without CAP_NET_RAW cannot.
 * @throws {InputError} for what is no probe; nothing was sent then.
 */
export async function runProbes(
  host: Host,
  probes: readonly Probe[],
  options: ProbeOptions = {},
): Promise<ProbeResult[]> {
  check([], shapes, options, "options");
  const checked = checkProbes(probes);
  options.signal?.throwIfAborted();
  const nsFd = placeOf(host.netns);
  const end = performance.now() + (options.timeout ?? Number.POSITIVE_INFINITY);
  // What goes wrong with one ends the others, so that nothing is under way when this rejects.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  setMaxListeners(0, signal);
  const results: ProbeResult[] = [];
  const left = checked.entries();
  const work = async (): Promise<void> => {
    for (const [i, probe] of left)
      results[i] = await runOne(host, nsFd, probe, end - performance.now(), { ...options, signal });
  };
  const workers = Array.from({ length: AT_ONCE }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
    }),
  );
  await Promise.all(workers);
  signal.throwIfAborted();
  return results;
}
