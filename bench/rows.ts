/** What is measured: the workloads of the design's section on speed. */

/** One workload, done by all who offer it. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** What the programs are told to do. */
  readonly workload: string;
  readonly count: number;
  /** What the floor makes beforehand. */
  readonly before?: string;
  /** Nothing is changed: all contestants of a round read in one namespace. */
  readonly reads?: true;
  /** What the floor counts afterwards. */
  readonly counts?: string;
  /** A shell script that fails where the work was not done. */
  readonly proof?: string;
  /** Whether the whole process counts, from its start to its end. */
  readonly whole?: true;
  /** Whether it is processor time, and objects may be lost. */
  readonly events?: true;
  /** Who takes part; {@link EVERYBODY} where it is not said. */
  readonly only?: readonly string[];
  /** Our program of the wire layer and what it is told, where it is not `ours.js WORKLOAD COUNT`. */
  readonly ours?: readonly string[];
  /** The same of the interface that people use, where it is not `api.js WORKLOAD COUNT`. */
  readonly api?: readonly string[];
  /** Who is 1. */
  readonly base: "floor" | "empty" | "shell";
  /** The most that the design allows, as a multiple of the base; no target where it is not said. */
  readonly most?: number;
}

const STORY = `set -e
cd /proc/sys/net
test "$(cat ipv4/ip_forward ipv4/conf/all/rp_filter ipv4/conf/br0/rp_filter ipv4/conf/br0/proxy_arp ipv6/conf/br0/disable_ipv6 | tr -d '\\n')" = 12211
ip -oneline link show dev vx0 | grep -q 'mtu 1400 .* master br0'
ip -oneline link show dev br0 up | grep -q 'mtu 1400 '
test "$(nft list table ip pf | grep -c ' masquerade$\\| accept$')" = 3
echo '{"ns": 0, "objects": 1}'`;

/** The design says 1,000: but the kernel takes some 20 ms to remove one, and everybody in a row makes the same number. */
const BRIDGES = 200;

const PEERS = ["iproute2", "vishvananda", "rtnetlink", "pyroute2", "netlink", "spawning"] as const;
/** Whoever makes and reads. */
export const EVERYBODY: readonly string[] = ["floor", "again", "ours", "api", ...PEERS];
/** The same, and ours once more in a process that did the same before. */
const WITH_WARM = [...EVERYBODY, "ours-warm", "api-warm"];

export const ROWS: readonly Row[] = [
  {
    id: "bridges-each",
    title: "create bridges, one by one",
    workload: "bridges-each",
    count: BRIDGES,
    counts: "bridges-count",
    ours: ["ours.js", "bridges-each", "COUNT", "inline"],
    only: WITH_WARM,
    base: "floor",
    most: 1.05,
  },
  {
    id: "bridges",
    title: "create bridges, pipelined",
    workload: "bridges",
    count: BRIDGES,
    counts: "bridges-count",
    only: WITH_WARM,
    base: "floor",
    most: 1,
  },
  {
    id: "vxlans",
    title: "VXLAN created, enslaved, up",
    workload: "vxlans",
    count: 1000,
    before: "device-made",
    counts: "vxlans-count",
    only: WITH_WARM,
    base: "floor",
    most: 1.03,
  },
  {
    id: "links-dump",
    title: "dump links, decoded",
    workload: "links-dump",
    count: 2000,
    before: "links-made",
    reads: true,
    only: WITH_WARM,
    base: "floor",
    most: 1.6,
  },
  {
    id: "routes",
    title: "add routes, pipelined",
    workload: "routes",
    count: 100_000,
    before: "device-made",
    counts: "routes-count",
    only: WITH_WARM,
    base: "floor",
    most: 1.1,
  },
  {
    id: "routes-dump",
    title: "dump routes, decoded",
    workload: "routes-dump",
    count: 100_000,
    before: "routes-made",
    reads: true,
    only: WITH_WARM,
    base: "floor",
    most: 1.5,
  },
  {
    id: "entries",
    title: "append FDB entries, pipelined",
    workload: "entries",
    count: 100_000,
    before: "tunnel-made",
    counts: "entries-count",
    only: WITH_WARM,
    base: "floor",
    most: 1.1,
  },
  {
    id: "entries-dump",
    title: "dump FDB entries, decoded",
    workload: "entries-dump",
    count: 100_000,
    before: "entries-made",
    reads: true,
    only: WITH_WARM,
    base: "floor",
    most: 1.05,
  },
  {
    id: "round-trip",
    title: "one request, I/O thread (default)",
    workload: "round-trip",
    count: 5000,
    reads: true,
    only: ["floor", "again", "ours", "api"],
    base: "floor",
    most: 5,
  },
  {
    id: "round-trip-inline",
    title: "one request, calling thread",
    workload: "round-trip",
    count: 5000,
    reads: true,
    only: ["floor", "again", "ours", ...PEERS],
    ours: ["ours.js", "round-trip", "COUNT", "inline"],
    base: "floor",
    most: 1.4,
  },
  {
    id: "events",
    title: "changes received and decoded, processor time",
    workload: "events",
    count: 50_000,
    before: "device-made",
    events: true,
    base: "floor",
    most: 1.5,
  },
  {
    id: "start",
    title: "process start to first link, whole process",
    workload: "bridges-each",
    count: 1,
    counts: "bridges-count",
    whole: true,
    only: ["empty", "api", "vishvananda", "rtnetlink", "pyroute2", "netlink", "spawning"],
    api: ["start.js"],
    base: "empty",
    most: 1.2,
  },
  {
    id: "host",
    title: "the founding story's host in one go",
    workload: "host",
    count: 1,
    proof: STORY,
    only: [...WITH_WARM, "shell"],
    ours: ["host-wire.js"],
    api: ["host.js"],
    base: "floor",
    most: 1.6,
  },
  {
    id: "host-whole",
    title: "the same, whole process",
    workload: "host",
    count: 1,
    proof: STORY,
    whole: true,
    only: ["floor", "ours", "api", ...PEERS, "shell"],
    ours: ["host-wire.js"],
    api: ["host.js"],
    base: "shell",
  },
];
