/** A host as ip, bridge, tc and nft tell of it, who know nothing of us. Two equal lists are the same state. */
import { type Machine, shell } from "./host.ts";

const PROGRAMS: Readonly<Record<string, string>> = {
  link: "ip -json -d link show",
  address: "ip -json address show",
  route: "ip -json -d route show table all",
  route6: "ip -6 -json -d route show table all",
  rule: "ip -json rule show",
  rule6: "ip -6 -json rule show",
  nexthop: "ip -json -d nexthop show",
  label: "ip -json addrlabel list",
  neighbor: "ip -json neighbor show nud permanent",
  proxy: "ip -json neighbor show proxy",
  fdb: "bridge -json -d fdb show",
  vlan: "bridge -json vlan show",
  vni: "bridge -json vni show",
  mdb: "bridge -json -d mdb show",
  qdisc: "tc -json -d qdisc show",
  ruleset: "nft -j list ruleset",
};
const SYSCTLS = "/proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward";

/** What differs from one look to the next although nobody changes anything, and numbers that come again with new objects. */
const VOLATILE = new Set([
  ...[
    "ifindex",
    "link_index",
    "operstate",
    "qdisc",
    "promiscuity",
    "allmulti",
    "flags",
    "handle",
    "no",
    "id",
    "refcnt",
  ],
  ...["root_id", "bridge_id", "root_port", "root_path_cost", "topology_change", "topology_change_detected"],
  ...["hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "designated_port", "designated_cost"],
  ...["designated_bridge", "designated_root", "hold_timer", "message_age_timer", "forward_delay_timer"],
  ...["topology_change_ack", "config_pending", "valid_life_time", "preferred_life_time", "timer", "index", "state"],
  ...["gso_max_size", "gso_max_segs", "tso_max_size", "tso_max_segs", "metainfo", "tentative", "direct_packets_stat"],
]);
/** Of some entries, and of what a kind of link is told, it is one that somebody chose; ports of bridges are numbered. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  nexthop: ["id"],
  ruleset: ["index"],
  info_data: ["id"],
  fdb: ["state"],
};
/** What the kernel finds out of links by itself; the rest of `flags` says how they are configured. */
const FOUND_OUT = ["LOWER_UP", "NO-CARRIER", "M-DOWN", "linkdown", "dead", "offload"];
const DEFAULT_QUEUES = ["noqueue", "pfifo_fast", "noop", "mq"];

type Told = Readonly<Record<string, unknown>>;

/** What somebody configured, and not what the kernel made of it or learned. */
function isConfigured(sort: string, one: Told): boolean {
  const { protocol, mac = "", kind, state, local = "" } = one as Readonly<Record<string, string | undefined>>;
  // Nobody here gives a link such an address; of who made it an older ip says nothing.
  if (local.startsWith("fe80:")) return false;
  if (sort.startsWith("route") || sort.startsWith("address")) return protocol !== "kernel" && protocol !== "kernel_ll";
  if (sort === "fdb") return state === "permanent" || state === "static" ? !/^(33:33:|01:00:5e:)/.test(mac) : false;
  return sort !== "qdisc" || !DEFAULT_QUEUES.includes(String(kind));
}

function plain(sort: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => plain(sort, one));
  if (typeof value !== "object" || value === null) return value;
  const all = Object.entries(value).flatMap(([key, one]): [string, unknown][] => {
    if (key === "flags" && Array.isArray(one)) return [[key, one.filter((flag) => !FOUND_OUT.includes(flag)).sort()]];
    const within = Object.hasOwn(KEPT, key) ? key : sort;
    return VOLATILE.has(key) && KEPT[sort]?.includes(key) !== true ? [] : [[key, plain(within, one)]];
  });
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Addresses stand below their links, multicast groups below their bridges, rules below what nft says of itself. */
function flat(sort: string, value: unknown): Told[] {
  const list = (Array.isArray(value) ? value : ((value as Told)["nftables"] ?? [])) as Told[];
  if (sort === "address")
    return list.flatMap(({ ifname, addr_info = [] }) => (addr_info as Told[]).map((one) => ({ ifname, ...one })));
  if (sort === "mdb") return list.flatMap(({ mdb = [] }) => mdb as Told[]).filter(({ state }) => state === "permanent");
  return list;
}

/** Everything that a host is configured to. */
export async function toldByOthers(on: Machine): Promise<readonly string[]> {
  const asked = Object.entries(PROGRAMS).map(
    // A pipe would hide that the command failed, or is not there.
    ([sort, command]) => `told=$(${command}); printf '%s ' ${sort}; printf %s "$told" | tr -d '\n'; echo`,
  );
  const script = `${asked.join("\n")}\ngrep -rs . ${SYSCTLS} | grep -v stable_secret`;
  const lines = (await shell(on, script)).split("\n");
  return lines
    .flatMap((text) => {
      const [, sort = "", json = ""] = /^(\w+) (.*)$/.exec(text) ?? [];
      if (PROGRAMS[sort] === undefined) return [text];
      const all = flat(sort, JSON.parse(json.trim() || "[]")).filter((one) => isConfigured(sort, one));
      return all.map((one) => `${sort} ${JSON.stringify(plain(sort, one))}`);
    })
    .sort();
}
