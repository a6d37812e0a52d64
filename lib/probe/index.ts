/** Probes: whether packets get through, asked from any network namespace. */
export {
  type ConnectionState,
  type DnsEvidence,
  describeProbe,
  describeResult,
  type EvidenceOf,
  type GatewayEvidence,
  type GatewayFound,
  type PingEvidence,
  type ProbeResult,
  type SshClientEvidence,
  type TcpEvidence,
} from "./result.ts";
export { type ProbeOptions, runProbes, sshClientOn } from "./run.ts";
export { findSshClient, type SshClient } from "./ssh-session.ts";
export type {
  DnsProbe,
  GatewayProbe,
  PeersProbe,
  PingProbe,
  Probe,
  ProbeCommon,
  SshClientProbe,
  TcpProbe,
  WrittenProbe,
} from "./words.ts";
