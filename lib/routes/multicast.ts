/** Routes of multicast, as a routing daemon has given them to the kernel. */
import { type Family, linkNamed, type Table, tables } from "../families/lookup.ts";
import { RTNH_F } from "../families/route.ts";
import type { MessageOut } from "../wire/index.ts";
import { type newmroute, RTNL_FAMILY_IP6MR, RTNL_FAMILY_IPMR } from "./schema.ts";

/** A link that packets leave by. */
export interface MulticastHop {
  readonly dev: string;
  /** Packets with a greater time to live than this leave. */
  readonly ttl: number;
}
/** Where packets from a source to a group go. */
export interface MulticastRoute {
  readonly family: Family;
  /** `0.0.0.0` or `::` for any. */
  readonly source: string;
  readonly group: string;
  readonly table: Table;
  /** Name of the link by which they come; absent while no daemon has said where they go. */
  readonly iif?: string;
  readonly oifs: readonly MulticastHop[];
  /** No daemon has said yet where they go. */
  readonly unresolved?: true;
  readonly packets?: bigint;
  readonly bytes?: bigint;
  /** Packets that came by another link than `iif`. */
  readonly wrongIf?: bigint;
  /** Seconds since the last packet. */
  readonly lastUsed?: number;
}
/** Which routes of multicast are meant. */
export interface MulticastRouteFilter {
  readonly family?: Family | undefined;
  readonly table?: Table | undefined;
}

/** A route in people's words; undefined for one of another sort. */
export function multicastRouteFromWire(
  { header, attrs }: MessageOut<typeof newmroute>,
  names: ReadonlyMap<number, string>,
): MulticastRoute | undefined {
  if (header.family !== RTNL_FAMILY_IPMR && header.family !== RTNL_FAMILY_IP6MR) return undefined;
  const family = header.family === RTNL_FAMILY_IPMR ? "inet" : "inet6";
  const any = family === "inet" ? "0.0.0.0" : "::";
  const { src = any, dst = any, iif, multipath = [], mfcStats, expires, table } = attrs;
  return {
    family,
    source: src,
    group: dst,
    table: tables.wordOf(table ?? header.table),
    ...(iif !== undefined && iif !== 0 && { iif: linkNamed(names, iif) }),
    oifs: multipath.map(({ ifindex, hops }) => ({ dev: linkNamed(names, ifindex), ttl: hops })),
    ...((header.flags & RTNH_F.UNRESOLVED) !== 0 && { unresolved: true }),
    ...mfcStats,
    ...(expires !== undefined && { lastUsed: Number(expires) / 100 }),
  };
}
