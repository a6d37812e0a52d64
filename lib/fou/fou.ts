/** Ports that tunnels over UDP (foo-over-UDP, generic UDP encapsulation) are received on. Same as: ip fou */
import { GenericFamily } from "../families/generic.ts";
import { indexesOf, type LinkLookup, type Listing, listing, retold, type Told } from "../families/lookup.ts";
import { type CallOptions, type Connection, checkCall, NetlinkError } from "../socket/index.ts";
import type { In } from "../wire/index.ts";
import { FOU_CMD_ADD, FOU_CMD_DEL, FOU_CMD_GET, FOU_GENL_NAME, FOU_GENL_VERSION, fouPort } from "./schema.ts";
import {
  checkConfig,
  checkName,
  configToWire,
  FOU_ABSENCE,
  type FouConfig,
  type FouName,
  type FouPort,
  nameToWire,
  portFromWire,
} from "./words.ts";

const ENOENT = -2;
const WORDS = {
  af: "family",
  type: "gue",
  ifindex: "dev",
  localV4: "local",
  localV6: "local",
  peerV4: "peer",
  peerV6: "peer",
} as const;
const BLAMED = {
  EADDRINUSE: "port",
  EALREADY: "port",
  EACCES: "port",
  ENOENT: "port",
  EADDRNOTAVAIL: "local",
  EAFNOSUPPORT: "family",
  ENODEV: "dev",
} as const;
const told = (what: string): Told => ({ what, properties: WORDS, blamed: BLAMED });

/** Ports of one namespace, over a connection that was opened with NETLINK_GENERIC. */
export class Fou {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #family: GenericFamily;

  /** The connection stays the caller's to close. */
  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#family = new GenericFamily(connection, FOU_GENL_NAME, FOU_ABSENCE);
  }

  /**
   * Opens a port; what comes in is unpacked, and received as if it had come without UDP. Tunnels send to it by their
   * `encap`. Same as: ip fou add port PORT ipproto PROTO, or: ip fou add port PORT gue
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `EADDRINUSE` where somebody has the port, `EADDRNOTAVAIL` for a `local` that is not of this
   * host, `EAFNOSUPPORT` where the kernel lacks IPv6 for it, …
   */
  async create(config: FouConfig, options?: CallOptions): Promise<void> {
    checkConfig(config);
    await this.#change("add", FOU_CMD_ADD, config, configToWire, options);
  }

  /**
   * Closes a port, which is named by all that it was opened with but for what is in it. Same as: ip fou del port PORT
   * @throws {NetlinkError} `ENOENT` where there is none.
   */
  async delete(name: FouName, options?: CallOptions): Promise<void> {
    checkName(name);
    await this.#change("delete", FOU_CMD_DEL, name, nameToWire, options).catch(async (error: unknown) => {
      // Of a port that is not there the kernel says no more than EINVAL.
      if (!(error instanceof NetlinkError) || error.code !== "EINVAL") throw error;
      if ((await this.get(name, options).catch(() => error)) !== undefined) throw error;
      const gone = {
        errno: ENOENT,
        request: doing("delete", name),
        reason: "there is no such port",
        attribute: "port",
      };
      throw Object.assign(new NetlinkError(gone), { cause: error });
    });
  }

  /** All ports of the namespace. Same as: ip fou show */
  async list(options?: CallOptions): Promise<Listing<FouPort>> {
    checkCall(options);
    const what = "cannot list FOU ports";
    const message = await this.#family.message(what, "FOU_CMD_GET", fouPort, options);
    try {
      const request = { header: { cmd: FOU_CMD_GET, version: FOU_GENL_VERSION }, attrs: {} };
      const { messages, consistent } = await this.#connection.dump(message, request, message, options);
      return listing(await this.#ports(messages), consistent);
    } catch (error) {
      throw retold(error, told(what));
    }
  }

  /** One port, named by all that it was opened with but for what is in it; undefined where there is none. */
  async get(name: FouName, options?: CallOptions): Promise<FouPort | undefined> {
    checkName(name);
    checkCall(options);
    const what = doing("read", name);
    const message = await this.#family.message(what, "FOU_CMD_GET", fouPort, options);
    try {
      const attrs = nameToWire(name, await indexesOf(this.#links, [name.dev]));
      const request = { header: { cmd: FOU_CMD_GET, version: FOU_GENL_VERSION }, attrs };
      const [found] = await this.#ports([await this.#connection.get(message, request, message, options)]);
      return found;
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ESRCH") return undefined;
      throw retold(error, told(what));
    }
  }

  async #change<C extends FouName>(
    act: string,
    cmd: number,
    config: C,
    write: (config: C, indexOf: (name: string) => number) => In<typeof fouPort>,
    options?: CallOptions,
  ): Promise<void> {
    checkCall(options);
    const what = doing(act, config);
    const message = await this.#family.message(what, "FOU_CMD", fouPort, options);
    try {
      const attrs = write(config, await indexesOf(this.#links, [config.dev]));
      const header = { cmd, version: FOU_GENL_VERSION };
      await this.#connection.request(message, { header, attrs }, 0, options);
    } catch (error) {
      throw retold(error, told(what));
    }
  }

  async #ports(messages: readonly { readonly attrs: Parameters<typeof portFromWire>[0] }[]): Promise<FouPort[]> {
    const bound = messages.some(({ attrs }) => (attrs.ifindex ?? 0) !== 0);
    const names = bound ? await this.#links.names() : new Map<number, string>();
    return messages.map(({ attrs }) => portFromWire(attrs, names));
  }
}

const doing = (act: string, { port }: FouName): string => `cannot ${act} FOU port ${port}`;
