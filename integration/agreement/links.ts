/**
 * Random links. What is drawn is what iproute2 has words for: for each option its values, where the option's own shape
 * says too little, and how `ip` says it.
 */
import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { differences } from "../../lib/links/differences.ts";
import { type KindName, kindNamed } from "../../lib/links/kinds/index.ts";
import type { Options } from "../../lib/links/option.ts";
import { portOptions } from "../../lib/links/ports/bridge.ts";
import { checkConfig, type LinkConfig } from "../../lib/links/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { valuesOf } from "../../test/links/arbitrary.ts";
import { isTooNew, type Scene } from "../links/kit.ts";
import { agree } from "../links/oracle.ts";
import { hosts4, hosts6, macs, type Sort, upTo, whole } from "./kit.ts";

/** All links that are drawn, so that one request deletes them. */
const GROUP = 77;
const SWITCH = "br0";
/** Pairs of links that others stand on: some kinds take one for themselves. */
const PAIRS = ["under", "ipl2"];
/** What others refer to, and a bridge for ports. */
export const UNDER = `for name in ${PAIRS.join(" ")}; do ip link add $name type veth peer name \${name}1
ip link set $name up; ip link set \${name}1 up; done
ip link add name ${SWITCH} type bridge; ip link set ${SWITCH} up`;

/** How `ip` says a value. */
type Say = (value: never) => string;
/** How it is said, and what values it may have, where that is less than what its shape accepts. */
type Word = Say | readonly [say: Say, drawn: fc.Arbitrary<unknown>];

const plain =
  (word: string): Say =>
  (value: unknown) =>
    `${word} ${value}`;
const hex =
  (word: string): Say =>
  (value: number | string) =>
    `${word} ${typeof value === "number" ? `0x${value.toString(16)}` : value}`;
const digit =
  (word: string): Say =>
  (value: boolean) =>
    `${word} ${value ? 1 : 0}`;
const onOff =
  (word: string): Say =>
  (value: boolean) =>
    `${word} ${value ? "on" : "off"}`;
const orNo =
  (word: string): Say =>
  (value: boolean) =>
    value ? word : `no${word}`;
/** A word that can only be said, and not denied. */
const only =
  (word: string): Say =>
  (value: boolean) =>
    value ? word : "";
const hundredths =
  (word: string): Say =>
  (seconds: number) =>
    `${word} ${Math.round(seconds * 100)}`;
const pairs =
  (word: string): Say =>
  (map: Readonly<Record<string, number>>) =>
    Object.keys(map).length === 0
      ? ""
      : `${word} ${Object.entries(map)
          .map(([from, to]) => `${from}:${to}`)
          .join(" ")}`;

const seconds = (least: number, most: number): fc.Arbitrary<number> =>
  whole(least * 100, most * 100).map((hundreds) => hundreds / 100);
const under = fc.constant("under");
const ttl = fc.oneof(whole(1, 255), fc.constant("inherit"));

/** Options that every link has, said when it is made. */
const MADE = {
  mtu: [plain("mtu"), whole(1280, 1400)],
  txqlen: [plain("txqueuelen"), whole(0, 100_000)],
} as const satisfies Readonly<Record<string, Word>>;
/** The same, said afterwards. */
const LATER = {
  alias: [plain("alias"), fc.stringMatching(/^[A-Za-z0-9._:é-]{1,60}$/)],
  addrGenMode: [plain("addrgenmode"), fc.constantFrom("eui64", "none", "random")],
  arp: onOff("arp"),
  multicast: onOff("multicast"),
  allmulticast: onOff("allmulticast"),
  promisc: onOff("promisc"),
} as const satisfies Readonly<Record<string, Word>>;
/** Options of links that carry Ethernet frames. */
const FRAMES = {
  mac: [plain("address"), macs],
  numTxQueues: [plain("numtxqueues"), whole(1, 8)],
} as const satisfies Readonly<Record<string, Word>>;

/** Options of a port of a bridge. */
const PORT = {
  priority: plain("priority"),
  cost: plain("cost"),
  hairpin: onOff("hairpin"),
  guard: onOff("guard"),
  rootBlock: onOff("root_block"),
  fastLeave: onOff("fastleave"),
  learning: onOff("learning"),
  flood: onOff("flood"),
  mcastFlood: onOff("mcast_flood"),
  bcastFlood: onOff("bcast_flood"),
  mcastToUnicast: onOff("mcast_to_unicast"),
  mcastRouter: [plain("mcast_router"), whole(0, 2)],
  proxyArp: onOff("proxy_arp"),
  proxyArpWifi: onOff("proxy_arp_wifi"),
  neighSuppress: onOff("neigh_suppress"),
  vlanTunnel: onOff("vlan_tunnel"),
  isolated: onOff("isolated"),
  locked: onOff("locked"),
  groupFwdMask: [hex("group_fwd_mask"), whole(0, 0x1fff).map((bits) => bits << 3)],
} as const satisfies Readonly<Record<string, Word>>;

interface Drawn {
  /** Options that are always drawn. */
  readonly always?: readonly string[];
  readonly options: Readonly<Record<string, Word>>;
  /** Options of every link that this one takes. */
  readonly more?: Readonly<Record<string, Word>>;
  /** Another set of options to draw from. */
  readonly or?: readonly Omit<Drawn, "or">[];
}

const ends = (hosts: fc.Arbitrary<string>) =>
  ({
    remote: [plain("remote"), hosts],
    local: [plain("local"), hosts],
    dev: [plain("dev"), under],
  }) as const;
const V4 = {
  ...ends(hosts4),
  ttl: [plain("ttl"), ttl],
  tos: hex("tos"),
  pmtudisc: orNo("pmtudisc"),
  fwmark: plain("fwmark"),
} as const;
const V6 = {
  ...ends(hosts6),
  ttl: [plain("hoplimit"), whole(1, 255)],
  encaplimit: plain("encaplimit"),
  tclass: hex("tclass"),
  flowlabel: hex("flowlabel"),
  dscp: (value: string) => (value === "inherit" ? "dscp inherit" : ""),
  allowLocalremote: orNo("allow-localremote"),
  fwmark: plain("fwmark"),
} as const;
const KEYS = { ikey: plain("ikey"), okey: plain("okey") };
const GRE = { ...KEYS, iseq: orNo("iseq"), oseq: orNo("oseq"), icsum: orNo("icsum"), ocsum: orNo("ocsum") };
const VXLAN = {
  vni: plain("id"),
  dstport: plain("dstport"),
  srcport: [
    ({ low, high }: { low: number; high: number }) => `srcport ${low} ${high}`,
    fc.tuple(whole(1, 0x7fff), whole(0x8000, 0xffff)).map(([low, high]) => ({ low, high })),
  ],
  ttl: plain("ttl"),
  tos: hex("tos"),
  df: plain("df"),
  ageing: plain("ageing"),
  limit: plain("maxaddress"),
  learning: orNo("learning"),
  proxy: orNo("proxy"),
  rsc: orNo("rsc"),
  l2miss: orNo("l2miss"),
  l3miss: orNo("l3miss"),
  udpCsum: orNo("udpcsum"),
  udp6ZeroCsumTx: orNo("udp6zerocsumtx"),
  udp6ZeroCsumRx: orNo("udp6zerocsumrx"),
  remoteCsumTx: orNo("remcsumtx"),
  remoteCsumRx: orNo("remcsumrx"),
  gbp: only("gbp"),
} as const satisfies Readonly<Record<string, Word>>;
const GENEVE = {
  vni: plain("id"),
  dstport: plain("dstport"),
  ttl: plain("ttl"),
  tos: hex("tos"),
  df: plain("df"),
} as const;
const interval = seconds(1, 1000);
const MACVLAN: Drawn = {
  always: ["dev", "mode"],
  options: {
    dev: [() => "", under],
    mode: [plain("mode"), fc.constantFrom("private", "vepa", "bridge", "source")],
    bcqueuelen: plain("bcqueuelen"),
  },
  more: { mac: FRAMES.mac },
};
/** Both are of all links on the same one. */
const onIpvlan = (dev: string, mode: string, flags: string): Omit<Drawn, "or"> => ({
  always: ["dev", "mode", "flags"],
  options: {
    dev: [() => "", fc.constant(dev)],
    mode: [plain("mode"), fc.constant(mode)],
    flags: [String, fc.constant(flags)],
  },
});
const IPVLAN: Drawn = { ...onIpvlan("ipl2", "l2", "bridge"), or: [onIpvlan("ipl21", "l3", "private")] };
const ERSPAN = {
  ...ends(hosts4),
  ttl: [plain("ttl"), ttl],
  tos: hex("tos"),
  ikey: plain("ikey"),
  okey: plain("okey"),
} as const;
/** Sessions have ten bits. */
const SESSION = { okey: [plain("okey"), whole(1, 0x3ff)], ikey: [plain("ikey"), whole(0, 0x3ff)] } as const;

/**
 * What is drawn of each kind, but of hsr, whose ports are for one alone, and of macsec, of which Linux refuses most sets;
 * of bridges that filter VLANs for themselves, as not every kernel has these.
 */
const KINDS: { readonly [K in KindName]?: Drawn } & { readonly "bridge of VLANs": Drawn } = {
  vxlan: {
    always: ["vni", "dstport"],
    options: { ...VXLAN, ...ends(hosts4) },
    more: FRAMES,
    or: [
      {
        always: ["vni", "dstport", "remote"],
        options: { ...VXLAN, ...ends(hosts6), label: plain("flowlabel") },
        more: FRAMES,
      },
      {
        always: ["external", "dstport"],
        options: {
          external: [orNo("external"), fc.constant(true)],
          vnifilter: orNo("vnifilter"),
          dstport: plain("dstport"),
        },
        more: FRAMES,
      },
    ],
  },
  bridge: {
    options: {
      forwardDelay: [hundredths("forward_delay"), seconds(2, 30)],
      hello: [hundredths("hello_time"), seconds(1, 10)],
      maxAge: [hundredths("max_age"), seconds(6, 40)],
      ageing: [hundredths("ageing_time"), seconds(0, 10_000)],
      stp: digit("stp_state"),
      priority: plain("priority"),
      groupFwdMask: [hex("group_fwd_mask"), whole(0, 0x1fff).map((bits) => bits << 3)],
      groupAddress: [plain("group_address"), fc.constantFrom("01:80:c2:00:00:00", "01:80:c2:00:00:0e")],
      mcastRouter: plain("mcast_router"),
      mcastSnooping: digit("mcast_snooping"),
      mcastQueryUseIfaddr: digit("mcast_query_use_ifaddr"),
      mcastQuerier: digit("mcast_querier"),
      mcastHashMax: [plain("mcast_hash_max"), whole(0, 16).map((power) => 2 ** power)],
      mcastLastMemberCount: [plain("mcast_last_member_count"), whole(0, 100)],
      mcastStartupQueryCount: [plain("mcast_startup_query_count"), whole(0, 100)],
      mcastLastMemberInterval: [hundredths("mcast_last_member_interval"), interval],
      mcastMembershipInterval: [hundredths("mcast_membership_interval"), interval],
      mcastQuerierInterval: [hundredths("mcast_querier_interval"), interval],
      mcastQueryInterval: [hundredths("mcast_query_interval"), interval],
      mcastQueryResponseInterval: [hundredths("mcast_query_response_interval"), interval],
      mcastStartupQueryInterval: [hundredths("mcast_startup_query_interval"), interval],
      mcastStats: digit("mcast_stats_enabled"),
      mcastIgmpVersion: plain("mcast_igmp_version"),
      mcastMldVersion: plain("mcast_mld_version"),
      noLinklocalLearn: digit("no_linklocal_learn"),
    },
    more: { mac: FRAMES.mac },
  },
  veth: { options: {}, more: FRAMES },
  ifb: { options: {}, more: FRAMES },
  dummy: { options: {}, more: FRAMES },
  gre: { options: { ...V4, ...GRE, ignoreDf: orNo("ignore-df") } },
  gretap: { always: ["remote"], options: { ...V4, ...GRE }, more: FRAMES },
  ipip: { options: { ...V4, mode: plain("mode") } },
  sit: { options: { ...V4, mode: plain("mode") } },
  vti: { options: { ...ends(hosts4), ...KEYS, fwmark: plain("fwmark") } },
  ip6gre: { options: { ...V6, ...GRE } },
  ip6gretap: { always: ["remote"], options: { ...V6, ...GRE }, more: FRAMES },
  ip6tnl: { options: { ...V6, mode: plain("mode") } },
  vti6: { options: { ...ends(hosts6), ...KEYS, fwmark: plain("fwmark") } },
  xfrm: { always: ["ifId"], options: { ifId: plain("if_id"), dev: [plain("dev"), under] } },
  geneve: {
    always: ["vni", "remote"],
    options: { ...GENEVE, udpCsum: orNo("udpcsum"), remote: [plain("remote"), hosts4] },
    more: FRAMES,
    or: [
      {
        always: ["vni", "remote"],
        options: {
          ...GENEVE,
          remote: [plain("remote"), hosts6],
          label: plain("flowlabel"),
          udp6ZeroCsumTx: orNo("udp6zerocsumtx"),
          udp6ZeroCsumRx: orNo("udp6zerocsumrx"),
        },
        more: FRAMES,
      },
    ],
  },
  vlan: {
    always: ["dev", "id"],
    options: {
      dev: [() => "", under],
      id: plain("id"),
      protocol: plain("protocol"),
      reorderHdr: onOff("reorder_hdr"),
      gvrp: onOff("gvrp"),
      mvrp: onOff("mvrp"),
      looseBinding: onOff("loose_binding"),
      ingressQosMap: [pairs("ingress-qos-map"), fc.dictionary(whole(0, 7).map(String), whole(1, 0xffff))],
      egressQosMap: [pairs("egress-qos-map"), fc.dictionary(whole(0, 0xffff).map(String), whole(1, 7))],
    },
    more: { mac: FRAMES.mac },
  },
  macvlan: MACVLAN,
  macvtap: MACVLAN,
  ipvlan: IPVLAN,
  ipvtap: IPVLAN,
  nlmon: { options: {} },
  vcan: { options: {}, more: { mtu: [plain("mtu"), fc.constantFrom(16, 72, 2060)] } },
  wireguard: { options: {} },
  tun: {
    always: ["mode"],
    options: {
      mode: plain("mode"),
      owner: [plain("user"), whole(60_000, 60_010)],
      ownerGroup: [plain("group"), whole(60_000, 60_010)],
      pi: only("pi"),
      vnetHdr: only("vnet_hdr"),
      multiQueue: only("multi_queue"),
    },
  },
  erspan: {
    always: ["okey", "remote", "erspanVer"],
    options: { ...ERSPAN, ...SESSION, erspanVer: [plain("seq erspan_ver"), fc.constant(1)], erspan: plain("erspan") },
    more: FRAMES,
    or: [
      {
        always: ["okey", "remote", "erspanVer"],
        options: {
          ...ERSPAN,
          ...SESSION,
          erspanVer: [plain("seq erspan_ver"), fc.constant(2)],
          erspanDir: plain("erspan_dir"),
          erspanHwid: plain("erspan_hwid"),
        },
        more: FRAMES,
      },
    ],
  },
  "bridge of VLANs": {
    always: ["vlanFiltering"],
    options: {
      vlanFiltering: digit("vlan_filtering"),
      vlanProtocol: plain("vlan_protocol"),
      vlanDefaultPvid: plain("vlan_default_pvid"),
      vlanStats: digit("vlan_stats_enabled"),
      vlanStatsPerPort: digit("vlan_stats_per_port"),
      mcastVlanSnooping: digit("mcast_vlan_snooping"),
    },
    more: { mac: FRAMES.mac },
  },
  vrf: { always: ["table"], options: { table: plain("table") } },
  bond: {
    always: ["mode"],
    options: {
      mode: plain("mode"),
      miimon: [plain("miimon"), whole(1, 1000)],
      resendIgmp: plain("resend_igmp"),
      numGratArp: plain("num_grat_arp"),
      allSlavesActive: digit("all_slaves_active"),
      minLinks: plain("min_links"),
      lpInterval: plain("lp_interval"),
      xmitHashPolicy: [plain("xmit_hash_policy"), fc.constantFrom("layer2", "layer3+4", "layer2+3", "encap2+3")],
      failOverMac: plain("fail_over_mac"),
      primaryReselect: plain("primary_reselect"),
    },
    more: { mac: FRAMES.mac },
    or: [
      {
        always: ["mode"],
        options: {
          mode: [plain("mode"), fc.constant("802.3ad")],
          lacpRate: plain("lacp_rate"),
          adSelect: [plain("ad_select"), fc.constantFrom("stable", "bandwidth", "count")],
          adUserPortKey: plain("ad_user_port_key"),
          adActorSysPrio: plain("ad_actor_sys_prio"),
          adActorSystem: [plain("ad_actor_system"), macs],
          minLinks: plain("min_links"),
        },
      },
    ],
  },
};

/** What is drawn alone. */
export type LinkSort = keyof typeof KINDS;
export const SORTS = Object.keys(KINDS) as LinkSort[];
const kindOf = (sort: LinkSort): KindName => (sort === "bridge of VLANs" ? "bridge" : sort);
/** The sets of options that are drawn from. */
const drawnAs = (sort: LinkSort): Omit<Drawn, "or">[] => {
  const { or = [], ...first } = KINDS[sort] as Drawn;
  return [first, ...or];
};

/** The words of a kind, whichever set of options was drawn. */
const wordsOf = (kind: string): Readonly<Record<string, Word>> =>
  Object.assign(
    {},
    ...SORTS.filter((sort) => kindOf(sort) === kind)
      .flatMap(drawnAs)
      .map(({ options }) => options),
  );
/** Kinds whose link below stands before their name. */
const BELOW: ReadonlySet<string> = new Set<KindName>(["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"]);
/** Kinds without a hardware address. */
const BARE: ReadonlySet<string> = new Set<KindName>(["xfrm", "wireguard"]);
const sayOf = (word: Word): Say => (typeof word === "function" ? word : word[0]);

function valuesFor(
  words: Readonly<Record<string, Word>>,
  options: Options = {},
): Record<string, fc.Arbitrary<unknown>> {
  const values = Object.entries(words).map(([key, word]) => {
    const shape = options[key]?.shape;
    const drawn = typeof word === "function" ? (shape === undefined ? fc.boolean() : valuesOf(shape)) : word[1];
    return [key, drawn] as const;
  });
  return Object.fromEntries(values);
}
/** A port of the bridge, or none. */
const port = fc.oneof(
  fc.constant({}),
  fc.record(valuesFor(PORT, portOptions), { requiredKeys: [] }).map((options) => ({ master: SWITCH, port: options })),
);
function drawnOf(kind: KindName, { always = [], options, more = {} }: Omit<Drawn, "or">): fc.Arbitrary<object> {
  const values = valuesFor({ ...options, ...MADE, ...LATER, ...more }, kindNamed(kind)?.options);
  const fixed = { kind: fc.constant(kind), up: fc.boolean() };
  const alone = fc.record({ ...fixed, ...values }, { requiredKeys: ["kind", ...always] as never[] });
  if (more !== FRAMES) return alone;
  return fc.tuple(alone, port).map(([config, options]) => ({ ...config, ...options }));
}
const altnames = fc.array(fc.stringMatching(/^[a-z0-9.:é-]{1,90}$/), { maxLength: 2 });

/** What good options may not be together. */
interface Doubtful {
  readonly kind?: string;
  readonly mode?: unknown;
  readonly arp?: boolean;
  readonly vlanFiltering?: boolean;
  readonly mcastVlanSnooping?: boolean;
  readonly addrGenMode?: string;
  readonly pmtudisc?: boolean;
  readonly ttl?: unknown;
}
/** Whether the configuration passes our check, and means the same to the kernel and to iproute2. */
function isGood(config: object): boolean {
  try {
    checkConfig({ name: "t", ...config } as LinkConfig);
    const { vlanFiltering, mcastVlanSnooping, arp } = config as Doubtful;
    const { kind = "", mode, addrGenMode, pmtudisc, ttl: hops = "inherit" } = config as Doubtful;
    // Where there is no hardware address, Linux takes another way when the link is switched on.
    if ((BARE.has(kind) || mode === "tun") && addrGenMode === "eui64") return false;
    // There is no IPv6 on such a bus; and whether there is ARP its mode says, each time that it is switched on.
    if (kind === "vcan" && addrGenMode !== undefined) return false;
    if (["ipvlan", "ipvtap"].includes(kind) && arp !== undefined) return false;
    if (vlanFiltering === false && mcastVlanSnooping === true) return false;
    // ip refuses both together.
    return pmtudisc !== false || hops === "inherit";
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Why this kernel cannot make such links; undefined where it can. */
export async function lacking({ links, sh }: Scene, sort: LinkSort): Promise<string | undefined> {
  const kind = kindOf(sort);
  const [config] = fc.sample(drawnOf(kind, KINDS[sort] as Drawn).filter(isGood), 1) as [LinkConfig];
  try {
    await links.create({ ...config, name: "probe", group: GROUP });
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    const { code, attribute, request } = error;
    const absent = code === "EOPNOTSUPP" && (attribute === "kind" || sort === "bridge of VLANs");
    if (absent || (kind === "tun" && ["ENOENT", "ENODEV"].includes(code))) return error.reason ?? `${request}: ${code}`;
  }
  await sh(`ip link delete group ${GROUP} 2>/dev/null || true`);
  return undefined;
}

/** What this kernel can make. */
export async function sortsHere(here: Scene): Promise<LinkSort[]> {
  const present: LinkSort[] = [];
  for (const sort of SORTS) if ((await lacking(here, sort)) === undefined) present.push(sort);
  return present;
}

/** What is said of the options that a configuration has; nothing where it has none. */
function said(before: string, words: Readonly<Record<string, Word>>, config: object = {}): string[] {
  const parts = Object.entries(words).flatMap(([key, word]) => {
    const value = (config as Readonly<Record<string, unknown>>)[key];
    return value === undefined ? [] : [sayOf(word)(value as never)];
  });
  return parts.length === 0 ? [] : [`${before} ${parts.join(" ")}`];
}
function lines(config: LinkConfig): string[] {
  const { name, kind, altnames: names = [], up, master } = config;
  const below = BELOW.has(kind) ? `link ${(config as { readonly dev?: string }).dev}` : "";
  // The kernel takes the MTU of a bridge only afterwards.
  const { mtu, ...rest } = { ...FRAMES, ...MADE };
  const [first, later] = kind === "bridge" ? [rest, { ...LATER, mtu }] : [{ ...rest, mtu }, LATER];
  const [made = `link add ${below} name ${name}`] = said(`link add ${below} name ${name}`, first, config);
  const [typed = `type ${kind}`] = said(`type ${kind}`, wordsOf(kind), config);
  const set = `link set dev ${name}`;
  const inGroup = `${set} group ${GROUP}`;
  const [grouped = inGroup] = said(inGroup, MADE, config);
  return [
    ...(kind === "tun"
      ? [`tuntap add dev ${name} ${typed.replace(`type ${kind}`, "")}`, grouped]
      : [`${made} group ${GROUP} ${typed}`]),
    ...said(set, later, config),
    ...names.map((one) => `link property add dev ${name} altname ${one}`),
    ...(typeof master === "string" ? [`${set} master ${master}`] : []),
    ...said(`${set} type bridge_slave`, PORT, config.port),
    ...(up === undefined ? [] : [`${set} ${up ? "up" : "down"}`]),
  ];
}

export function linksIn({ links, sh }: Scene, sorts: readonly LinkSort[]): Sort<LinkConfig> {
  const one = fc.oneof(
    ...sorts.flatMap((sort) => {
      const kind = kindOf(sort);
      // A bridge takes 16 ms to delete.
      return drawnAs(sort).map((drawn) => ({
        weight: kind === "bridge" ? 1 : 3,
        arbitrary: fc.tuple(drawnOf(kind, drawn).filter(isGood), altnames),
      }));
    }),
  );
  const named = ([config, names]: readonly [object, readonly string[]], i: number): LinkConfig =>
    ({
      ...config,
      name: `t${i}`,
      group: GROUP,
      altnames: [...new Set(names)].map((word) => `t${i}-${word}`),
    }) as unknown as LinkConfig;
  return {
    name: "links",
    program: "ip",
    drawn: fc.array(one, upTo(20)).map((list) => list.map(named)),
    write: (config) => links.create(config),
    lines,
    async compare(made) {
      const before = await links.list();
      const theirs = JSON.parse(await sh("ip -json -d link show")) as (Readonly<Record<string, unknown>> & {
        readonly ifname: string;
      })[];
      const ours = await links.list();
      const state = (list: typeof ours): string[] => list.map(({ name, operstate }) => `${name} ${operstate}`);
      deepEqual(state(before), state(ours));
      deepEqual(
        ours.map(({ name }) => name),
        theirs.map(({ ifname }) => ifname),
      );
      for (const [i, link] of ours.entries()) agree(link, theirs[i] as never);
      for (const config of made) {
        const link = ours.find(({ name }) => name === config.name);
        ok(link, `${config.name} is not there`);
        deepEqual(
          differences(config, link).filter(({ key }) => !isTooNew(key)),
          [],
        );
      }
    },
    clear: async () => void (await sh(`ip link delete group ${GROUP} 2>/dev/null || true`)),
  };
}
