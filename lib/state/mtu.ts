/** MTUs: what each link's is or has to be, and the sum behind it. */
import { partsOf, total } from "../mtu/encapsulation.ts";
import type { Desired, DesiredLink } from "./desired.ts";
import { linkOf, type Observed } from "./observed.ts";
import { portsOf } from "./ports.ts";
import type { Explained } from "./step.ts";

/** What the kernel gives a link that nobody tells. */
export const KERNEL_MTU = 1500;

/** Kinds that the kernel gives less. */
const LESS: Readonly<Record<string, number>> = { wireguard: 1420 };

/** Bytes that VXLAN adds to a packet. */
export function vxlanOverhead(ipv6: boolean, gpe = false): number {
  return total(partsOf(gpe ? "vxlan-gpe" : "vxlan", ipv6 ? 6 : 4, KERNEL_MTU, false));
}

/** Whether a VXLAN has IPv6 outside. */
export function isWide(link: DesiredLink, desired: Desired, observed: Observed): boolean {
  const seen = linkOf(observed, link.name);
  const ends = [link.options["remote"], link.options["local"], link.remotes?.[0]];
  const entry = () => desired.fdb.find(({ words }) => words["dev"] === link.name && words["dst"] !== undefined);
  const end = ends.find((one) => one !== undefined) ?? entry()?.words["dst"] ?? seen?.["remote"] ?? seen?.["local"];
  return typeof end === "string" && end.includes(":");
}

/** Works MTUs out, from link to link. */
export class Mtus {
  readonly resolved: Record<string, Explained> = {};
  readonly #desired: Desired;
  readonly #observed: Observed;
  readonly #before: Observed;
  readonly #way: string[] = [];

  /** `observed` is without links that are made again: the new ones get a new MTU. */
  constructor(desired: Desired, observed: Observed, before: Observed = observed) {
    this.#desired = desired;
    this.#observed = observed;
    this.#before = before;
  }

  /** The MTU that a link will have; undefined where nothing is known of it. */
  of(name: string): Explained | undefined {
    const known = Object.hasOwn(this.resolved, name) ? this.resolved[name] : undefined;
    if (known !== undefined || this.#way.includes(name)) return known;
    this.#way.push(name);
    const found = this.#resolve(name);
    this.#way.pop();
    if (found !== undefined) this.resolved[name] = found;
    return found;
  }

  #resolve(name: string): Explained | undefined {
    const link = this.#desired.links.find((one) => one.name === name && !one.absent);
    const wanted = link?.options["mtu"];
    if (typeof wanted === "number") return { value: wanted, why: "the document says so" };
    const seen = linkOf(this.#observed, name);
    if (link !== undefined && (wanted === "auto" || seen === undefined)) {
      const derived = this.#derive(link);
      if (derived !== undefined || wanted === "auto") return derived;
    }
    if (typeof seen?.["mtu"] === "number")
      return this.#lowered(link, seen["mtu"], seen["dev"]) ?? { value: seen["mtu"], why: `${name} has it` };
    return link?.kind === undefined ? undefined : { value: LESS[link.kind] ?? KERNEL_MTU, why: "the kernel's default" };
  }

  /** What the kernel makes of the MTU of a VXLAN that gets another device below, which may carry less. */
  #lowered(link: DesiredLink | undefined, has: number, dev: unknown): Explained | undefined {
    const moves = link?.kind === "vxlan" && link.options["dev"] !== undefined && link.options["dev"] !== dev;
    const fits = moves ? this.#derive(link) : undefined;
    return fits !== undefined && fits.value < has ? fits : undefined;
  }

  /** What `auto` would be, whatever the document says. */
  ofAuto(link: DesiredLink): Explained | undefined {
    return this.#derive(link);
  }

  #derive(link: DesiredLink): Explained | undefined {
    const seen = linkOf(this.#observed, link.name);
    switch (link.kind ?? seen?.kind) {
      case "vxlan":
        return this.#vxlan(link);
      case "bridge":
        return this.#bridge(link.name);
      case "vlan":
      case "macvlan":
      case "macvtap":
      case "ipvlan":
        return this.#sameAs(this.#devOf(link));
      default:
        return undefined;
    }
  }

  #devOf(link: DesiredLink): unknown {
    return link.options["dev"] ?? linkOf(this.#before, link.name)?.["dev"];
  }

  #sameAs(dev: unknown): Explained | undefined {
    const below = typeof dev === "string" ? this.of(dev) : undefined;
    return below && { value: below.value, why: `that of ${String(dev)}` };
  }

  #vxlan(link: DesiredLink): Explained | undefined {
    const dev = this.#devOf(link);
    const below = typeof dev === "string" ? this.of(dev) : undefined;
    if (below === undefined) return undefined;
    const wide = isWide(link, this.#desired, this.#before);
    const less = vxlanOverhead(wide, link.options["gpe"] === true);
    return { value: below.value - less, why: `${below.value} − ${less}: VXLAN over ${wide ? "IPv6" : "IPv4"}` };
  }

  #bridge(name: string): Explained {
    const smallest = portsOf(this.#desired, this.#before, name)
      .flatMap((port) => ({ port, mtu: this.of(port) }))
      .reduce<{ port: string; mtu: Explained } | undefined>(
        (least, { port, mtu }) => (mtu && (least === undefined || mtu.value < least.mtu.value) ? { port, mtu } : least),
        undefined,
      );
    if (smallest === undefined) return { value: KERNEL_MTU, why: "no port yet" };
    return { value: smallest.mtu.value, why: `the smallest of its ports: ${smallest.port}` };
  }
}
