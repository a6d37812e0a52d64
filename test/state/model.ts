/** A kernel for plans: what each request of a plan does to a host, as measured, without a kernel. */
import type { Observed, ObservedLink } from "../../lib/state/observed.ts";
import type { Plan, Request, Words } from "../../lib/state/step.ts";

type Entry = "address" | "route" | "fdb" | "neighbor" | "rule" | "nexthop";
type Vlans = Map<number, Words>;
const GIVEN = { pvid: true, untagged: true };
const membersOf = ({ group }: Words): readonly Words[] => (group ?? []) as readonly Words[];
type Draft = Record<string, unknown> & { name: string; kind?: string; pinned?: boolean };
const ZERO = "00:00:00:00:00:00";

const isSame = (one: Words, other: Words): boolean =>
  ["mac", "dev", "dst", "via"].every((key) => one[key] === other[key]);

/** A host that changes. */
export class Model {
  readonly links = new Map<string, Draft>();
  addresses: Words[] = [];
  routes: Words[] = [];
  fdb: Words[] = [];
  neighbors: Words[] = [];
  rules: Words[] = [];
  nexthops: Words[] = [];
  readonly vlans = new Map<string, Vlans>();
  sysctls: Record<string, string>;
  table: unknown;

  constructor(observed: Observed) {
    for (const link of observed.links) this.links.set(link.name, { ...link });
    this.sysctls = { ...observed.sysctls };
  }

  observed(): Observed {
    const links = [...this.links.values()].map(({ pinned: _, ...link }) => link as unknown as ObservedLink);
    const { addresses, routes, fdb, neighbors, rules, nexthops, sysctls, table } = this;
    const vlans = [...this.vlans].flatMap(([dev, all]) => [...all].map(([vid, words]) => ({ dev, vid, ...words })));
    const host = {
      links,
      addresses,
      routes,
      fdb,
      neighbors,
      rules,
      nexthops,
      vlans,
      sysctls,
      ...(table ? { table } : {}),
    };
    return structuredClone(host) as unknown as Observed;
  }

  run(plan: Plan): void {
    for (const { moves } of plan.steps) for (const { request } of moves) this.make(request);
  }
  undo(plan: Plan): void {
    for (const { moves } of plan.steps.toReversed())
      for (const { undo } of moves.toReversed()) for (const request of undo) this.make(request);
  }

  make({ object, verb, words }: Request): void {
    if (object === "link") this.#link(verb, words);
    else if (object === "sysctl") this.#sysctl(verb, words);
    else if (object === "nftables") this.table = verb === "delete" ? undefined : words["table"];
    else if (object === "vlan") this.#vlan(verb, words);
    else this.#entry(object as Entry, verb, words);
    this.#follow();
  }

  #link(verb: Request["verb"], words: Words): void {
    const name = String(words["name"]);
    if (verb === "delete") this.#delete(name);
    else if (verb === "create") this.#create(name, words);
    else this.#update(this.#there(name), words["change"] as Words);
  }

  #there(name: string): Draft {
    const link = this.links.get(name);
    if (link === undefined) throw new Error(`there is no link ${name}`);
    return link;
  }

  #create(name: string, words: Words): void {
    if (this.links.has(name)) throw new Error(`${name} exists`);
    const { port: _, master, dev, vni, dstport } = words;
    if (typeof master === "string") this.#there(master);
    const below = typeof dev === "string" ? this.#there(dev) : undefined;
    for (const other of this.links.values())
      if (vni !== undefined && other["vni"] === vni && other["dstport"] === dstport) throw new Error("VNI in use");
    const most = below === undefined ? 65_535 : Number(below["mtu"]) - 50;
    const mtu = Math.min(Number(words["mtu"] ?? (below === undefined ? 1500 : most)), most);
    const mac = words["mac"] ?? `mac of ${name}`;
    const told = { bridge: { stp: false }, vxlan: { learning: true, ageing: 300 } } as Record<string, object>;
    this.links.set(name, { up: false, ...told[String(words["kind"])], ...words, name, mtu, mac });
    if (words["remote"] !== undefined) this.#remote(name, words["remote"], dev);
    if (words["kind"] === "bridge" || typeof master === "string") this.vlans.set(name, new Map([[1, GIVEN]]));
    this.sysctls[`net.ipv4.conf.${name}.rp_filter`] = this.sysctls["net.ipv4.conf.default.rp_filter"] ?? "0";
  }

  /** The entry of a link's own remote has the output link of the VXLAN in it, which makes it another entry. */
  #remote(name: string, dst: unknown, dev: unknown): void {
    const via = dev === undefined ? {} : { via: dev };
    const entry = { mac: ZERO, dev: name, dst, ...via, state: "permanent", self: true };
    if (!this.fdb.some((one) => isSame(one, entry))) this.fdb.push(entry);
  }

  #update(link: Draft, change: Words): void {
    const before = { mac: ZERO, dev: link.name, dst: link["remote"], via: link["dev"] };
    for (const [key, value] of Object.entries(change)) {
      if (key === "master" && typeof value === "string") this.#there(value);
      if (key === "master" && value !== link["master"]) this.#join(link.name, value);
      if (key === "mtu" && link.kind === "bridge" && link["mtu"] !== value) link.pinned = true;
      // Of what a device below carries a VXLAN gets less at once, and not more.
      if (key === "dev" && link.kind === "vxlan")
        link["mtu"] = Math.min(Number(link["mtu"]), Number(this.#there(String(value))["mtu"]) - 50);
      if (key === "remote") {
        this.fdb = this.fdb.filter((one) => !isSame(one, before));
        if (value !== "0.0.0.0") this.#remote(link.name, value, change["dev"] ?? link["dev"]);
      }
      if (value === null || value === "0.0.0.0") delete link[key];
      else link[key] = value;
    }
  }

  /** A port has the VLANs of its bridge's ports, and another bridge's are others. */
  #join(name: string, master: unknown): void {
    this.vlans.delete(name);
    if (typeof master === "string") this.vlans.set(name, new Map([[1, GIVEN]]));
  }

  #vlan(verb: Request["verb"], { dev, vid, vidEnd = vid, self, pvid, untagged }: Words): void {
    const link = this.#there(String(dev));
    if ((link.kind === "bridge") !== (self === true)) throw new Error(`VLANs of ${link.name} are in another table`);
    const all = this.vlans.get(link.name);
    if (all === undefined) throw new Error(`${link.name} is no port`);
    for (let one = Number(vid); one <= Number(vidEnd); one++) {
      if (verb === "delete" && !all.delete(one)) throw new Error(`there is no VLAN ${one}`);
      if (verb === "delete") continue;
      if (pvid === true) for (const [other, words] of all) all.set(other, words["untagged"] ? { untagged: true } : {});
      all.set(one, { ...(pvid === true && { pvid }), ...(untagged === true && { untagged }) });
    }
  }

  /** With a nexthop goes what leads over it. */
  #drop(gone: (nexthop: Words) => boolean): void {
    const ids = new Set(this.nexthops.filter(gone).map(({ id }) => id));
    const left = this.nexthops
      .filter(({ id }) => !ids.has(id))
      .map((one) =>
        one["group"] === undefined ? one : { ...one, group: membersOf(one).filter(({ id }) => !ids.has(id)) },
      );
    const isEmpty = (one: Words): boolean => one["group"] !== undefined && membersOf(one).length === 0;
    for (const { id } of left.filter(isEmpty)) ids.add(id);
    this.nexthops = left.filter((one) => !isEmpty(one));
    this.routes = this.routes.filter(({ nhid }) => !ids.has(nhid));
  }

  #delete(name: string): void {
    this.#there(name);
    this.links.delete(name);
    this.vlans.delete(name);
    this.#drop(({ dev }) => dev === name);
    const off = (list: Words[]): Words[] => list.filter(({ dev }) => dev !== name);
    [this.addresses, this.routes, this.fdb, this.neighbors] = [
      off(this.addresses),
      off(this.routes),
      off(this.fdb),
      off(this.neighbors),
    ];
    delete this.sysctls[`net.ipv4.conf.${name}.rp_filter`];
    for (const link of [...this.links.values()]) {
      if (link["master"] === name) {
        delete link["master"];
        this.vlans.delete(link.name);
      }
      if (link["dev"] === name) this.#delete(link.name);
    }
  }

  #sysctl(verb: Request["verb"], words: Words): void {
    const saved = verb === "set" ? [words] : (words["saved"] as Words[]);
    for (const { key, value } of saved) this.sysctls[String(key)] = String(value);
  }

  #entry(object: Entry, verb: Request["verb"], words: Words): void {
    const list = {
      address: "addresses",
      route: "routes",
      fdb: "fdb",
      neighbor: "neighbors",
      rule: "rules",
      nexthop: "nexthops",
    } as const;
    const keys = {
      address: ["address", "dev"],
      route: ["dst", "metric"],
      fdb: ["mac", "dev"],
      neighbor: ["address", "dev"],
      // The kernel tells two rules apart by nearly all of them.
      rule: Object.keys(words),
      nexthop: ["id"],
    };
    this.#checkNexthops(object, verb, words);
    if (object === "nexthop" && verb === "delete") {
      if (!this.nexthops.some(({ id }) => id === words["id"])) throw new Error("nexthop is not there");
      this.#drop(({ id }) => id === words["id"]);
      return;
    }
    const zero = words["mac"] === ZERO ? ["dst", "via"] : [];
    if (typeof words["dev"] === "string") this.#there(words["dev"]);
    const same = (one: Words): boolean => [...keys[object], ...zero].every((key) => one[key] === words[key]);
    const there = this[list[object]].some(same);
    if (verb === "create" && there) throw new Error(`${object} exists`);
    if (verb === "delete" && !there) throw new Error(`${object} is not there`);
    const rest = this[list[object]].filter((one) => !same(one));
    const extra = ["route", "rule", "nexthop"].includes(object)
      ? {}
      : { state: "permanent", ...(object === "fdb" && { self: true }) };
    this[list[object]] = verb === "delete" ? rest : [...rest, { ...extra, ...words }];
  }

  #checkNexthops(object: Entry, verb: Request["verb"], words: Words): void {
    if (verb === "delete") return;
    const ids = object === "nexthop" ? membersOf(words).map(({ id }) => id) : [words["nhid"]];
    for (const id of ids)
      if (id !== undefined && !this.nexthops.some((one) => one["id"] === id)) throw new Error(`no nexthop ${id}`);
  }

  /** A bridge that nobody pinned has the MTU of its smallest port. */
  #follow(): void {
    for (const link of this.links.values()) {
      if (link.kind !== "bridge" || link.pinned === true) continue;
      const ports = [...this.links.values()].filter(({ master }) => master === link.name);
      link["mtu"] = ports.reduce(
        (least, port) => Math.min(least, Number(port["mtu"])),
        ports.length === 0 ? 1500 : 65_535,
      );
    }
  }
}
