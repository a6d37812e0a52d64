/** Sysctls of the interfaces of one network namespace, many at once. */
import { type LinkLookup, type Listing, listing, retold } from "../families/lookup.ts";
import { RTEXT_FILTER_SKIP_STATS } from "../families/route.ts";
import { inTurns } from "../families/turns.ts";
import { check, checkOne, InputError, knownLinkName } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { MessageOut } from "../wire/index.ts";
import { getlink, newlink, setlink } from "./schema.ts";
import { fromArray, type Settings } from "./setting.ts";
import { type Inet6Conf, type InetConf, type InetConfChanges, inet6Settings, inetSettings } from "./settings.ts";

/** The sysctls of an interface. */
export interface InterfaceConf {
  readonly index: number;
  readonly name: string;
  /** Absent where the interface has no IPv4: its MTU is below 68. */
  readonly inet?: InetConf;
  /** Absent where the interface has no IPv6. */
  readonly inet6?: Inet6Conf;
}

/** What the kernel tells of a link, as sysctls. */
export function confFromWire({ header, attrs: { ifname, afSpec } }: MessageOut<typeof newlink>): InterfaceConf {
  const [inet, inet6] = [afSpec?.inet?.conf, afSpec?.inet6?.conf];
  return {
    index: header.index,
    name: ifname ?? "",
    ...(inet === undefined ? {} : { inet: fromArray(inetSettings, inet, 1) }),
    ...(inet6 === undefined ? {} : { inet6: fromArray(inet6Settings, inet6, 0) }),
  };
}

/** The numbers to send. @throws {InputError} */
export function confToWire(changes: InetConfChanges): { readonly [K in keyof InetConfChanges]?: number } {
  const settings: Settings = inetSettings;
  const settable = Object.keys(settings).filter((word) => settings[word]?.settable);
  const shapes = Object.fromEntries(settable.map((word) => [word, inetSettings[word as keyof InetConfChanges].shape]));
  check([], shapes, changes, "changes");
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw new InputError(["changes"], "nothing to set");
  return Object.fromEntries(given.map(([word, value]) => [word, settings[word]?.toNumber(value)]));
}

/** Reads and sets sysctls of interfaces over netlink. */
export class Devconf {
  readonly #connection: Connection;
  readonly #links: LinkLookup;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
  }

  /** Sysctls of every interface, in one dump. Same as: sysctl net.ipv4.conf net.ipv6.conf */
  async list(options?: CallOptions): Promise<Listing<InterfaceConf>> {
    const request = { header: {}, attrs: { extMask: RTEXT_FILTER_SKIP_STATS } };
    const { messages, consistent } = await this.#connection.dump(getlink, request, newlink, options);
    return listing(await inTurns(messages, confFromWire), consistent);
  }

  /** Sysctls of one interface. @throws {NetlinkError} `ENODEV` */
  async get(name: string, options?: CallOptions): Promise<InterfaceConf> {
    checkOne(["name"], knownLinkName, name);
    const request = { header: {}, attrs: { ifname: name, extMask: RTEXT_FILTER_SKIP_STATS } };
    try {
      return confFromWire(await this.#connection.get(getlink, request, newlink, options));
    } catch (error) {
      throw retold(error, { what: `cannot read sysctls of ${name}`, properties: { ifname: "name" } });
    }
  }

  /**
   * Sets sysctls of IPv4 in one message: all of them, or none.
   *
   * Set this way, `forwarding` and the others are stored and nothing else happens: no netconf event, no flush of the
   * route cache, and large receive offload stays on. A write to the file below /proc/sys, as `host.sysctls` makes it,
   * does these too.
   *
   * Same as: sysctl net.ipv4.conf.NAME.KEY=VALUE …
   *
   * @throws {InputError} before anything is sent. @throws {NetlinkError} `EINVAL` where this kernel lacks one of them,
   * `EAFNOSUPPORT` where the interface has no IPv4.
   */
  async set(name: string, changes: InetConfChanges, options?: CallOptions): Promise<void> {
    checkOne(["name"], knownLinkName, name);
    const conf = confToWire(changes);
    const index = await this.#links.indexOf(name);
    try {
      await this.#connection.request(setlink, { header: { index }, attrs: { afSpec: { inet: { conf } } } }, 0, options);
    } catch (error) {
      throw retold(error, {
        what: `cannot set sysctls of ${name}`,
        properties: { "afSpec.inet": "inet" },
        blamed: { EAFNOSUPPORT: "name" },
      });
    }
  }
}
