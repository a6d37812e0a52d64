/** The overlays of a document, worked out for all hosts at once: who is in them, where their tunnels end. */
import { VXLAN_PORT } from "../state/consistency.ts";
import { checkPart, type OverlayEntry } from "../state/document.ts";
import type { Issue } from "../state/error.ts";
import { vxlanOverhead } from "../state/mtu.ts";
import { issueAt, type Source } from "../state/source.ts";
import {
  bare,
  type End,
  type Fabric,
  few,
  gatewayDevice,
  gatewaysOf,
  type Overlay,
  type Say,
  unknownHost,
} from "./overlay.ts";
import { checkOverlays } from "./overlay-checks.ts";
import type { Hosts } from "./variables.ts";

/** Works overlays out, those below others first. */
class Worker {
  readonly found = new Map<string, Overlay>();
  readonly #hosts: Hosts;
  readonly #names: readonly string[];
  readonly #entries: Readonly<Record<string, OverlayEntry>>;
  readonly #say: Say;
  readonly #way: string[] = [];
  /** Most overlays have all hosts in them. */
  #everywhere: ReadonlyMap<string, End> | undefined;

  constructor(hosts: Hosts, entries: Readonly<Record<string, OverlayEntry>>, say: Say) {
    this.#hosts = hosts;
    this.#names = Object.keys(hosts);
    this.#entries = entries;
    this.#say = say;
  }

  of(name: string): Overlay | undefined {
    const entry = Object.hasOwn(this.#entries, name) ? this.#entries[name] : undefined;
    const known = this.found.get(name);
    if (known !== undefined || entry === undefined) return known;
    if (this.#way.includes(name)) {
      const loop = [...this.#way.slice(this.#way.indexOf(name)), name].join(" → ");
      this.#say(
        ["overlays", this.#way.at(-1) ?? name, "over"],
        `${loop} is a loop; one of them has to be on the underlay`,
      );
      return undefined;
    }
    this.#way.push(name);
    const overlay = this.#make(name, entry);
    this.#way.pop();
    this.found.set(name, overlay);
    return overlay;
  }

  #make(name: string, entry: OverlayEntry): Overlay {
    const { vni, vlan, over, flood = "unicast", dstport = VXLAN_PORT, bridge = `br-${name}` } = entry;
    const shared = vlan === undefined ? name : bridge.replace(/^br-?/, "");
    const below = over === undefined ? undefined : this.of(over);
    if (over !== undefined && !Object.hasOwn(this.#entries, over))
      this.#say(
        ["overlays", name, "over"],
        `there is no overlay ${over}; overlays are ${Object.keys(this.#entries).join(", ")}`,
      );
    const ends = below === undefined ? this.#onUnderlay(name, entry) : this.#onOverlay(name, entry, below);
    const { vxlan = `vx-${shared}` } = entry;
    return { name, entry, vni, dstport, flood, bridge, vxlan, ends, mtu: this.#mtu(name, entry, ends, below) };
  }

  #members(name: string, { members }: OverlayEntry): readonly string[] {
    if (members === undefined) return this.#names;
    const known = new Set<string>();
    members.forEach((host, i) => {
      const path = ["overlays", name, "members", i];
      if (!Object.hasOwn(this.#hosts, host)) this.#say(path, unknownHost(host, this.#names));
      else if (known.has(host)) this.#say(path, `${host} stands in this list already; keep one`);
      else known.add(host);
    });
    return this.#names.filter((host) => known.has(host));
  }

  #onUnderlay(name: string, entry: OverlayEntry): ReadonlyMap<string, End> {
    if (entry.members === undefined && this.#everywhere !== undefined) return this.#everywhere;
    const ends = new Map<string, End>();
    for (const host of this.#members(name, entry)) {
      const { underlay, vtep } = this.#hosts[host] ?? {};
      for (const [key, value] of Object.entries({ underlay, vtep }))
        if (value === undefined)
          this.#say(
            ["hosts", host],
            `${host} is in overlay ${name} and has no ${key}; write hosts.${host}.${key}, or leave it out of its members`,
            "key",
          );
      if (underlay !== undefined && vtep !== undefined) ends.set(host, { dev: underlay, vtep });
    }
    if (entry.members === undefined) this.#everywhere = ends;
    return ends;
  }

  #onOverlay(name: string, entry: OverlayEntry, below: Overlay): ReadonlyMap<string, End> {
    const dev = gatewayDevice({ bridge: below.bridge, vlan: below.entry.vlan });
    const ends = new Map<string, End>();
    const members = entry.members === undefined ? [...below.ends.keys()] : this.#members(name, entry);
    const placeless: string[] = [];
    for (const host of members) {
      const [first] = gatewaysOf(below.entry, host);
      if (!below.ends.has(host))
        this.#say(
          ["overlays", name, "over"],
          `${host} is not in overlay ${below.name}; leave it out of members, or add it there`,
        );
      else if (first === undefined) placeless.push(host);
      else ends.set(host, { dev, vtep: bare(first) });
    }
    const [silent] = placeless;
    if (silent !== undefined)
      this.#say(
        ["overlays", name, "over"],
        `${few(placeless)} need an address in overlay ${below.name} for the tunnel to end at; write overlays.${below.name}.gateway.${silent}`,
      );
    if (Array.isArray(below.entry.gateway))
      this.#say(
        ["overlays", name, "over"],
        `the gateway of overlay ${below.name} is the same on all hosts, and tunnels need one address each`,
      );
    return ends;
  }

  /** The same on all members where it can be known here: what the narrowest underlay leaves. */
  #mtu(name: string, { mtu = "auto" }: OverlayEntry, ends: ReadonlyMap<string, End>, below?: Overlay): number | "auto" {
    const most = this.#most(name, ends, below);
    if (most === undefined) return mtu;
    if (mtu !== "auto" && mtu > most.bytes)
      this.#say(["overlays", name, "mtu"], `${mtu} is more than the ${most.bytes} that ${most.why}; write mtu: auto`);
    return mtu === "auto" ? most.bytes : mtu;
  }

  #most(name: string, ends: ReadonlyMap<string, End>, below?: Overlay): { bytes: number; why: string } | undefined {
    const [first] = ends.values();
    const less = vxlanOverhead(first?.vtep.includes(":") === true);
    if (below !== undefined)
      return below.mtu === "auto" ? undefined : { bytes: below.mtu - less, why: `overlay ${below.name} leaves` };
    const told = [...ends.keys()].filter((host) => this.#hosts[host]?.mtu !== undefined);
    const silent = [...ends.keys()].find((host) => this.#hosts[host]?.mtu === undefined);
    if (told[0] === undefined) return undefined;
    if (silent !== undefined)
      this.#say(
        ["hosts", silent],
        `${told[0]}, which is in overlay ${name} too, has an mtu; write hosts.${silent}.mtu`,
        "key",
      );
    const least = told.reduce((a, b) => ((this.#hosts[b]?.mtu ?? 0) < (this.#hosts[a]?.mtu ?? 0) ? b : a));
    return { bytes: (this.#hosts[least]?.mtu ?? 0) - less, why: `the underlay of ${least} leaves` };
  }
}

/** Works out the overlays of a document, with what is wrong with them; `hosts` are checked. @throws {ConfigError} */
export function overlaysOf(
  source: Source,
  hosts: Hosts,
): { readonly fabric: Fabric; readonly issues: readonly Issue[] } {
  const entries = checkPart(source, "overlays") ?? {};
  const evpn = checkPart(source, "evpn");
  const issues: Issue[] = [];
  const told = new Set<string>();
  const say: Say = (path, message, what) => {
    const key = `${JSON.stringify(path)} ${message}`;
    if (!told.has(key)) issues.push(issueAt(source, path, message, what));
    told.add(key);
  };
  const worker = new Worker(hosts, entries, say);
  const overlays = Object.keys(entries).flatMap((name) => worker.of(name) ?? []);
  const fabric: Fabric = { source, hosts, overlays, ...(evpn !== undefined && { evpn }) };
  checkOverlays(fabric, say);
  return { fabric, issues };
}
