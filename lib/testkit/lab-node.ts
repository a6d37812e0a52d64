/** A node of a lab: a network namespace with its services and, where something runs on it, its guest thread. */
import { Host } from "../host.ts";
import { Netns } from "../netns/netns.ts";
import { Guest } from "./guest.ts";
import type { PlannedGuest } from "./lab-topology.ts";

/** Longest a link may take until it carries packets; it takes 5 to 45 ms. */
const PATIENCE = 5000;
const PAUSE = 2;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE));

/** A namespace of the lab. */
export class LabNode {
  readonly name: string;
  readonly netns: Netns;
  /** The services of this namespace. */
  readonly host: Host;
  #worker: Promise<Guest> | undefined;

  /** Use {@link LabNode.create}. */
  constructor(name: string, netns: Netns, host: Host) {
    this.name = name;
    this.netns = netns;
    this.host = host;
  }

  /** Makes a namespace with `lo` up; `named` ones stand in /run/netns too. */
  static async create(name: string, named: boolean): Promise<LabNode> {
    const netns = await Netns.create(named ? name : undefined);
    try {
      const node = new LabNode(name, netns, await Host.open({ netns }));
      await node.host.links.update("lo", { up: true });
      return node;
    } catch (error) {
      netns.close();
      if (named) await Netns.remove(name);
      throw error;
    }
  }

  /** The thread that lives in this namespace and runs servers and clients; started when it is first asked for. */
  worker(): Promise<Guest> {
    this.#worker ??= Guest.start(this.netns);
    return this.#worker;
  }

  /**
   * Waits until these links carry packets.
   *
   * @throws an Error that names the link which does not.
   */
  async settled(links: readonly string[]): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (const name of links)
      for (;;) {
        const link = await this.host.links.get(name);
        if (link?.operstate === "up" || (link?.operstate === "unknown" && link.carrier)) break;
        if (performance.now() > end)
          throw new Error(`link ${name} of ${this.name} is ${link?.operstate ?? "missing"} after ${PATIENCE} ms`);
        await pause();
      }
  }

  /** Ends the thread, closes the services, lets go of the namespace and takes its name away. */
  async end(): Promise<void> {
    try {
      await (await this.#worker)?.close();
    } finally {
      this.host.close();
      const { name } = this.netns;
      this.netns.close();
      if (name !== undefined) await Netns.remove(name);
    }
  }
}

/** A virtual machine: a namespace with one veth, `eth0`, into the bridge of its host. */
export interface LabGuest {
  readonly name: string;
  readonly node: LabNode;
  /** Name of the host that it is on, and there of its port and bridge. */
  readonly on: string;
  readonly port: string;
  readonly bridge: string;
  /** Addresses without prefix length, as planned. */
  readonly addresses: readonly string[];
}

/** The name of the host's end of a guest's cable. */
export function portOf(guest: PlannedGuest): string {
  return guest.name;
}
