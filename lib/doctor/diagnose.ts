/** Reads a host, asks the network, and names what is wrong. */
import type { Host } from "../host.ts";
import { type Asked, type AskOptions, ask } from "./ask.ts";
import { bridgeChecks } from "./checks/bridge.ts";
import type { Check } from "./checks/check.ts";
import { lastingChecks } from "./checks/lasting.ts";
import { routingChecks } from "./checks/routing.ts";
import { tunnelChecks } from "./checks/tunnel.ts";
import { underlayChecks } from "./checks/underlay.ts";
import { moved, readCounters } from "./counters.ts";
import { type Finding, quoted, sorted } from "./finding.ts";
import { look } from "./view.ts";

/** How to look. */
export interface DiagnoseOptions extends AskOptions {
  /** Whether the network is asked too; default true. Without, nothing is sent. */
  readonly ask?: boolean | undefined;
  /**
   * Directory with the host's files, as `etc/systemd/network` and `run/systemd/netif`, for what happens at its next start.
   * Default: those of this machine, where the host is the machine itself; else nothing is said of it.
   */
  readonly root?: string | undefined;
}

/** What came of it. */
export interface Diagnosis {
  /** Worst first, and of these the one to mend first. */
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
  /** What the far ends of the tunnels answered. */
  readonly asked: Asked;
}

const CHECKS: readonly Check[] = [
  ...underlayChecks,
  ...tunnelChecks,
  ...bridgeChecks,
  ...routingChecks,
  ...lastingChecks,
];
const NOBODY: Asked = {
  ends: {},
  sounds: {},
  duplicates: [],
  clones: [],
  claimed: [],
  bridged: {},
  ways: [],
  witnessed: {},
  overheard: {},
  unseen: ["the network: nobody was asked"],
};

/** Diagnoses a host, whoever set it up. Changes nothing, but for the table of `witness`. To ask the network it needs CAP_NET_RAW. */
export async function diagnose(host: Host, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const view = await look(host, options.root);
  const asked = options.ask === false ? NOBODY : await ask(host, view, options);
  const counted = moved(view.counters, await readCounters(host));
  const names = view.links.map(({ name }) => name);
  const findings = CHECKS.flatMap((check) => check({ view, asked, moved: counted })).map((finding) => {
    return { ...finding, fix: quoted(finding.fix, names) };
  });
  return { findings: sorted(findings), unseen: [...view.unseen, ...asked.unseen], asked };
}
