/** What `ip -json -details route` should tell of a route that we read. */
import type { KnownNexthop, Route } from "../../lib/routes/words.ts";
import { given } from "./kit.ts";

const other = (via: string | undefined, family: string): boolean =>
  via !== undefined && via.includes(":") !== (family === "inet6");

function gateway(via: string | undefined, family: string): object {
  if (via === undefined) return {};
  return other(via, family) ? { via: { family: "inet6", host: via } } : { gateway: via };
}
function flags({ onlink, dead, linkdown }: Partial<KnownNexthop>): string[] {
  return [dead && "dead", onlink && "onlink", linkdown && "linkdown"].filter((word) => typeof word === "string");
}
/** Without what a fraction of 2 loses in one of 10. */
const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Number((seconds * 1000).toFixed(3));
function metrics(one: Route): Record<string, unknown> {
  const locked = (key: keyof Route): unknown => one[key];
  return given({
    mtu: locked("mtu"),
    advmss: one.advmss,
    window: one.window,
    rtt: milliseconds(one.rtt),
    rttvar: milliseconds(one.rttvar),
    rto_min: milliseconds(one.rtoMin),
    ssthresh: one.ssthresh,
    cwnd: one.cwnd,
    initcwnd: one.initcwnd,
    initrwnd: one.initrwnd,
    reordering: one.reordering,
    hoplimit: one.hoplimit,
    features: one.features,
    quickack: one.quickack === undefined ? undefined : Number(one.quickack),
    congctl: one.congctl,
  });
}

/** Seconds that run down between two readings, to the nearest hundred. */
const coarse = (seconds: number | undefined): number | undefined => seconds && Math.round(seconds / 100) * 100;

/** A route of ours as `ip -json -details route` tells it. */
export function asIp(one: Route): Record<string, unknown> {
  const told = metrics(one);
  return given({
    type: one.type,
    dst: one.dst,
    from: one.from,
    tos: one.tos === undefined ? undefined : `0x${one.tos.toString(16).padStart(2, "0")}`,
    ...gateway(one.via, one.family),
    dev: one.dev,
    protocol: one.protocol === "linkwright" ? "139" : String(one.protocol),
    scope: String(one.scope ?? "global"),
    prefsrc: one.src,
    metric: one.metric,
    flags: flags(one),
    metrics: Object.keys(told).length === 0 ? undefined : [told],
    pref: one.pref,
    expires: coarse(one.expires),
    nexthops: one.nexthops?.map(({ via, dev, weight, ...rest }) =>
      given({ ...gateway(via, one.family), dev, weight, flags: flags(rest) }),
    ),
  });
}

/** iproute2 says what is locked in a list beside the numbers; what is locked is compared elsewhere. */
export function plain(one: Record<string, unknown>): Record<string, unknown> {
  const timed = given({ ...one, expires: coarse(one["expires"] as number | undefined) });
  const [told] = (one["metrics"] ?? []) as Record<string, unknown>[];
  if (told === undefined) return timed;
  const known = Object.entries(told).filter(([key]) => key !== "lock" && !key.endsWith("lock"));
  return { ...timed, metrics: [Object.fromEntries(known)] };
}

/** The command that tells a table; one that does not exist is empty. */
export function shown(family: string, table: string | number): string {
  return `told=$(ip ${family} -json -details route show table ${table} 2>/dev/null) && echo "$told" || echo '[]'`;
}
