/** Random routes of both families. Headers (`encap`) are left out: `ip -json` says `dst` twice in one object then. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { canonicalIp, protocols } from "../../lib/families/lookup.ts";
import { canonicalRoute, type Nexthop, type RouteConfig } from "../../lib/routes/words.ts";
import { given, type Scene, sorted } from "../routes/kit.ts";
import { asIp, plain } from "../routes/oracle.ts";
import { asAsked, type Sort, some, upTo, whole } from "./kit.ts";

const TABLES = [100, 1000, 0xffff_ffff];
type Way = Partial<RouteConfig>;

const metrics = {
  mtu: whole(68, 9000),
  advmss: whole(100, 9000),
  window: whole(1000, 100_000),
  rtt: whole(1, 5000).map((milliseconds) => milliseconds / 1000),
  rttvar: whole(1, 5000).map((milliseconds) => milliseconds / 1000),
  rtoMin: whole(1, 5000).map((milliseconds) => milliseconds / 1000),
  ssthresh: whole(1, 1000),
  cwnd: whole(1, 1000),
  initcwnd: whole(1, 1000),
  initrwnd: whole(1, 1000),
  reordering: whole(1, 1000),
  hoplimit: whole(1, 255),
  quickack: fc.boolean(),
};
const always = {
  table: fc.constantFrom(...TABLES),
  protocol: fc.constantFrom("static" as const, "bgp" as const, "linkwright" as const, 200),
};
const maybe = { metric: whole(1, 0x7fff_ffff) };
/** Half of the routes tell the transport protocols nothing. */
const toldBeside = fc.oneof(fc.constant({}), fc.record(metrics, { requiredKeys: [] }));
const NOWHERE: readonly unknown[] = ["blackhole", "unreachable", "prohibit", "throw"];
const nowhere = fc.record({ type: fc.constantFrom(...NOWHERE) }) as fc.Arbitrary<Way>;

const near4 = whole(2, 250).map((host) => `192.0.2.${host}`);
const near6 = whole(2, 0xffff).map((host) => canonicalIp(`2001:db8::${host.toString(16)}`));
const local6 = whole(2, 0xffff).map((host) => canonicalIp(`fe80::${host.toString(16)}`));
const d0 = { dev: fc.constant("d0") };
const onlink = fc.record({ via: fc.constant("203.0.113.9"), ...d0, onlink: fc.constant(true) });
const hops4: fc.Arbitrary<Nexthop> = fc.oneof(
  some({ via: near4 }, { weight: whole(1, 256), ...d0 }),
  some({ via: local6, ...d0 }, { weight: whole(1, 256) }),
  onlink,
);
const hops6: fc.Arbitrary<Nexthop> = some({ via: near6 }, { weight: whole(1, 256), ...d0 });
/** Of IPv6, two ways by the same gateway are one. */
const several = (hops: fc.Arbitrary<Nexthop>): fc.Arbitrary<Way> =>
  fc.uniqueArray(hops, { minLength: 2, maxLength: 4, selector: ({ via }) => via }).map((nexthops) => ({ nexthops }));

const ways4: fc.Arbitrary<Way> = fc.oneof(
  some({ via: near4 }, { ...d0, src: fc.constant("192.0.2.1") }),
  some({ dev: fc.constantFrom("d0", "br0") }, { src: fc.constant("192.0.2.1") }),
  fc.record({ via: local6, ...d0 }),
  onlink,
  several(hops4),
  nowhere,
  fc.record({ type: fc.constantFrom("broadcast", "multicast", "local", "anycast"), ...d0 }) as fc.Arbitrary<Way>,
);
const ways6: fc.Arbitrary<Way> = fc.oneof(
  some({ via: near6 }, { ...d0, src: fc.constant("2001:db8::1") }),
  fc.record({ via: local6, ...d0 }),
  fc.record({ dev: fc.constantFrom("d0", "br0") }),
  several(hops6),
  nowhere,
  fc.record({ type: fc.constantFrom("local", "anycast"), ...d0 }) as fc.Arbitrary<Way>,
);

const networks4 = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(whole(10, 99), whole(0, 255), whole(0, 255)).map(([a, b, c]) => `${a}.${b}.${c}.0/24`),
  },
  fc.constantFrom("default", "10.0.0.0/8", "172.16.0.0/12", "11.1.2.3"),
);
const networks6 = fc.oneof(
  { weight: 9, arbitrary: whole(0x100, 0xffff).map((net) => `2001:db8:${net.toString(16)}::/48`) },
  fc.constantFrom("default", "2001:db8:f000::/36", "2001:db9::1"),
);
/** A type of service whose bits are not for congestion, and for which iproute2 has no name. */
const tos = whole(1, 31).map((half) => (2 * half + 1) << 2);
const inet = fc
  .tuple(some(always, { ...maybe, tos }), networks4, ways4, toldBeside)
  .map(([rest, dst, way, more]): RouteConfig => ({ dst, family: "inet", ...rest, ...way, ...more }));
const inet6 = fc
  .tuple(
    some(always, {
      ...maybe,
      pref: fc.constantFrom("low" as const, "medium" as const, "high" as const),
      expires: whole(1, 1000).map((hundreds) => hundreds * 100),
    }),
    networks6,
    ways6,
    toldBeside,
  )
  .map(([{ expires, pref, ...rest }, dst, way, more]): RouteConfig => {
    const config = { dst, family: "inet6" as const, ...rest, ...way, ...more };
    // Of a route to nowhere, Linux forgets them.
    if (NOWHERE.includes(way.type)) return config;
    return { ...config, ...(expires !== undefined && { expires }), ...(pref !== undefined && { pref }) };
  });

const word = (name: string, value: unknown): string => (value === undefined ? "" : `${name} ${value}`);
const milliseconds = (name: string, seconds: number | undefined): string =>
  word(name, seconds === undefined ? undefined : `${Math.round(seconds * 1000)}ms`);
function wayOf({ via, dev, weight, onlink: there }: Nexthop, wide: boolean): string {
  const family = via?.includes(":") === true && !wide ? "inet6 " : "";
  return [
    word("via", via && `${family}${via}`),
    word("dev", dev),
    word("weight", weight),
    there === true ? "onlink" : "",
  ].join(" ");
}
function line(route: RouteConfig): string {
  const wide = route.family === "inet6";
  // Of a default, ip takes the family of the gateway.
  const dst = route.dst !== "default" ? route.dst : wide ? "::/0" : "0.0.0.0/0";
  return [
    `route add ${route.type ?? "unicast"} ${dst} table ${route.table}`,
    `proto ${protocols.numberOf(route.protocol ?? 0)}`,
    word("tos", route.tos && `0x${route.tos.toString(16)}`),
    word("metric", route.metric),
    word("src", route.src),
    word("pref", route.pref),
    word("expires", route.expires),
    ...(["mtu", "advmss", "window", "ssthresh", "cwnd", "initcwnd", "initrwnd", "reordering", "hoplimit"] as const).map(
      (key) => word(key, route[key]),
    ),
    milliseconds("rtt", route.rtt),
    milliseconds("rttvar", route.rttvar),
    milliseconds("rto_min", route.rtoMin),
    word("quickack", route.quickack === undefined ? undefined : Number(route.quickack)),
    wayOf(route, wide),
    ...(route.nexthops ?? []).map((hop) => `nexthop ${wayOf(hop, wide)}`),
  ].join(" ");
}

export function routesIn({ routes, json }: Scene): Sort<RouteConfig> {
  return {
    name: "routes",
    program: "ip",
    drawn: fc.uniqueArray(fc.oneof(inet, inet6), {
      ...upTo(20),
      selector: ({ dst, family, table }) => `${dst} ${family} ${table}`,
    }),
    write: (config) => routes.create(config),
    lines: (config) => [line(config)],
    async compare(made) {
      const ours = await routes.list({ table: "all" });
      const theirs = [
        ...(await json("ip -4 -json -details route show table all")),
        ...(await json("ip -6 -json -details route show table all")),
      ];
      const inTable = ours.map((one) => ({ ...asIp(one), table: String(one.table) }));
      // Zero means none: ip says it of IPv6 routes of the kernel's own.
      const told = theirs.map(plain).map(({ metric, ...one }) => given({ ...one, metric: metric || undefined }));
      deepEqual(sorted(inTable), sorted(told));
      for (const config of made) {
        const asked = canonicalRoute(config);
        const found = ours.find(
          ({ dst, family, table }) => dst === asked.dst && family === asked.family && table === asked.table,
        );
        asAsked(asked, found, `${asked.dst} in table ${asked.table}`);
      }
    },
    async clear() {
      for (const table of TABLES) await routes.flush({ table });
    },
  };
}
