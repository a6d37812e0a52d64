/** A document for several hosts: what it says for one of them. */

import { nearest, shown } from "../shape/shape.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import { checkHosts, valueAt } from "../state/document.ts";
import { ConfigError, type Issue, type Path } from "../state/error.ts";
import { issueAt, type Peer, type Source } from "../state/source.ts";
import { type Hosts, peersOf, substitute, VariableError } from "./variables.ts";

type Value = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Value {
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
class Derivation {
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
        this.#say(
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
        this.#say([...from, key], `unknown host; ${way}`, "key");
      }
    return Object.hasOwn(value, this.#host) ? this.value(value[this.#host], [...from, this.#host], to) : undefined;
  }

  #text(text: string, from: Path, what: "value" | "key"): string {
    try {
      return substitute(text, this.#hosts, this.#host);
    } catch (error) {
      if (!(error instanceof VariableError)) throw error;
      // What a host lacks is one mistake, at the host, however often it is missed.
      if (error.host === undefined) this.#say(from, error.message, what);
      else if (!this.issues.some(({ message }) => message === error.message))
        this.#say(["hosts", error.host], error.message, "key");
      return text;
    }
  }

  #say(path: Path, message: string, what: "value" | "key" = "value"): void {
    this.issues.push(issueAt(this.#source, path, message, what));
  }

  /** `flood`: how frames without a known place reach every other host. */
  flood(name: string, link: Value): Value {
    const { flood, ...rest } = link;
    const own = this.#hosts[this.#host]?.vtep;
    const { remote } = rest;
    if (own !== undefined && typeof remote === "string" && remote.includes(":") !== own.includes(":"))
      this.#say(
        ["links", name, "remote"],
        `${remote} and the vtep ${own} of ${this.#host} are of different families; use one`,
      );
    if (flood === undefined) return link;
    const path = ["links", name, "flood"];
    if (own === undefined) this.#say(path, `flood needs the vtep of every host; write hosts.${this.#host}.vtep`);
    const local = { local: own, ...rest };
    if (flood === "evpn") {
      const port = { learning: false, neighSuppress: true, ...(isMap(rest["port"]) ? rest["port"] : {}) };
      return { learning: false, ...local, ...(rest["master"] !== undefined && { port }) };
    }
    if (isMap(flood)) return { remote: flood["multicast"], ttl: 4, ...local };
    if (rest["remote"] !== undefined)
      this.#say(["links", name, "remote"], "with flood: unicast every other host is one already; leave remote out");
    return { ...local, remotes: this.#remotes(path) };
  }

  #remotes(path: Path): readonly string[] {
    return peersOf(this.#hosts, this.#host).flatMap(({ name, vtep }) => {
      if (vtep === undefined) this.#say(path, `flood needs the vtep of every host; write hosts.${name}.vtep`);
      return vtep ?? [];
    });
  }
}

function checkVteps(source: Source, hosts: Hosts): void {
  const issues: Issue[] = [];
  const all = Object.entries(hosts).flatMap(([name, { vtep }]) => (vtep === undefined ? [] : [{ name, vtep }]));
  all.forEach(({ name, vtep }, i) => {
    const [first] = all;
    const path = ["hosts", name, "vtep"];
    if (first !== undefined && vtep.includes(":") !== first.vtep.includes(":"))
      issues.push(
        issueAt(source, path, `${vtep} and ${first.vtep} of ${first.name} are of different families; use one`),
      );
    const same = all.findIndex((other) => other.vtep === vtep);
    if (same < i)
      issues.push(issueAt(source, path, `${vtep} is the vtep of ${all[same]?.name} already; each host has its own`));
  });
  if (issues.length > 0) throw new ConfigError(issues);
}

/** Names of the hosts of a document, in its order; none where it is for one host. @throws {ConfigError} */
export function hostsOf(source: Source): readonly string[] {
  return Object.keys(checkHosts(source));
}

function chosen(source: Source, hosts: Hosts, host: string | undefined): string {
  const names = Object.keys(hosts);
  if (host !== undefined && names.includes(host)) return host;
  const list = `its hosts are ${names.join(", ")}`;
  const meant = host === undefined ? undefined : nearest(host, names);
  const way = meant === undefined ? list : `${list}; did you mean ${meant}?`;
  const message =
    host === undefined
      ? `this document is for several hosts; say for which one (--host): ${list}`
      : `there is no host ${shown(host)} in this document; ${way}`;
  throw new ConfigError([issueAt(source, ["hosts"], message, "key")]);
}

/**
 * The document of one host, made from one for several: variables replaced, this host's own values taken, `flood`
 * worked out. A document without `hosts` comes back as it is.
 *
 * @throws {ConfigError} also where there is no such host.
 */
export function derive(source: Source, host?: string): Source {
  if (valueAt(source.value, ["hosts"]) === undefined) {
    if (host === undefined) return source;
    throw new ConfigError([
      issueAt(source, [], `this document has no hosts, and so no host ${shown(host)}; leave the host out`),
    ]);
  }
  const hosts = checkHosts(source);
  const name = chosen(source, hosts, host);
  checkVteps(source, hosts);
  const derivation = new Derivation(source, hosts, name);
  const { hosts: _, ...rest } = source.value as Value;
  const value = derivation.value(rest, [], []) as Value;
  const links = isMap(value["links"]) ? value["links"] : undefined;
  const flooded =
    links &&
    Object.fromEntries(
      Object.entries(links).map(([key, link]) => [key, isMap(link) ? derivation.flood(key, link) : link]),
    );
  if (derivation.issues.length > 0) throw new ConfigError(derivation.issues);
  const { underlay } = hosts[name] ?? {};
  return {
    ...derivedSource(source, derivation.origins, flooded === undefined ? value : { ...value, links: flooded }),
    ...(underlay !== undefined && { underlay: { name: underlay, path: ["hosts", name, "underlay"] } }),
    peers: () =>
      peersOf(hosts, name).map(({ name: peer, vtep }) => ({
        name: peer,
        ...(vtep !== undefined && { vtep }),
        addresses: addressesOf(source, hosts, peer),
      })),
  };
}

/** What a host has on its links. What is wrong with it is told when that host's own document is derived. */
function addressesOf(source: Source, hosts: Hosts, host: string): Peer["addresses"] {
  const { links, addresses } = source.value as Value;
  const present = (one: unknown): boolean => isMap(one) && one["state"] !== "absent";
  const bare = Object.entries(isMap(links) ? links : {}).flatMap(([name, link]) =>
    isMap(link) && present(link) ? [[name, { addresses: link["addresses"] }]] : [],
  );
  const own = new Derivation(source, hosts, host).value(
    { links: Object.fromEntries(bare), addresses },
    [],
    [],
  ) as Value;
  const listOf = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []);
  const onLinks = Object.entries(own["links"] as Value).flatMap(([dev, link]) =>
    listOf((link as Value)["addresses"]).map((one) => (isMap(one) ? { ...one, dev } : { address: one, dev })),
  );
  return [...onLinks, ...listOf(own["addresses"])]
    .filter(present)
    .map((one) => one as Value)
    .flatMap(({ dev, address }) => (typeof dev === "string" && typeof address === "string" ? [{ dev, address }] : []));
}

function derivedSource(source: Source, origins: ReadonlyMap<string, Path>, value: unknown): Source {
  const origin = (path: Path): Path => {
    for (let length = path.length; length > 0; length--) {
      const from = origins.get(JSON.stringify(path.slice(0, length)));
      if (from !== undefined) return source.origin([...from, ...path.slice(length)]);
    }
    return path;
  };
  return {
    file: source.file,
    value,
    locate: (path) => source.locate(origin(path)),
    locateKey: (path) => source.locateKey(origin(path)),
    origin,
  };
}

/**
 * Checks a document for all of its hosts.
 *
 * @returns what each host shall look like; one entry named `""` for a document without hosts.
 * @throws {ConfigError} with all that is wrong for any of them.
 */
export function checkAll(source: Source): ReadonlyMap<string, Desired> {
  const hosts = hostsOf(source);
  const found = new Map<string, Desired>();
  const issues: Issue[] = [];
  for (const host of hosts.length === 0 ? [undefined] : hosts)
    try {
      found.set(host ?? "", desiredOf(derive(source, host)));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues);
    }
  if (issues.length > 0) throw new ConfigError(issues);
  return found;
}
