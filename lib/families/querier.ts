/**
 * Who asks for memberships of groups, on a bridge or in one of its VLANs.
 *
 * Source: include/uapi/linux/if_bridge.h (BRIDGE_QUERIER_*), net/bridge/br_multicast.c (br_multicast_dump_querier_state).
 */
import { at, attrs, ipv4, ipv6, type Out, padding, u32, u64 } from "../wire/index.ts";

/** Port and timer are told while the querier is another host. */
export const querierState = attrs("BRIDGE_QUERIER", {
  ipAddress: at(1, ipv4),
  /** Interface index. */
  ipPort: at(2, u32),
  /** Hundredths of seconds. */
  ipOtherTimer: at(3, u64),
  pad: padding(4),
  ipv6Address: at(5, ipv6),
  ipv6Port: at(6, u32),
  ipv6OtherTimer: at(7, u64),
});

/** The host that asks for memberships. */
export interface McastQuerier {
  /** Its address; 0.0.0.0 or :: of a bridge that asks without having one, or before anybody has asked. */
  readonly address: string;
  /** Name of the port behind which it is; absent where it is the bridge itself, or the port is gone. */
  readonly port?: string;
  /** Seconds until it is given up, unless it asks again; absent where it is the bridge itself. */
  readonly timer?: number;
}
/** Those of IPv4 (IGMP) and of IPv6 (MLD). */
export interface McastQueriers {
  readonly ipv4?: McastQuerier;
  readonly ipv6?: McastQuerier;
}

type NameOf = (index: number) => string | undefined;

function querier(
  nameOf: NameOf,
  address: string | undefined,
  port: number | undefined,
  timer: bigint | undefined,
): McastQuerier | undefined {
  if (address === undefined) return undefined;
  return {
    address,
    ...(port !== undefined && { port: nameOf(port) ?? `#${port}` }),
    ...(timer !== undefined && { timer: Number(timer) / 100 }),
  };
}

/** In people's words. */
export function queriersFromWire(wire: Out<typeof querierState>, nameOf: NameOf): McastQueriers {
  const ipv4 = querier(nameOf, wire.ipAddress, wire.ipPort, wire.ipOtherTimer);
  const ipv6 = querier(nameOf, wire.ipv6Address, wire.ipv6Port, wire.ipv6OtherTimer);
  return { ...(ipv4 && { ipv4 }), ...(ipv6 && { ipv6 }) };
}
