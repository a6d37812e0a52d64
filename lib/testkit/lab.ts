/** The hosts of a document, brought up in network namespaces on this machine, with cables, guests and an internet. */
import { checkAll, derive, hostsOf } from "../fabric/fabric.ts";
import type { Host } from "../host.ts";
import type { LinkStatistics } from "../links/index.ts";
import { type DocumentValue, valueAt } from "../state/document.ts";
import { readSource, type Source } from "../state/source.ts";
import { type FaultName, inject } from "./faults.ts";
import { type Applied, applyShare } from "./lab-apply.ts";
import { buildGuest, buildHost, buildUnderlay, resizeGuest, setOffloads } from "./lab-build.ts";
import { HostFiles } from "./lab-files.ts";
import { type LabGuest, LabNode } from "./lab-node.ts";
import { type HostShare, INTERNET, LabError, planTopology, SWITCH, type Topology } from "./lab-topology.ts";
import { assertSandboxed } from "./sandbox.ts";

/** How the lab is to be. */
export interface LabOptions {
  /** MTU of the underlay's devices and of the switch; default 1500. */
  readonly underlayMtu?: number;
  /** MTU of the guests; default: what fits through the VXLAN, as the plan says. */
  readonly guestMtu?: number;
  /** Guests on each host; default 1. */
  readonly guestsPerHost?: number;
  /** Whether guests have segmentation offloads; default true. */
  readonly gso?: boolean;
  /** Whether the namespaces also stand under /run/netns, for `ip netns exec`; default false. */
  readonly named?: boolean;
  /** Whether each host's share of the document is applied; default true. Without, there are no guests either. */
  readonly apply?: boolean;
  /** Where the files of hosts lie, in directories of their own; default: the directory for temporary files. */
  readonly directory?: string;
}

interface Share extends HostShare {
  readonly source: Source;
}

const MTU = 1500;

/** The bridge that guests are on: the document's word, or the one that a VXLAN belongs to, or the only one. */
function guestBridge({ guests, links = {} }: DocumentValue): string | undefined {
  if (guests !== undefined) return guests.on;
  const all = Object.entries(links);
  const tunnel = all.find(([, { kind, master }]) => kind === "vxlan" && typeof master === "string");
  return (tunnel?.[1].master as string | undefined) ?? all.find(([, { kind }]) => kind === "bridge")?.[0];
}

/** Where guests of a bridge with VLANs are: in the first that has a link of its own, which has the addresses. */
function guestVlan({ links = {} }: DocumentValue, bridge: string): { readonly dev: string; readonly vlan?: number } {
  const inVlan = Object.entries(links).find(([, link]) => link.kind === "vlan" && link["dev"] === bridge);
  if (links[bridge]?.["vlanFiltering"] !== true || inVlan === undefined) return { dev: bridge };
  return { dev: inVlan[0], vlan: Number(inVlan[1]["id"]) };
}

function shareOf(source: Source, name: string): Share {
  const host = valueAt(source.value, ["hosts", name]) as { underlay?: string; vtep?: string };
  const { underlay, vtep } = host;
  if (underlay === undefined || vtep === undefined)
    throw new LabError(`${source.file}: host ${name} needs underlay and vtep to be brought up in a lab`);
  const own = derive(source, name);
  const value = own.value as DocumentValue;
  const bridge = guestBridge(value);
  const at = bridge === undefined ? undefined : guestVlan(value, bridge);
  const given = at === undefined ? [] : (value.links?.[at.dev]?.addresses ?? []);
  return {
    name,
    underlay,
    vtep,
    source: own,
    ...(bridge === undefined ? {} : { bridge }),
    ...(at?.vlan !== undefined && { vlan: at.vlan }),
    bridgeAddresses: given.map((one) => (typeof one === "string" ? one : String(one["address"]))),
    guestMtu: MTU,
  };
}

/** Waits for all of them, also when one fails: what is still being built could not be taken down. */
async function everyone(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * A running lab: `await using lab = await Lab.up("two-hosts.yaml")`. It exists in the namespaces that this process
 * holds, and ends with the process, however that ends.
 */
export class Lab implements AsyncDisposable {
  /** The server behind the router. It knows the underlay's network, and not that of the guests. */
  readonly internet: LabNode;
  /** The switch between the hosts, which is the router too. */
  readonly underlay: LabNode;
  readonly topology: Topology;
  readonly #hosts = new Map<string, LabNode>();
  readonly #guests = new Map<string, LabGuest>();
  readonly #applied = new Map<string, Applied>();
  readonly #nodes: LabNode[] = [];
  readonly #files = new Map<string, Promise<HostFiles>>();
  readonly #held: AsyncDisposable[] = [];
  readonly #directory: string | undefined;
  #ended: Promise<void> | undefined;

  /**
   * Brings a document up; `document` is a file, or a source that was read already.
   *
   * @throws {SandboxError} outside of a sandbox. @throws {ConfigError} for a document that is wrong.
   * @throws {LabError} for one that has no hosts.
   */
  static async up(document: string | Source, options: LabOptions = {}): Promise<Lab> {
    assertSandboxed();
    const source = typeof document === "string" ? await readSource(document) : document;
    checkAll(source);
    const shares = hostsOf(source).map((name) => shareOf(source, name));
    const { guestsPerHost = 1, guestMtu } = options;
    const topology = planTopology(shares, { guestsPerHost, ...(guestMtu === undefined ? {} : { guestMtu }) });
    const { named = false, underlayMtu = MTU } = options;
    const underlay = await LabNode.create(SWITCH, named);
    const internet = await LabNode.create(INTERNET, named).catch(async (error: unknown) => {
      await underlay.end();
      throw error;
    });
    const lab = new Lab(topology, underlay, internet, options.directory);
    try {
      await lab.#buildUnderlay(underlayMtu, named);
      if (options.apply !== false) await lab.#furnish(shares, options);
      return lab;
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  private constructor(topology: Topology, underlay: LabNode, internet: LabNode, directory: string | undefined) {
    this.#directory = directory;
    this.topology = topology;
    this.underlay = underlay;
    this.internet = internet;
    this.#nodes.push(underlay, internet);
  }

  async #add(name: string, named: boolean): Promise<LabNode> {
    const node = await LabNode.create(name, named);
    this.#nodes.push(node);
    return node;
  }

  async #buildUnderlay(mtu: number, named: boolean): Promise<void> {
    await buildUnderlay(this.underlay, this.internet, this.topology, mtu);
    await everyone(
      this.topology.hosts.map(async (plan) => {
        const node = await this.#add(plan.name, named);
        this.#hosts.set(plan.name, node);
        await buildHost(node, this.underlay, plan, mtu);
      }),
    );
  }

  /** Applies every host's share, and puts guests of the size that comes out onto the bridges. */
  async #furnish(shares: readonly Share[], options: LabOptions): Promise<void> {
    await everyone(
      shares.map(async (share) => {
        this.#applied.set(share.name, await applyShare(this.host(share.name), share.source));
      }),
    );
    await everyone(
      this.topology.guests.map(async (plan) => {
        const mtu = options.guestMtu ?? this.#fittingMtu(plan.host, plan.bridge);
        const node = await this.#add(plan.name, options.named ?? false);
        const guest = await buildGuest(node, this.node(plan.host), { ...plan, mtu });
        this.#guests.set(plan.name, guest);
        if (options.gso === false) await setOffloads(guest, false);
      }),
    );
  }

  /** What fits through a host's bridge. */
  #fittingMtu(host: string, bridge: string): number {
    const { guests, mtus } = this.applied(host).plan;
    return guests?.value ?? mtus[bridge]?.value ?? MTU;
  }

  /** Any node by its name: a host, a guest, `underlay` or `internet`. @throws {LabError} */
  node(name: string): LabNode {
    const found = this.#nodes.find((node) => node.name === name);
    if (found !== undefined) return found;
    throw new LabError(`this lab has no ${name}; it has ${this.names.join(", ")}`, "ERR_LAB_NODE");
  }

  /** Names of all nodes: hosts, guests, and what is between and behind them. */
  get names(): string[] {
    return [...this.hosts, ...this.guests, SWITCH, INTERNET];
  }

  /** Names of the hosts, in the order of the document. */
  get hosts(): string[] {
    return this.topology.hosts.map((host) => host.name);
  }

  /** The services of a host of the document. @throws {LabError} */
  host(name: string): Host {
    const node = this.#hosts.get(name);
    if (node === undefined)
      throw new LabError(`this lab has no host ${name}; it has ${this.hosts.join(", ")}`, "ERR_LAB_NODE");
    return node.host;
  }

  /** A guest: `vm1`, `vm2`, … in the order of the document's hosts. @throws {LabError} */
  guest(name: string): LabGuest {
    const guest = this.#guests.get(name);
    if (guest === undefined)
      throw new LabError(`this lab has no guest ${name}; it has ${this.guests.join(", ") || "none"}`, "ERR_LAB_NODE");
    return guest;
  }

  /** Names of all guests. */
  get guests(): string[] {
    return this.topology.guests.map((guest) => guest.name).filter((name) => this.#guests.has(name));
  }

  /** What came of applying a host's share of the document. @throws {LabError} where it was not applied. */
  applied(name: string): Applied {
    const applied = this.#applied.get(name);
    if (applied === undefined) throw new LabError(`nothing was applied on ${name}`, "ERR_LAB_NODE");
    return applied;
  }

  /** Counters of the switch's port to a host: what it received came from the host. */
  async cable(host: string): Promise<LinkStatistics> {
    const plan = this.topology.hosts.find((one) => one.name === host);
    const link = plan === undefined ? undefined : await this.underlay.host.links.get(plan.port);
    if (link?.statistics === undefined) throw new LabError(`this lab has no cable to ${host}`, "ERR_LAB_NODE");
    return link.statistics;
  }

  /** Gives guests (all, or one) another MTU, at both ends of their cables. */
  async setGuestMtu(mtu: number, name?: string): Promise<void> {
    const guests = name === undefined ? [...this.#guests.values()] : [this.guest(name)];
    await Promise.all(guests.map((guest) => resizeGuest(guest, this.node(guest.on), mtu)));
  }

  /** Switches the segmentation offloads of guests (all, or one) on or off. */
  async setGso(on: boolean, name?: string): Promise<void> {
    const guests = name === undefined ? [...this.#guests.values()] : [this.guest(name)];
    await Promise.all(guests.map((guest) => setOffloads(guest, on)));
  }

  /**
   * Lets something go wrong on a host, or between it and the next one, as `linkwright doctor` there has to find it. There is
   * no way back but another lab.
   * @throws {LabError} where there is no such fault, or the host has nothing that it could happen to.
   */
  async fault(name: FaultName, host: string): Promise<void> {
    await inject(this, name, host);
  }

  /**
   * Files of a host, below a directory of their own: what the doctor takes as `root`. They bring all of its links back at the
   * next start, unless a fault is about them. They end with the lab.
   * @throws {LabError} where there is no such host.
   */
  files(name: string): Promise<HostFiles> {
    const host = this.host(name);
    const known = this.#files.get(name) ?? HostFiles.of(name, host, this.#directory);
    this.#files.set(name, known);
    return known;
  }

  /** Keeps something until the lab ends. */
  hold(something: AsyncDisposable): void {
    this.#held.push(something);
  }

  /** Makes every node forget the path MTUs that it learned, which would otherwise hide what a test looks for. */
  async forgetPaths(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.host.routes.flushCache()));
  }

  /** Ends everything. May be called again. */
  down(): Promise<void> {
    this.#ended ??= (async () => {
      for (const held of this.#held) await held[Symbol.asyncDispose]();
      for (const files of this.#files.values()) (await files)[Symbol.dispose]();
      await everyone(this.#nodes.map((node) => node.end()));
    })();
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }
}
