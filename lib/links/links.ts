/** The links of one network namespace. */
import { type LinkLookup, type Listing, listing, retold } from "../families/lookup.ts";
import { InputError, linkName, problem } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../wire/index.ts";
import type { AnyKind } from "./kind.ts";
import { kindNamed } from "./kinds/index.ts";
import type { LinkNames } from "./option.ts";
import { dellink, getlink, newlink, RTEXT_FILTER_SKIP_STATS } from "./schema.ts";
import {
  changeMessages,
  checkLink,
  createMessage,
  kindOf,
  type Link,
  type LinkChanges,
  type LinkConfig,
  linkFromWire,
  linksNamed,
  properties,
} from "./words.ts";

/** Bytes of a name in IFLA_IFNAME; longer ones are alternative names. */
const SHORT_NAME = 15;

/** Lists and changes links. */
export class Links implements LinkLookup {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All links, without counters unless `statistics` is asked for. Same as: ip -details link show */
  async list(
    { statistics = false }: { readonly statistics?: boolean } = {},
    options?: CallOptions,
  ): Promise<Listing<Link>> {
    const attrs = statistics ? {} : { extMask: RTEXT_FILTER_SKIP_STATS };
    const { messages, consistent } = await this.#connection.dump(getlink, { header: {}, attrs }, newlink, options);
    const names = new Map(messages.map(({ header, attrs: { ifname = "" } }) => [header.index, ifname]));
    return listing(
      messages.map((message) => linkFromWire(message, named(names))),
      consistent,
    );
  }

  /** One link with its counters; undefined where there is none. Same as: ip -details -statistics link show dev NAME */
  async get(name: string, options?: CallOptions): Promise<Link | undefined> {
    const message = await this.#read(name, options);
    if (message === undefined) return undefined;
    const names = await this.names(options);
    return linkFromWire(message, named(names));
  }

  async #read(name: string, options?: CallOptions) {
    const attrs = Buffer.byteLength(name) > SHORT_NAME ? { altIfname: name } : { ifname: name };
    try {
      return await this.#connection.get(getlink, { header: {}, attrs }, newlink, options);
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENODEV") return undefined;
      throw retold(error, { what: `cannot read link ${name}`, properties: {} });
    }
  }

  /** The index of a link, asked for each time: names change. @throws {InputError} when there is none. */
  async indexOf(name: string, options?: CallOptions): Promise<number> {
    const found = await this.#read(name, options);
    if (found === undefined) throw new InputError([name], "there is no such link");
    return found.header.index;
  }

  /** Every link's name by its index. */
  async names(options?: CallOptions): Promise<ReadonlyMap<number, string>> {
    const value = { header: {}, attrs: { extMask: RTEXT_FILTER_SKIP_STATS } };
    const { messages } = await this.#connection.dump(getlink, value, newlink, options);
    return new Map(messages.map(({ header, attrs }) => [header.index, attrs.ifname ?? ""]));
  }

  /**
   * Makes a link, all of it in one message: a refusal leaves nothing behind. Returns its index.
   * A VXLAN without `dstport` gets 4789. What the kernel does not know it ignores: read back what is optional.
   * Same as: ip link add NAME type KIND …
   *
   * @throws {InputError} before anything is sent. @throws {NetlinkError} `EEXIST`, `ERANGE`, `EOPNOTSUPP`, …
   */
  async create(config: LinkConfig, options?: CallOptions): Promise<number> {
    const wrongName = problem(linkName, config.name);
    if (wrongName !== undefined) throw new InputError(["name"], wrongName);
    const kind = kindOf(config);
    checkLink(config.name, kind, config);
    const told = {
      what: `cannot create link ${config.name}`,
      properties: properties(kind),
      blamed: { EEXIST: "name" },
    };
    const names = await this.#resolve(config.name, kind, config);
    try {
      await this.#connection.request(newlink, createMessage(config, kind, names), NLM_F_CREATE | NLM_F_EXCL, options);
      const index = await this.indexOf(config.name, options);
      const { port } = config;
      if (port !== undefined) await this.#createPort(index, port, names, options);
      return index;
    } catch (error) {
      throw retold(error, told);
    }
  }

  async #createPort(index: number, port: object, names: LinkNames, options?: CallOptions): Promise<void> {
    try {
      for (const { message } of changeMessages(index, undefined, { port }, names))
        await this.#connection.request(newlink, message, 0, options);
    } catch (error) {
      await this.#connection.request(dellink, { header: { index } });
      throw error;
    }
  }

  /**
   * Changes a link, one property a message: properties before a refused one are changed. Send only what differs, as
   * the kernel refuses some attributes even when they are equal. Same as: ip link set dev NAME …
   *
   * @throws {InputError} before anything is sent. @throws {NetlinkError} `EOPNOTSUPP` for what cannot change in place.
   */
  async update(name: string, changes: LinkChanges, options?: CallOptions): Promise<void> {
    const now = await this.#read(name, options);
    if (now === undefined) throw new InputError([name], "there is no such link");
    const kind = kindNamed(now.attrs.linkinfo?.info?.kind);
    checkLink(name, kind, changes);
    const names = await this.#resolve(name, kind, changes);
    for (const { key, message } of changeMessages(now.header.index, kind, { ...changes }, names))
      try {
        await this.#connection.request(newlink, message, 0, options);
      } catch (error) {
        const told = { what: `cannot change ${key} of link ${name}`, properties: properties(kind) };
        throw retold(error, told);
      }
  }

  /** Removes a link, and what is on it. Same as: ip link delete dev NAME @throws {InputError} when there is none. */
  async delete(name: string, options?: CallOptions): Promise<void> {
    const index = await this.indexOf(name, options);
    try {
      await this.#connection.request(dellink, { header: { index } }, 0, options);
    } catch (error) {
      throw retold(error, { what: `cannot delete link ${name}`, properties: {} });
    }
  }

  /** Moves a link to another namespace; its addresses and routes are lost. Same as: ip link set dev NAME netns … */
  async move(name: string, netns: { readonly fd: number }, options?: CallOptions): Promise<void> {
    const index = await this.indexOf(name, options);
    try {
      await this.#connection.request(newlink, { header: { index }, attrs: { netNsFd: netns.fd } }, 0, options);
    } catch (error) {
      throw retold(error, { what: `cannot move link ${name}`, properties: properties(undefined) });
    }
  }

  /** Looks up the links that a config refers to. @throws {InputError} that names the property. */
  async #resolve(name: string, kind: AnyKind | undefined, config: object): Promise<LinkNames> {
    const values = config as Readonly<Record<string, unknown>>;
    const found = new Map<string, number>();
    for (const other of linksNamed(kind, values)) {
      const message = await this.#read(other);
      const property = Object.keys(values).find((key) => values[key] === other) ?? "port";
      if (message === undefined) throw new InputError([name, property], `there is no link ${other}`);
      found.set(other, message.header.index);
    }
    return {
      indexOf: (other) => found.get(other) as number,
      nameOf: () => undefined,
      fdOf: (ns) => (ns as { fd: number }).fd,
    };
  }
}

function named(names: ReadonlyMap<number, string>): LinkNames {
  return {
    nameOf: (index) => names.get(index),
    fdOf: (ns) => (ns as { fd: number }).fd,
    indexOf: () => {
      throw new TypeError("reading looks no index up");
    },
  };
}
