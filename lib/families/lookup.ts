/**
 * What the services of rtnetlink share: names for the indexes of links, words for numbers, refusals told in the
 * caller's own properties, and changes made from checked input.
 */
import { checkList, checkOne, choice, InputError, integer, type Shape } from "../shape/shape.ts";
import { type CallOptions, type Command, type Connection, command, NetlinkError } from "../socket/index.ts";
import { ip, type Message, Reader, Writer } from "../wire/index.ts";
import { inTurns } from "./turns.ts";

/** Finds links of one network namespace. */
export interface LinkLookup {
  /** @throws when there is no such link. */
  indexOf(name: string): Promise<number>;
  /** Every link's name by its index, as it is now. */
  names(): Promise<ReadonlyMap<number, string>>;
}

/** Names of links by their index. */
export type LinkNaming = Pick<ReadonlyMap<number, string>, "get">;
/** The name of a link, or `#7` where it is not known in this namespace. */
export function linkNamed(names: LinkNaming, index: number): string {
  return names.get(index) ?? `#${index}`;
}

/** Looks up the indexes of several links once each; the result needs no waiting. */
export async function indexesOf(
  links: LinkLookup,
  names: Iterable<string | undefined>,
): Promise<(name: string) => number> {
  const found = new Map<string, number>();
  for (const name of names) if (name !== undefined && !found.has(name)) found.set(name, await links.indexOf(name));
  return (name) => found.get(name) as number;
}

/** A whole table. `consistent` is false where it kept changing while it was read: entries may be missing, or twice. */
export type Listing<T> = T[] & { readonly consistent: boolean };
/** Marks a list; the mark does not take part in comparisons and spreads. */
export function listing<T>(entries: T[], consistent: boolean): Listing<T> {
  return Object.defineProperty(entries as Listing<T>, "consistent", { value: consistent });
}

/** Words for some of the values of a number; the others are written as they are. */
export interface Words<N extends string> {
  readonly shape: Shape<N | number>;
  numberOf(word: N | number): number;
  wordOf(number: number): N | number;
}

/** Declares words for numbers from 0 to `maximum`. */
export function words<const T extends Record<string, number>>(numbers: T, maximum: number): Words<keyof T & string> {
  type N = keyof T & string;
  const table: Readonly<Record<string, number | undefined>> = numbers;
  const names: (N | undefined)[] = [];
  for (const [name, number] of Object.entries(numbers)) names[number] ??= name as N;
  const plain = integer(0, maximum);
  const list = Object.keys(numbers);
  return {
    shape: {
      expected: `one of ${list.join(", ")}, or a number from 0 to ${maximum}`,
      json: { anyOf: [{ enum: list }, plain.json] },
      accepts: (value): value is N | number =>
        typeof value === "string" ? Object.hasOwn(numbers, value) : plain.accepts(value),
    },
    numberOf: (word) => (typeof word === "number" ? word : (table[word] ?? 0)),
    wordOf: (number) => names[number] ?? number,
  };
}

/** How far an address or a destination is away. Source: include/uapi/linux/rtnetlink.h (enum rt_scope_t). */
export const scopes = words({ global: 0, site: 200, link: 253, host: 254, nowhere: 255 }, 255);
export type Scope = Parameters<typeof scopes.numberOf>[0];

const scratch = new Writer(16);
/** The one text for an address, in which the kernel's are shown: RFC 5952. @throws {WireError} */
export function canonicalIp(address: string): string {
  scratch.truncate(0);
  ip.write(scratch, address);
  return ip.read(new Reader(scratch.u8), 0, scratch.length);
}

/** The protocol number that marks our routes: no routing daemon uses it. Same as: ip route show proto 139 */
export const RTPROT_LINKWRIGHT = 139;

/** Who made a route or a neighbor. Source: include/uapi/linux/rtnetlink.h (RTPROT_*). */
export const protocols = words(
  {
    unspec: 0,
    redirect: 1,
    kernel: 2,
    boot: 3,
    static: 4,
    gated: 8,
    ra: 9,
    mrt: 10,
    zebra: 11,
    bird: 12,
    dnrouted: 13,
    xorp: 14,
    ntk: 15,
    dhcp: 16,
    mrouted: 17,
    keepalived: 18,
    babel: 42,
    openr: 99,
    linkwright: RTPROT_LINKWRIGHT,
    bgp: 186,
    isis: 187,
    ospf: 188,
    rip: 189,
    eigrp: 192,
  },
  255,
);
export type Protocol = Parameters<typeof protocols.numberOf>[0];

/** Tables of routes. Source: include/uapi/linux/rtnetlink.h (enum rt_class_t). */
export const tables = words({ compat: 252, default: 253, main: 254, local: 255 }, 0xffff_ffff);
export type Table = Parameters<typeof tables.numberOf>[0];

/** Protocols over IP, by iproute2's words. Source: include/uapi/linux/in.h (IPPROTO_*), icmpv6.h. */
export const ipProtocols = words(
  { icmp: 1, tcp: 6, udp: 17, dccp: 33, gre: 47, esp: 50, ah: 51, "ipv6-icmp": 58, sctp: 132 },
  255,
);
export type IpProtocol = Parameters<typeof ipProtocols.numberOf>[0];

/** The two families that have addresses and routes, in iproute2's words. */
export type Family = "inet" | "inet6";

/** What a caller asked for, in people's words, so that a refusal can be told in them. */
export interface Told {
  /** `cannot add address 192.0.2.1/24 to br-vm`. */
  readonly what: string;
  /** The caller's property for an attribute's path, or for its first part. */
  readonly properties: Readonly<Record<string, string>>;
  /** The property at fault where the kernel names none, by error code. */
  readonly blamed?: Readonly<Record<string, string>>;
  /** What it means where the kernel has no words for it, by error code. */
  readonly reasons?: Readonly<Record<string, string>>;
}

/**
 * A refusal in people's words: `cannot add address 192.0.2.1/24 to br-vm: … (EEXIST, at address)`. Other errors pass
 * through. The refusal as it came is the `cause`.
 */
export function retold(error: unknown, { what, properties, blamed = {}, reasons = {} }: Told): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const { errno, reason, index, request, code } = error;
  const word = (path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    const [first = "", ...rest] = path.split(".");
    return properties[path] ?? [properties[first] ?? first, ...rest].join(".");
  };
  const told = new NetlinkError({
    errno,
    request: what,
    reason: reason ?? reasons[code],
    attribute: word(error.attribute) ?? blamed[code],
    missing: word(error.missing),
    index,
  });
  return Object.assign(told, { request, cause: error });
}

/** How one kind of object is changed. */
export interface ChangeRules<V extends string, C, W> {
  /** The request of a verb, and its NLM_F_*. */
  readonly verbs: Readonly<Record<V, { readonly message: Message<W, unknown>; readonly flags: number }>>;
  /** @throws {InputError} */
  check(config: C, verb: V): void;
  /** Names of the links that the object refers to. */
  devices(config: C): readonly (string | undefined)[];
  /** The request for a checked object. */
  toWire(config: C, verb: V, indexOf: (name: string) => number): W;
  told(config: C, verb: V): Told;
}

/** A request for each, made when it is asked for: so many objects that live for long would have the collector move them. */
function* eachAs<C>(message: Message<C, unknown>, all: readonly C[], flags: number): Generator<Command> {
  for (const one of all) yield command(message, one, flags);
}

/** Checks, sends and tells refusals of changes to one kind of object. */
export class Changes<V extends string, C, W> {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #rules: ChangeRules<V, C, W>;

  constructor(connection: Connection, links: LinkLookup, rules: ChangeRules<V, C, W>) {
    this.#connection = connection;
    this.#links = links;
    this.#rules = rules;
  }

  /** One change, acknowledged. @throws {InputError} before anything is sent. @throws {NetlinkError} */
  async make(verb: V, config: C, options?: CallOptions): Promise<void> {
    const rules = this.#rules;
    rules.check(config, verb);
    try {
      const indexOf = await indexesOf(this.#links, rules.devices(config));
      const { message, flags } = rules.verbs[verb];
      await this.#connection.request(message, rules.toWire(config, verb, indexOf), flags, options);
    } catch (error) {
      throw retold(error, rules.told(config, verb));
    }
  }

  /** The checked requests for many changes of one sort, as the list is now. @throws {InputError} whose path begins with the place. */
  async commands(verb: V, configs: readonly C[]): Promise<Command[]> {
    const { message, all } = await this.#checked(verb, configs);
    const { flags } = this.#rules.verbs[verb];
    return inTurns(all, (config) => command(message, config, flags));
  }

  /** The list as it is now, and a request that takes each of it. */
  async #checked(verb: V, configs: readonly C[]): Promise<{ message: Message<C, unknown>; all: readonly C[] }> {
    const rules = this.#rules;
    checkOne(["verb"], choice(...Object.keys(rules.verbs)), verb);
    checkList(["configs"], configs);
    const all = [...configs];
    const devices = new Set<string | undefined>();
    await inTurns(all, (config, i) => {
      try {
        rules.check(config, verb);
      } catch (error) {
        throw error instanceof InputError ? new InputError([String(i), ...error.path], error.reason) : error;
      }
      for (const name of rules.devices(config)) devices.add(name);
    });
    const indexOf = await indexesOf(this.#links, devices);
    const { message } = rules.verbs[verb];
    // Turned into bytes when its turn comes, while the kernel works on the ones before.
    const late: Message<C, unknown> = {
      ...message,
      body: {
        write: (out, config) => message.body.write(out, rules.toWire(config, verb, indexOf)),
        read: (from, start, end) => message.body.read(from, start, end),
        locate: (from, start, end, target) => message.body.locate(from, start, end, target),
      },
    };
    return { message: late, all };
  }

  /** Many changes of one sort, in few system calls. One entry for each: undefined, or the refusal. */
  async batch(verb: V, configs: readonly C[], options?: CallOptions): Promise<readonly (NetlinkError | undefined)[]> {
    const { message, all } = await this.#checked(verb, configs);
    const { flags } = this.#rules.verbs[verb];
    const results = [...(await this.#connection.batch(eachAs(message, all, flags), options))];
    await inTurns(results, (error, i) => {
      if (error !== undefined) results[i] = retold(error, this.#rules.told(all[i] as C, verb)) as NetlinkError;
    });
    return results;
  }
}
