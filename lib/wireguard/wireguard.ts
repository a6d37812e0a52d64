/** Keys and peers of WireGuard links; the link itself is made as every link is. Same as: wg show and wg set */
import { GenericFamily } from "../families/generic.ts";
import { indexesOf, type LinkLookup, retold, type Told } from "../families/lookup.ts";
import { checkOne, knownLinkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, checkCall, NetlinkError } from "../socket/index.ts";
import { WG_CMD_GET_DEVICE, WG_CMD_SET_DEVICE, WG_GENL_NAME, WG_GENL_VERSION, wgDevice } from "./schema.ts";
import {
  checkConfig,
  configToWire,
  deviceFromWire,
  scopesOf,
  scopesTold,
  type WireguardConfig,
  type WireguardDevice,
} from "./words.ts";

/** The caller's words for attributes, and for what the kernel says without pointing at one. */
const WORDS = { ifname: "name", "peers.peer": "peers" } as const;
const BLAMED = { ENODEV: "name", EOPNOTSUPP: "name", EADDRINUSE: "listenPort" } as const;
const ABSENCE = "this kernel has no WireGuard, or its module is not loaded (modprobe wireguard)";

const told = (what: string): Told => ({ what, properties: WORDS, blamed: BLAMED });

/** Devices of one namespace, over a connection that was opened with NETLINK_GENERIC. */
export class Wireguard {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #family: GenericFamily;

  /** The connection stays the caller's to close. */
  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#family = new GenericFamily(connection, WG_GENL_NAME, ABSENCE);
  }

  /**
   * Keys and peers of a link of kind `wireguard`; undefined where there is no link of this name. It takes
   * CAP_NET_ADMIN, for the keys. Same as: wg show NAME dump
   *
   * @throws {NetlinkError} `EOPNOTSUPP` where the link is of another kind, `EPERM`, `ENOENT` where the kernel has no
   * WireGuard.
   */
  async get(name: string, options?: CallOptions): Promise<WireguardDevice | undefined> {
    checkOne(["name"], knownLinkName, name);
    checkCall(options);
    const what = `cannot read WireGuard of ${name}`;
    const message = await this.#family.message(what, "WG_CMD_GET_DEVICE", wgDevice, options);
    const request = { header: { cmd: WG_CMD_GET_DEVICE, version: WG_GENL_VERSION }, attrs: { ifname: name } };
    try {
      const { messages } = await this.#connection.dump(message, request, message, options);
      const parts = messages.map(({ attrs }) => attrs);
      const names = scopesTold(parts) ? await this.#links.names() : new Map<number, string>();
      return deviceFromWire(parts, (index) => names.get(index) ?? String(index));
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
      throw retold(error, told(what));
    }
  }

  /**
   * Changes keys and peers; what is absent stays. Some 200 peers, or 600 networks, fit into one request, which is not
   * undone where the kernel refuses a part of it; of more, those before the one that was refused are done.
   * Same as: wg set NAME private-key FILE listen-port PORT peer KEY endpoint ADDRESS:PORT allowed-ips NETWORKS …
   *
   * @throws {InputError} before anything is sent; it shows no key.
   * @throws {NetlinkError} `ENODEV`, `EOPNOTSUPP` where the link is of another kind, `EADDRINUSE` of `listenPort`, …
   */
  async set(name: string, config: WireguardConfig, options?: CallOptions): Promise<void> {
    checkOne(["name"], knownLinkName, name);
    checkConfig(name, config);
    checkCall(options);
    const what = `cannot set WireGuard of ${name}`;
    const message = await this.#family.message(what, "WG_CMD_SET_DEVICE", wgDevice, options);
    const header = { cmd: WG_CMD_SET_DEVICE, version: WG_GENL_VERSION };
    try {
      const indexOf = await indexesOf(this.#links, scopesOf(config));
      for (const attrs of configToWire(name, config, indexOf))
        await this.#connection.request(message, { header, attrs }, 0, options);
    } catch (error) {
      throw retold(error, told(what));
    }
  }
}
