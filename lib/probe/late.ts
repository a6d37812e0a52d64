/** Probes as users of the library import them: what is more than types is loaded when it is first called. */
import { late } from "../families/late.ts";
import type { Host } from "../host.ts";
import type * as index from "./index.ts";
import type { Probe, ProbeOptions, ProbeResult, SshClient } from "./index.ts";

export type {
  ConnectionState,
  DnsEvidence,
  DnsProbe,
  EvidenceOf,
  GatewayEvidence,
  GatewayFound,
  GatewayProbe,
  PeersProbe,
  PingEvidence,
  PingProbe,
  Probe,
  ProbeCommon,
  ProbeOptions,
  ProbeResult,
  SshClient,
  SshClientEvidence,
  SshClientProbe,
  TcpEvidence,
  TcpProbe,
  WrittenProbe,
} from "./index.ts";

const probes = () => late<typeof index>("probe/index");

/** What a probe asks, in a few words: `gateway`, `ping bm2 12.12.139.2`. */
export function describeProbe(probe: Probe): string {
  return probes().describeProbe(probe);
}
/** One line of text for a result: `ping bm2 12.12.139.2: 1450 bytes with DF: answered in 0.3 ms`. */
export function describeResult(result: ProbeResult): string {
  return probes().describeResult(result);
}
/**
 * Runs probes at once from a host's namespace, without entering it, and resolves to one result for each. What fails is
 * told in the results: `ok` is false where there was no answer, and where the probe could not ask, as an echo request
 * without CAP_NET_RAW cannot.
 * @throws {InputError} for what is no probe; nothing was sent then.
 */
export async function runProbes(
  host: Host,
  list: readonly Probe[],
  options: ProbeOptions = {},
): Promise<ProbeResult[]> {
  return probes().runProbes(host, list, options);
}
/**
 * The SSH client that started this program: told by its own environment, else by that of the nearest ancestor that has
 * it, as far as this user may read those. Undefined where the program was started otherwise.
 */
export function findSshClient(env: Readonly<Record<string, string | undefined>> = process.env): SshClient | undefined {
  return probes().findSshClient(env);
}
/**
 * The SSH client that started this program, where its connection ends in the host's namespace: only then a change of the
 * host can cut it off.
 */
export async function sshClientOn(host: Host): Promise<SshClient | undefined> {
  return probes().sshClientOn(host);
}
