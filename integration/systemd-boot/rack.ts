/** What stands around a host with systemd: a switch that is the router too, the other server, and a guest on each. */
import { equal } from "node:assert/strict";
import { join } from "node:path";
import { TestNamespace } from "../../lib/testkit/index.ts";
import { Documents, linkwright } from "../cli/kit.ts";
import { output } from "../systemd-export/networkd.ts";
import { eventually } from "../transaction/kit.ts";

/** Largest ping that fits into the guests' MTU of 1450. */
const LARGEST = "1422";
/** Milliseconds for a way to be there. */
const PATIENCE = 30_000;

/** An address behind the router that knows no way back to the guests' network. */
export const INTERNET = "198.51.100.1";
/** The guest on the other server. */
export const FAR_GUEST = "12.12.139.12";

const ip = (...args: readonly string[]): string => output("ip", ...args);
const nameOf = ({ name }: TestNamespace): string => name ?? "";

/** The rack: `bm1` is the host under test, and comes with its own network after each boot. */
export class Rack implements AsyncDisposable {
  readonly #documents = new Documents();
  readonly #switch: TestNamespace;
  readonly #bm2: TestNamespace;
  readonly #guests: readonly [TestNamespace, TestNamespace];

  private constructor(all: readonly TestNamespace[]) {
    const [one, two, three, four] = all as readonly [TestNamespace, TestNamespace, TestNamespace, TestNamespace];
    this.#switch = one;
    this.#bm2 = two;
    this.#guests = [three, four];
  }

  /** Sets it up; the other server is what the document says. */
  static async create(document: string): Promise<Rack> {
    const all: TestNamespace[] = [];
    for (let i = 0; i < 4; i++) all.push(await TestNamespace.create());
    const rack = new Rack(all);
    const router = nameOf(rack.#switch);
    for (const namespace of all) ip("-n", nameOf(namespace), "link", "set", "lo", "up");
    ip("-n", router, "link", "add", "switch", "up", "type", "bridge");
    ip("-n", router, "addr", "add", "192.168.0.1/24", "dev", "switch");
    ip("-n", router, "addr", "add", `${INTERNET}/32`, "dev", "lo");
    rack.#other(document);
    return rack;
  }

  #other(document: string): void {
    const [name, guest] = [nameOf(this.#bm2), nameOf(this.#guests[1])];
    this.plug(`/run/netns/${name}`, "bm2");
    ip("-n", name, "addr", "add", "192.168.0.24/24", "dev", "ens34f0");
    ip("-n", name, "link", "set", "ens34f0", "up");
    const state = join(this.#documents.directory, "state");
    const file = this.#documents.write(document);
    const done = linkwright("apply", file, "--host", "bm2", "--netns", name, "--confirm", "0", "--state", state);
    equal(done.status, 0, done.stderr);
    this.#attach(`/run/netns/${name}`, guest, "12.12.139.12/24", "12.12.139.2");
    ip("-n", name, "link", "set", "vnet0", "master", "br-vm", "up");
  }

  /** Puts a network card into a host, with a cable to the switch. */
  plug(netns: string, port = "bm1"): void {
    const router = nameOf(this.#switch);
    // What is left of the cable of the boot before goes with its other end, but not at once.
    output("sh", "-c", `ip -n ${router} link delete ${port} 2>/dev/null || true`);
    ip("-n", router, "link", "add", port, "type", "veth", "peer", "name", "ens34f0", "netns", netns);
    ip("-n", router, "link", "set", port, "master", "switch", "up");
  }

  /** A guest with its cable into a host, which has it as `vnet0`. */
  #attach(netns: string, guest: string, address: string, gateway: string): void {
    output("sh", "-c", `ip -n ${guest} link delete eth0 2>/dev/null || true`);
    ip("-n", guest, "link", "add", "eth0", "mtu", "1450", "type", "veth", "peer", "name", "vnet0", "netns", netns);
    ip("-n", guest, "addr", "add", address, "dev", "eth0");
    ip("-n", guest, "link", "set", "eth0", "up");
    ip("-n", guest, "route", "add", "default", "via", gateway);
  }

  /** Starts the guest of the host under test: its port is in `vnet0`, and still has no bridge. */
  guest(netns: string): void {
    this.#attach(netns, nameOf(this.#guests[0]), "12.12.139.11/24", "12.12.139.1");
  }

  /** Waits until a ping of the guest of the host under test comes back: the largest that fits, not cut up. */
  async reaches(address: string): Promise<void> {
    const ping = [
      "netns",
      "exec",
      nameOf(this.#guests[0]),
      "ping",
      "-c1",
      "-W0.3",
      "-q",
      "-Mdo",
      "-s",
      LARGEST,
      address,
    ];
    const lost = async (): Promise<string> => output("sh", "-c", '"$@" 2>&1 || true', "sh", "ip", ...ping);
    await eventually(async () => / 0% packet loss/.test(await lost()), true, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#documents[Symbol.dispose]();
    for (const namespace of [...this.#guests, this.#bm2, this.#switch]) await namespace.end();
  }
}
