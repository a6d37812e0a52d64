/** A kernel for plans: what each request of a plan does to a host, as measured, without a kernel. */
import type { Observed, ObservedLink } from "../../lib/state/observed.ts";
import type { Plan, Request, Words } from "../../lib/state/step.ts";

type Entry = "address" | "route" | "fdb" | "neighbor";
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
  sysctls: Record<string, string>;
  table: unknown;

  constructor(observed: Observed) {
    for (const link of observed.links) this.links.set(link.name, { ...link });
    this.sysctls = { ...observed.sysctls };
  }

  observed(): Observed {
    const links = [...this.links.values()].map(({ pinned: _, ...link }) => link as unknown as ObservedLink);
    const { addresses, routes, fdb, neighbors, sysctls, table } = this;
    const host = {
      links,
      addresses,
      routes,
      fdb,
      neighbors,
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
      if (key === "mtu" && link.kind === "bridge" && link["mtu"] !== value) link.pinned = true;
      if (key === "remote") {
        this.fdb = this.fdb.filter((one) => !isSame(one, before));
        if (value !== "0.0.0.0") this.#remote(link.name, value, change["dev"] ?? link["dev"]);
      }
      if (value === null || value === "0.0.0.0") delete link[key];
      else link[key] = value;
    }
  }

  #delete(name: string): void {
    this.#there(name);
    this.links.delete(name);
    const off = (list: Words[]): Words[] => list.filter(({ dev }) => dev !== name);
    [this.addresses, this.routes, this.fdb, this.neighbors] = [
      off(this.addresses),
      off(this.routes),
      off(this.fdb),
      off(this.neighbors),
    ];
    delete this.sysctls[`net.ipv4.conf.${name}.rp_filter`];
    for (const link of [...this.links.values()]) {
      if (link["master"] === name) delete link["master"];
      if (link["dev"] === name) this.#delete(link.name);
    }
  }

  #sysctl(verb: Request["verb"], words: Words): void {
    const saved = verb === "set" ? [words] : (words["saved"] as Words[]);
    for (const { key, value } of saved) this.sysctls[String(key)] = String(value);
  }

  #entry(object: Entry, verb: Request["verb"], words: Words): void {
    const list = { address: "addresses", route: "routes", fdb: "fdb", neighbor: "neighbors" } as const;
    const keys = {
      address: ["address", "dev"],
      route: ["dst", "metric"],
      fdb: ["mac", "dev"],
      neighbor: ["address", "dev"],
    };
    const zero = words["mac"] === ZERO ? ["dst", "via"] : [];
    if (typeof words["dev"] === "string") this.#there(words["dev"]);
    const same = (one: Words): boolean => [...keys[object], ...zero].every((key) => one[key] === words[key]);
    const there = this[list[object]].some(same);
    if (verb === "create" && there) throw new Error(`${object} exists`);
    if (verb === "delete" && !there) throw new Error(`${object} is not there`);
    const rest = this[list[object]].filter((one) => !same(one));
    const extra = object === "route" ? {} : { state: "permanent", ...(object === "fdb" && { self: true }) };
    this[list[object]] = verb === "delete" ? rest : [...rest, { ...extra, ...words }];
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
