/** What `tc -json -s -d` should tell of a qdisc or filter that we read, key by key. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { QdiscStatistics, TcAction, TcFilter } from "../../lib/index.ts";
import type { Qdisc } from "../../lib/qdiscs/words.ts";

type Told = Readonly<Record<string, unknown>>;
type Table = Readonly<Record<string, (ours: Told, theirs: unknown) => unknown>>;
const part = (percent: unknown): number => ((percent as number | undefined) ?? 0) / 100;
const octets = (bits: unknown): number => (bits as number) / 8;
const micro = (seconds: unknown): number => (seconds as number) * 1e6;
const moving = (_: Told, theirs: unknown): unknown => theirs;
const chance = (key: string) => (q: Told) => ({ [key]: part(q[key]), correlation: part(q[`${key}Correlation`]) });
const parts = (model: unknown): object =>
  Object.fromEntries(Object.entries(model as object).map(([key, value]) => [key, part(value)]));
const LIMIT: Table = { limit: (q) => q["limit"] };
const PRIO: Table = { bands: (q) => q["bands"], priomap: (q) => q["priomap"], multiqueue: moving };
/** `5Kb/1` */
function size(text: string): number {
  const unit = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[/[kmg]/i.exec(text)?.[0].toLowerCase() ?? ""] ?? 1;
  return Number.parseFloat(text) * unit;
}
/** `tc` works in microseconds, in which a fast link sends many bytes. */
const burst =
  (key: string, rate: string) =>
  (q: Told, theirs: unknown): unknown => {
    const [bytes, bits] = [size(String(theirs)), (q[rate] as number | undefined) ?? 8];
    ok(Math.abs(((q[key] as number | undefined) ?? 0) - bytes) <= bits / 8e6 + 1, `${key}: ${q[key]}, tc ${bytes}`);
    return theirs;
  };

const QDISCS: Readonly<Record<string, Table>> = {
  netem: {
    ...LIMIT,
    delay: (q) => ({ delay: q["delay"], jitter: q["jitter"] ?? 0, correlation: part(q["delayCorrelation"]) }),
    "loss-random": chance("loss"),
    "loss-state": (q) => parts(q["lossState"]),
    "loss-gemodel": (q) => parts(q["lossGemodel"]),
    duplicate: chance("duplicate"),
    corrupt: chance("corrupt"),
    reorder: chance("reorder"),
    gap: (q) => q["gap"] ?? 0,
    rate: (q) => ({
      rate: octets(q["rate"]),
      packetoverhead: q["packetOverhead"] ?? 0,
      cellsize: q["cellSize"] ?? 0,
      celloverhead: q["cellOverhead"] ?? 0,
    }),
    ecn: (q) => q["ecn"] ?? false,
    slot: (q) => {
      const { min, max, delay, jitter, packets = 0, bytes = 0 } = q["slot"] as Record<string, number>;
      return jitter === undefined
        ? { "min-delay": min, "max-delay": max, packets, bytes }
        : { distribution: { delay, jitter }, packets, bytes };
    },
  },
  tbf: {
    rate: (q) => octets(q["rate"]),
    peakrate: (q) => octets(q["peakrate"]),
    burst: burst("burst", "rate"),
    mtu: burst("mtu", "peakrate"),
    mpu: (q) => q["mpu"] ?? 0,
    lat: moving,
    limit: (q) => q["limit"],
    overhead: (q) => q["overhead"],
    linklayer: (q) => q["linklayer"] ?? "ethernet",
  },
  htb: {
    r2q: (q) => q["r2q"],
    default: (q) => (q["default"] === 0 ? "0" : `0x${(q["default"] as number).toString(16)}`),
    // tc looks later: what has passed by then cannot be fewer.
    direct_packets_stat: (q, theirs) => Math.max(q["directPackets"] as number, theirs as number),
    ver: moving,
    direct_qlen: (q) => q["directQlen"],
    offload: (q) => (q["offload"] === true ? null : undefined),
  },
  fq_codel: {
    ...LIMIT,
    flows: (q) => q["flows"],
    quantum: (q) => q["quantum"],
    target: (q) => micro(q["target"]),
    interval: (q) => micro(q["interval"]),
    ce_threshold: (q) => micro(q["ceThreshold"]),
    ce_threshold_selector: (q) => q["ceThresholdSelector"],
    memory_limit: (q) => q["memoryLimit"],
    drop_batch: (q) => q["dropBatch"],
    ecn: (q) => q["ecn"],
  },
  fq: {
    ...LIMIT,
    flow_limit: (q) => q["flowLimit"],
    buckets: (q) => q["buckets"],
    orphan_mask: (q) => q["orphanMask"],
    pacing: (q) => q["pacing"],
    quantum: (q) => q["quantum"],
    initial_quantum: (q) => q["initialQuantum"],
    maxrate: (q) => octets(q["maxrate"]),
    low_rate_threshold: (q) => octets(q["lowRateThreshold"]),
    refill_delay: (q) => micro(q["refillDelay"]),
    ce_threshold: (q) => micro(q["ceThreshold"]),
    timer_slack: (q) => (q["timerSlack"] as number) * 1e9,
    horizon: (q) => micro(q["horizon"]),
    horizon_drop: (q) => (q["horizonDrop"] === true ? null : undefined),
    horizon_cap: (q) => (q["horizonDrop"] === false ? null : undefined),
  },
  pfifo: LIMIT,
  bfifo: LIMIT,
  prio: PRIO,
  pfifo_fast: PRIO,
  noqueue: {},
  ingress: {},
  clsact: {},
  mq: {},
};

/** The same, but for what floating point and six printed digits leave over. */
function near(ours: unknown, theirs: unknown, what: string): void {
  if (typeof ours === "number" && typeof theirs === "number") {
    ok(Math.abs(ours - theirs) <= 1e-5 * Math.max(Math.abs(theirs), 1e-4), `${what}: ${ours}, tc ${theirs}`);
  } else if (typeof ours === "object" && typeof theirs === "object" && ours !== null && theirs !== null) {
    deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort(), what);
    for (const [key, value] of Object.entries(ours)) near(value, (theirs as Told)[key], `${what}.${key}`);
  } else deepEqual(ours, theirs, what);
}

function compare(table: Table, ours: Told, theirs: Told, what: string): number {
  for (const [key, value] of Object.entries(theirs)) {
    const read = table[key];
    ok(read, `${what}: tc tells ${key}, which is not compared`);
    near(read(ours, value), value, `${what}.${key}`);
  }
  return Object.keys(theirs).length;
}

const COUNTERS = ["bytes", "packets", "drops", "overlimits", "requeues", "backlog", "qlen"] as const;
/** Counters move between two readings, and do not go back. */
function counters(ours: QdiscStatistics | undefined, theirs: Told, what: string): void {
  for (const key of ["drops", "overlimits", "requeues"] as const) equal(typeof ours?.[key], typeof theirs[key], what);
  for (const key of ["bytes", "packets"] as const) {
    const [mine, tcs] = [ours?.[key] ?? -1, theirs[key] as number];
    ok(mine >= 0 && mine <= tcs, `${what}: ${key} ${mine}, tc later ${tcs}`);
  }
}

/** Compares everything that `tc` tells of qdiscs, in the same order; returns how many values these are. */
export function agreeOnQdiscs(ours: readonly Qdisc[], theirs: readonly Told[]): number {
  const place = ({ kind, handle, parent }: Qdisc): object => ({
    kind: kind.replace("#", ""),
    handle,
    ...(parent === "root" ? { root: true } : { parent: parent === "ingress" ? "ffff:fff1" : parent }),
  });
  deepEqual(
    ours.map(place),
    theirs.map(({ kind, handle, root, parent }) => (root === true ? { kind, handle, root } : { kind, handle, parent })),
  );
  return ours.reduce<number>((sum, one, i) => {
    const told = theirs[i] as Told;
    counters(one.statistics, told, one.kind);
    const table = QDISCS[one.kind];
    return table === undefined ? sum : sum + compare(table, one as unknown as Told, told["options"] as Told, one.kind);
  }, COUNTERS.length);
}

const ETHER: Readonly<Record<string, string>> = { ip: "ipv4", mpls_uc: "8847", mpls_mc: "8848" };
const etherType = (word: unknown): unknown => ETHER[String(word)] ?? word;
/** Numbers with masks are printed in several ways; compared as numbers. */
const masked =
  (key: string) =>
  (f: Told, theirs: unknown): unknown => {
    const of = f[key] as number | { value: number; mask: number };
    const given =
      typeof theirs === "number"
        ? [theirs]
        : String(theirs)
            .split("/")
            .map((text) => Number.parseInt(text, /^0x/.test(String(theirs)) ? 16 : 10));
    deepEqual(typeof of === "number" ? of : of.value, given[0], key);
    if (typeof of === "object") equal(given.length, 2, `${key} has a mask`);
    return theirs;
  };
const ports = (key: string) => (f: Told) => {
  const of = f[key] as number | { min: number; max: number };
  return typeof of === "number" ? of : { start: of.min, end: of.max };
};
/** A number and its mask. */
function halves(of: unknown, all = 0xffff_ffff): readonly [value: number, mask: number] {
  if (typeof of !== "object" || of === null) return of === undefined ? [0, 0] : [of as number, all];
  const { value, mask } = of as { value: number; mask: number };
  return [value, mask];
}
function geneve({ class: number, type, data }: Told, part: 0 | 1): object {
  const [bytes = "", mask = "f".repeat(bytes.length)] = String(data).split("/");
  return {
    class: halves(number, 0xffff)[part],
    type: halves(type, 0xff)[part],
    data: [...Buffer.from([bytes, mask][part] ?? "", "hex")],
  };
}
function erspan({ version, index, dir, hwid }: Told, part: 0 | 1): object {
  const direction = dir === undefined ? undefined : ["ingress", "egress"].indexOf(String(dir));
  return {
    ver: version,
    index: halves(index)[part],
    dir: halves(direction, 1)[part],
    hwid: halves(hwid, 63)[part],
  };
}
const KEYS: Table = {
  eth_type: (f) => etherType(f["cvlanEthtype"] ?? f["vlanEthtype"] ?? f["protocol"]),
  vlan_id: (f) => f["vlanId"],
  vlan_prio: (f) => f["vlanPrio"],
  vlan_ethtype: (f) => etherType(f["vlanEthtype"]),
  dst_mac: (f) => f["dstMac"],
  src_mac: (f) => f["srcMac"],
  ip_proto: (f) => f["ipProto"],
  src_ip: (f) => f["srcIp"],
  dst_ip: (f) => f["dstIp"],
  ip_tos: masked("ipTos"),
  ip_ttl: masked("ipTtl"),
  ip_flags: (f) => ({ [String(f["ipFlags"]).slice(1)]: String(f["ipFlags"]).startsWith("+") }),
  src_port: ports("srcPort"),
  dst_port: ports("dstPort"),
  tcp_flags: masked("tcpFlags"),
  icmp_type: masked("icmpType"),
  icmp_code: masked("icmpCode"),
  arp_tip: (f) => f["arpTip"],
  arp_sip: (f) => f["arpSip"],
  arp_op: (f) => ["", "request", "reply"][f["arpOp"] as number],
  enc_key_id: (f) => f["encKeyId"],
  enc_src_ip: (f) => f["encSrcIp"],
  enc_dst_ip: (f) => f["encDstIp"],
  enc_dst_port: (f) => f["encDstPort"],
  enc_src_port: (f) => f["encSrcPort"],
  enc_tos: masked("encTos"),
  enc_ttl: masked("encTtl"),
  ct_state: (f, theirs) => {
    const flags = (text: unknown): string[] => (String(text).match(/[+-][a-z]+/g) ?? []).sort();
    deepEqual(flags(f["ctState"]), flags(theirs));
    return theirs;
  },
  ct_zone: masked("ctZone"),
  ct_mark: (f) => halves(f["ctMark"])[0],
  ct_mark_mask: (f) => halves(f["ctMark"])[1]?.toString(16),
  ct_label: (f) => f["ctLabel"],
  mpls_label: (f) => f["mplsLabel"],
  mpls_tc: (f) => String(f["mplsTc"]),
  mpls_bos: (f) => String(Number(f["mplsBos"])),
  mpls_ttl: (f) => String(f["mplsTtl"]),
  mpls: (f) =>
    (f["mpls"] as Told[]).map((one) => (one["bos"] === undefined ? one : { ...one, bos: Number(one["bos"]) })),
  geneve_opt_key: (f) => (f["geneveOpts"] as Told[]).map((one) => geneve(one, 0)),
  geneve_opt_mask: (f) => (f["geneveOpts"] as Told[]).map((one) => geneve(one, 1)),
  vxlan_opt_key: (f) => [{ gbp: halves((f["vxlanOpts"] as Told)["gbp"])[0] }],
  vxlan_opt_mask: (f) => [{ gbp: halves((f["vxlanOpts"] as Told)["gbp"], 0x48_ffff)[1] }],
  erspan_opt_key: (f) => [erspan(f["erspanOpts"] as Told, 0)],
  erspan_opt_mask: (f) => [erspan(f["erspanOpts"] as Told, 1)],
};

const verdict = (control: unknown): unknown =>
  typeof control === "object" && control !== null
    ? { type: "goto", chain: Object.values(control)[0] }
    : { type: control };
const ACTIONS: Readonly<Record<string, Table>> = {
  gact: {
    control_action: (a) => verdict(a["control"]),
    prob: (a) => {
      const {
        type,
        control = "pass",
        value,
      } = (a["random"] ?? {}) as { type?: string; control?: string; value?: number };
      return { random_type: type ?? "none", control_action: verdict(control), val: value ?? 0 };
    },
  },
  mirred: {
    mirred_action: (a) => a["mode"],
    direction: (a) => a["direction"],
    to_dev: (a) => a["dev"],
    control_action: (a) => verdict(a["control"]),
  },
  police: {
    // In JSON the second of two overwrites the first.
    control_action: (a) => verdict(a["conform"] ?? a["exceed"]),
    overhead: (a) => a["overhead"] ?? 0,
    linklayer: (a) => a["linklayer"] ?? "ethernet",
  },
};
const BESIDE = new Set(["order", "kind", "index", "ref", "bind", "installed", "last_used", "first_used", "stats"]);

function agreeOnAction(ours: TcAction, theirs: Told): number {
  equal(ours.kind.replace("#", ""), theirs["kind"]);
  equal(ours.index, theirs["index"]);
  counters(ours.statistics, theirs["stats"] as Told, ours.kind);
  const table = ACTIONS[ours.kind];
  const own = Object.fromEntries(Object.entries(theirs).filter(([key]) => !BESIDE.has(key)));
  return table === undefined ? 1 : compare(table, ours as unknown as Told, own, ours.kind);
}

const FILTER: Table = {
  handle: (f) => f["handle"],
  fh: (f) => f["handle"],
  keys: moving,
  actions: moving,
  flowid: (f) => f["classid"],
  classid: (f) => f["classid"],
  key_ht: (f) => String(f["ht"]).split(":")[0],
  ht_divisor: (f) => f["divisor"],
  skip_hw: (f) => f["skipHw"],
  match: (f, theirs) => {
    // Of several, JSON keeps the last.
    const { value, mask, at } = (f["match"] as { value: number; mask: number; at: number }[]).at(-1) ?? { at: 0 };
    const hex = (number = 0): string => number.toString(16);
    return { ...(theirs as object), value: hex(value), mask: hex(mask), off: at };
  },
  bkt: moving,
  order: moving,
  not_in_hw: moving,
  rule_hit: moving,
  success: moving,
  indev: (f) => f["indev"],
};

/** Compares everything that `tc` tells of filters, in the same order; returns how many values these are. */
export function agreeOnFilters(ours: readonly TcFilter[], all: readonly Told[]): number {
  const theirs = all.filter(({ options }) => options !== undefined);
  const name = ({ kind, pref, protocol, chain }: Told): object => ({
    kind: String(kind).replace("#", ""),
    pref,
    protocol: String(protocol).toLowerCase(),
    chain,
  });
  deepEqual(
    ours.map((one) => name(one as unknown as Told)),
    theirs.map(name),
  );
  return ours.reduce((sum, one, i) => {
    const { keys = {}, actions = [], ...rest } = (theirs[i]?.["options"] ?? {}) as Told & { actions?: Told[] };
    const filter = one as unknown as Told;
    equal(one.actions?.length ?? 0, actions.length, "actions");
    const acted = actions.reduce((n, action, k) => n + agreeOnAction(one.actions?.[k] as TcAction, action), 0);
    return sum + acted + compare(KEYS, filter, keys as Told, one.kind) + compare(FILTER, filter, rest, one.kind);
  }, 0);
}
