/** Who forwards: the sysctls of which the kernel tells changes. Same as: ip netconf, ip monitor netconf */
import { type LinkLookup, type Listing, linkNamed, listing, retold } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { inTurns } from "../families/turns.ts";
import { check, checkOne, choice, knownLinkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, NetlinkError } from "../socket/index.ts";
import type { MessageOut } from "../wire/index.ts";
import { getnetconf, IFINDEX_ALL, IFINDEX_DEFAULT, newnetconf } from "./schema.ts";
import { type RpFilter, rpFilters } from "./settings.ts";

/** Source: include/linux/socket.h (AF_MPLS). */
const FAMILIES = { inet: AF_INET, inet6: AF_INET6, mpls: 28 } as const;
/** A family that forwards. */
export type NetconfFamily = keyof typeof FAMILIES;

/** What the kernel tells of an interface, of `all`, or of `default`. Families differ in what they have. */
export interface NetconfEntry {
  readonly family: NetconfFamily | number;
  /** Name of the interface; `all` is the whole namespace, `default` what new interfaces begin with. */
  readonly dev: string;
  readonly forwarding?: boolean;
  /** Only inet. */
  readonly rpFilter?: RpFilter;
  /** A multicast routing daemon has taken the interface. */
  readonly mcForwarding?: boolean;
  /** Answers for others: proxy_arp of inet, proxy_ndp of inet6. */
  readonly proxyNeigh?: boolean;
  readonly ignoreRoutesWithLinkdown?: boolean;
  /** Only mpls: packets from this interface are taken. */
  readonly input?: boolean;
  /** Only inet: directed broadcasts are passed on. */
  readonly bcForwarding?: boolean;
  /** Only inet6, since Linux 6.17. */
  readonly forceForwarding?: boolean;
  /** What this build has no word for. */
  readonly [number: `#${number}`]: unknown;
}

/** Which entries are meant. */
export interface NetconfFilter {
  readonly family?: NetconfFamily | undefined;
}

const SPECIAL: Readonly<Record<string, number | undefined>> = { all: IFINDEX_ALL, default: IFINDEX_DEFAULT };
const family = choice(...(Object.keys(FAMILIES) as NetconfFamily[]));

/** What a message says; also of those of the groups NETCONF_GROUPS. */
export function netconfFromWire(
  { header, attrs }: MessageOut<typeof newnetconf>,
  names: ReadonlyMap<number, string>,
): NetconfEntry {
  const { ifindex = 0, rpFilter, ...rest } = attrs;
  const known = Object.entries(FAMILIES).find(([, number]) => number === header.family)?.[0] as NetconfFamily;
  const special = Object.keys(SPECIAL).find((word) => SPECIAL[word] === ifindex);
  const switches = Object.entries(rest).map(([key, value]) => [key, typeof value === "number" ? value !== 0 : value]);
  return {
    family: known ?? header.family,
    dev: special ?? linkNamed(names, ifindex),
    ...(rpFilter === undefined ? {} : { rpFilter: rpFilters.wordOf(rpFilter) }),
    ...Object.fromEntries(switches),
  };
}

/** Whether the kernel has no such family, or has not loaded it. */
const isLacking = (error: unknown): boolean =>
  error instanceof NetlinkError && (error.code === "EOPNOTSUPP" || error.code === "EAFNOSUPPORT");

/** Reads who forwards. */
export class Netconf {
  readonly #connection: Connection;
  readonly #links: LinkLookup;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
  }

  /**
   * Every interface, `all` and `default`; nothing of a family that the kernel lacks. Same as: ip netconf; ip -6 netconf
   */
  async list(filter: NetconfFilter = {}, options?: CallOptions): Promise<Listing<NetconfEntry>> {
    check([], { family }, filter, "filter");
    const families = filter.family === undefined ? Object.values(FAMILIES) : [FAMILIES[filter.family]];
    const found: MessageOut<typeof newnetconf>[] = [];
    let whole = true;
    for (const number of families) {
      try {
        const dump = await this.#connection.dump(getnetconf, { header: { family: number } }, newnetconf, options);
        // Where a family is not loaded the kernel answers with the tables of all the others.
        found.push(...dump.messages.filter(({ header }) => header.family === number));
        whole &&= dump.consistent;
      } catch (error) {
        if (!isLacking(error)) throw retold(error, { what: "cannot list netconf", properties: {} });
      }
    }
    const names = await this.#links.names();
    return listing(await inTurns(found, (message) => netconfFromWire(message, names)), whole);
  }

  /** One interface, `all`, or `default`. Same as: ip netconf show dev DEV; ip -6 netconf show dev DEV */
  async get(dev: string, of: NetconfFamily = "inet", options?: CallOptions): Promise<NetconfEntry> {
    checkOne(["dev"], knownLinkName, dev);
    checkOne(["family"], family, of);
    const ifindex = SPECIAL[dev] ?? (await this.#links.indexOf(dev));
    try {
      const request = { header: { family: FAMILIES[of] }, attrs: { ifindex } };
      const message = await this.#connection.get(getnetconf, request, newnetconf, options);
      return netconfFromWire(message, new Map([[ifindex, dev]]));
    } catch (error) {
      throw retold(error, {
        what: `cannot read netconf of ${dev} for ${of}`,
        properties: { ifindex: "dev" },
        blamed: { EINVAL: "dev", ENODEV: "dev", EOPNOTSUPP: "family", EAFNOSUPPORT: "family" },
      });
    }
  }
}
