/** Probes of a document: checked, and made into those that can be run on this host. Pure: nothing is asked. */

import { BlockList, isIP } from "node:net";
import type { PingProbe, Probe, SshClient } from "../probe/index.ts";
import { canonicalProbe, type WrittenProbe } from "../probe/words.ts";
import { InputError } from "../shape/shape.ts";
import { isMulticast } from "../wire/multicast.ts";
import type { Desired, DesiredLink } from "./desired.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import { vxlanOverhead } from "./mtu.ts";
import { linkOf, type Observed } from "./observed.ts";
import { issueAt, type Peer, type Source } from "./source.ts";
import type { Plan } from "./step.ts";

/** A probe as the document has it. */
export interface DesiredProbe {
  readonly probe: WrittenProbe;
  readonly path: Path;
}

/** Checks the probes of a document one by one. */
export function checkProbes(source: Source, written: readonly unknown[], issues: Issue[]): DesiredProbe[] {
  return written.flatMap((one, i): DesiredProbe[] => {
    const path = ["probes", i];
    try {
      return [{ probe: canonicalProbe(one as WrittenProbe), path }];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      issues.push(issueAt(source, [...path, ...error.path], error.reason));
      return [];
    }
  });
}

/** Whether an address is in the network of an interface address. */
function covers(own: string, ip: string): boolean {
  const [network = "", length] = own.split("/");
  if (isIP(network) !== isIP(ip)) return false;
  const family = isIP(ip) === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, Number(length), family);
  return list.check(ip, family);
}

/** Makes probes out of what a document says. */
class Resolution {
  readonly issues: Issue[] = [];
  readonly #desired: Desired;
  readonly #plan: Plan;
  readonly #observed: Observed;

  constructor(desired: Desired, plan: Plan, observed: Observed) {
    this.#desired = desired;
    this.#plan = plan;
    this.#observed = observed;
  }

  resolve({ probe, path }: DesiredProbe, sshClient: SshClient | undefined): readonly Probe[] {
    if ("peers" in probe) {
      const { peers, ...common } = probe;
      const found = [
        ...(peers === "overlay" ? [] : this.#underlay()),
        ...(peers === "underlay" ? [] : this.#overlay()),
      ].map((one) => ({ ...common, ...one }));
      if (found.length === 0) this.#say(path, this.#whyNobody());
      return found;
    }
    if ("sshClient" in probe)
      return [probe.sshClient === true && sshClient !== undefined ? { ...probe, sshClient } : probe];
    if (("ping" in probe || "tcp" in probe) && probe.from !== undefined) this.#checkLink(probe.from, [...path, "from"]);
    if (!("ping" in probe) || probe.size !== "auto" || probe.from === undefined) return [probe];
    return [{ ...probe, size: this.#mtuOf(this.#linkOf(probe.from)) ?? "auto" }];
  }

  #say(path: Path, message: string): void {
    this.issues.push(issueAt(this.#desired.source, path, message));
  }

  #checkLink(from: string, path: Path): void {
    const known = [...this.#desired.links.filter(({ absent }) => !absent), ...this.#observed.links];
    if (isIP(from) === 0 && known.every(({ name }) => name !== from))
      this.#say(path, `there is no link ${from}, neither in this document nor on this host`);
  }

  /** The link of this name, or that has this address. */
  #linkOf(from: string): string | undefined {
    if (isIP(from) === 0) return from;
    const all = [...this.#desired.addresses.map(({ words }) => words), ...(this.#observed.addresses ?? [])];
    const found = all.find(({ address }) => String(address).split("/")[0] === from);
    return typeof found?.["dev"] === "string" ? found["dev"] : undefined;
  }

  /** The MTU that a link will have. */
  #mtuOf(name: unknown): number | undefined {
    if (typeof name !== "string") return undefined;
    const seen = linkOf(this.#observed, name)?.["mtu"];
    return this.#plan.mtus[name]?.value ?? (typeof seen === "number" ? seen : undefined);
  }

  #vxlans(): readonly DesiredLink[] {
    return this.#desired.links.filter(({ kind, absent }) => kind === "vxlan" && !absent);
  }
  #peers(): readonly Peer[] {
    return this.#desired.source.peers?.() ?? [];
  }

  #whyNobody(): string {
    if (this.#vxlans().length === 0) return "peers are the far ends of a VXLAN, and there is none in this document";
    return "nobody is known to ask; write ping: with an address of the other side";
  }

  /** The other ends of all VXLANs, by packets as large as full ones become outside; each once. */
  #underlay(): readonly PingProbe[] {
    const found = new Map<string, PingProbe>();
    for (const link of this.#vxlans())
      for (const { name, vtep } of this.#ends(link)) {
        const probe = this.#outside(link, vtep, name);
        const key = `${vtep} ${probe.from}`;
        const before = found.get(key);
        const larger = typeof probe.size !== "number" || typeof before?.size !== "number" || probe.size > before.size;
        if (before === undefined || larger) found.set(key, probe);
      }
    return [...found.values()];
  }
  #ends({ options, remotes = [] }: DesiredLink): readonly { readonly name?: string; readonly vtep: string }[] {
    const peers = this.#peers().flatMap(({ name, vtep }) => (vtep === undefined ? [] : [{ name, vtep }]));
    if (peers.length > 0) return peers;
    const all = [options["remote"], ...remotes].filter((one): one is string => typeof one === "string");
    return all.filter((ip) => !isMulticast(ip)).map((vtep) => ({ vtep }));
  }
  #outside({ name: link, options }: DesiredLink, vtep: string, name: string | undefined): PingProbe {
    const { dev, local, gpe } = options;
    const [inside, most] = [this.#mtuOf(link), this.#mtuOf(dev)];
    // Where it is larger than the device takes, the kernel makes two packets of it.
    const size =
      inside === undefined || most === undefined
        ? "auto"
        : Math.min(inside + vxlanOverhead(vtep.includes(":"), gpe === true), most);
    const from = typeof local === "string" ? local : typeof dev === "string" ? dev : undefined;
    return { ping: vtep, size, df: true, ...(from !== undefined && { from }), ...(name !== undefined && { name }) };
  }

  /** The addresses that the other hosts have on links of the overlay where this one has one of the same network. */
  #overlay(): readonly PingProbe[] {
    const links = new Set(this.#vxlans().flatMap(({ name, options }) => [name, options["master"]]));
    const own = this.#desired.addresses.filter(({ words, absent }) => !absent && links.has(words["dev"]));
    const near = (dev: string, ip: string): boolean =>
      own.some(({ words }) => words["dev"] === dev && covers(String(words["address"]), ip));
    return this.#peers().flatMap(({ name, addresses }) =>
      addresses.flatMap(({ dev, address }): PingProbe[] => {
        const ip = address.split("/")[0] ?? "";
        if (!near(dev, ip)) return [];
        return [{ ping: ip, size: this.#mtuOf(dev) ?? "auto", df: true, from: dev, name }];
      }),
    );
  }
}

/**
 * The probes of a document for the host that it was planned for, as plain data: `auto` sizes are the MTUs that the plan
 * works out, peers have become echo requests, the client of an SSH session is named where it is given (see
 * {@link findSshClient}); else it is found when the probe runs.
 *
 * @throws {ConfigError} for a link that is nowhere, and for peers of whom nothing is known.
 */
export function probesOf(
  desired: Desired,
  plan: Plan,
  observed: Observed,
  { sshClient }: { readonly sshClient?: SshClient | undefined } = {},
): readonly Probe[] {
  const resolution = new Resolution(desired, plan, observed);
  const probes = (desired.probes ?? []).flatMap((one) => resolution.resolve(one, sshClient));
  if (resolution.issues.length > 0) throw new ConfigError(resolution.issues);
  return probes;
}
