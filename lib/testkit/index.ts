/** For tests of networking software: sandboxes, namespaces, guests, labs. All of it without root. */

export { type PingOptions, type PingResult, ping } from "../probe/ping.ts";
export { type CertificateChain, type ChainOptions, makeChain } from "./certificates.ts";
export { FAULTS, type FaultName } from "./faults.ts";
export { Guest, GuestError, type Listening, type Outcome, type TlsServer } from "./guest.ts";
export { Lab, type LabOptions } from "./lab.ts";
export type { Applied } from "./lab-apply.ts";
export type { HostFiles } from "./lab-files.ts";
export type { LabGuest, LabNode } from "./lab-node.ts";
export { LabError, type PlannedGuest, type PlannedHost, type PlannedRoute, type Topology } from "./lab-topology.ts";
export { type LeakCheckOptions, LeakError, leakCheck } from "./leaks.ts";
export { TestNamespace, type TestNamespaceOptions } from "./namespace.ts";
export { assertSandboxed, runInSandbox, SandboxError, type SandboxOptions } from "./sandbox.ts";
