/** Replaces what differs between hosts by what one host has. */
import { nearest } from "../shape/shape.ts";
import type { Issue, Path } from "../state/error.ts";
import { issueAt, type Source } from "../state/source.ts";
import { EVPN_PORT, TTL } from "./share.ts";
import { type Hosts, peersOf, substitute, VariableError } from "./variables.ts";

type Value = Readonly<Record<string, unknown>>;

/** Whether it is a map of a document. */
export function isMap(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** From this depth on a value may be a map of hosts: `links.br-vm.mtu`, `nat[0].out`, `addresses`. */
function mayDiffer([section, ...rest]: Path): boolean {
  if (section === "links") return rest.length >= 2;
  return (
    section !== "linkwright" &&
    (section !== "guests" || rest.length >= 1) &&
    (section !== "sysctls" || rest.length >= 1)
  );
}

/** Replaces what differs between hosts, and remembers where each value came from. */
export class Derivation {
  readonly issues: Issue[] = [];
  readonly origins = new Map<string, Path>();
  readonly #source: Source;
  readonly #hosts: Hosts;
  readonly #host: string;

  constructor(source: Source, hosts: Hosts, host: string) {
    this.#source = source;
    this.#hosts = hosts;
    this.#host = host;
  }

  /** `from` is the place in the file, `to` the place in what comes out. */
  value(value: unknown, from: Path, to: Path): unknown {
    this.origins.set(JSON.stringify(to), from);
    if (typeof value === "string") return this.#text(value, from, "value");
    if (Array.isArray(value)) return this.#list(value, from, to);
    if (!isMap(value)) return value;
    if (mayDiffer(from) && Object.keys(value).some((key) => Object.hasOwn(this.#hosts, key)))
      return this.#own(value, from, to);
    return this.#map(value, from, to);
  }

  #list(value: readonly unknown[], from: Path, to: Path): unknown[] {
    const items: unknown[] = [];
    value.forEach((item, i) => {
      const derived = this.value(item, [...from, i], [...to, items.length]);
      if (derived !== undefined) items.push(derived);
    });
    return items;
  }

  #map(value: Value, from: Path, to: Path): Value {
    const derived: Record<string, unknown> = {};
    for (const [written, one] of Object.entries(value)) {
      const key = this.#text(written, [...from, written], "key");
      if (Object.hasOwn(derived, key))
        this.say(
          [...from, written],
          `for host ${this.#host} this is ${key}, which stands here already; keep one`,
          "key",
        );
      const part = this.value(one, [...from, written], [...to, key]);
      if (part !== undefined) derived[key] = part;
    }
    return derived;
  }

  /** This host's own part of a map of hosts; undefined where it has none. */
  #own(value: Value, from: Path, to: Path): unknown {
    const known = Object.keys(this.#hosts);
    for (const key of Object.keys(value))
      if (!known.includes(key)) {
        const meant = nearest(key, known);
        const way = meant === undefined ? `hosts are ${known.join(", ")}` : `did you mean ${meant}?`;
        this.say([...from, key], `unknown host; ${way}`, "key");
      }
    return Object.hasOwn(value, this.#host) ? this.value(value[this.#host], [...from, this.#host], to) : undefined;
  }

  #text(text: string, from: Path, what: "value" | "key"): string {
    try {
      return substitute(text, this.#hosts, this.#host);
    } catch (error) {
      if (!(error instanceof VariableError)) throw error;
      // What a host lacks is one mistake, at the host, however often it is missed.
      if (error.host === undefined) this.say(from, error.message, what);
      else if (!this.issues.some(({ message }) => message === error.message))
        this.say(["hosts", error.host], error.message, "key");
      return text;
    }
  }

  say(path: Path, message: string, what: "value" | "key" = "value"): void {
    this.issues.push(issueAt(this.#source, path, message, what));
  }

  /** `flood`: how frames without a known place reach every other host. */
  flood(name: string, link: Value): Value {
    const { flood, ...rest } = link;
    const own = this.#hosts[this.#host]?.vtep;
    const { remote } = rest;
    if (own !== undefined && typeof remote === "string" && remote.includes(":") !== own.includes(":"))
      this.say(
        ["links", name, "remote"],
        `${remote} and the vtep ${own} of ${this.#host} are of different families; use one`,
      );
    if (flood === undefined) return link;
    const path = ["links", name, "flood"];
    if (own === undefined) this.say(path, `flood needs the vtep of every host; write hosts.${this.#host}.vtep`);
    const local = { local: own, ...rest };
    if (flood === "evpn") {
      const port = { ...EVPN_PORT, ...(isMap(rest["port"]) ? rest["port"] : {}) };
      return { learning: false, addrGenMode: "none", ...local, ...(typeof rest["master"] === "string" && { port }) };
    }
    if (isMap(flood)) return { remote: flood["multicast"], ttl: flood["ttl"] ?? TTL, ...local };
    if (rest["remote"] !== undefined)
      this.say(["links", name, "remote"], "with flood: unicast every other host is one already; leave remote out");
    return { ...local, remotes: this.#remotes(path) };
  }

  #remotes(path: Path): readonly string[] {
    return peersOf(this.#hosts, this.#host).flatMap(({ name, vtep }) => {
      if (vtep === undefined) this.say(path, `flood needs the vtep of every host; write hosts.${name}.vtep`);
      return vtep ?? [];
    });
  }
}
