/** What is tried of traffic control: queues, classes, filters and their actions. */
import type { TcFilter } from "../../lib/index.ts";
import { type Change, set, type Tries, type Words } from "./kit.ts";

const as = <T>(words: Words): T => words as T;
const all = (words: Words, more: Omit<Change, "to"> = {}): Tries["words"] =>
  Object.assign({}, ...Object.entries(words).map(([word, value]) => set(word, value, more)));
const inLink = (words: object): object => ({ links: { d0: words } });
const without = ({ dev: _, ...words }: Words): Words => words;

function queue(kind: string, base: Words, words: Tries["words"]): Tries {
  return {
    kind: `qdisc:${kind}`,
    elsewhere: true,
    object: "qdisc",
    base: { kind, dev: "d0", handle: "1:", ...base },
    words,
    shown: "tc -details qdisc show dev d0",
    list: async (host) => (await host.qdiscs.list({ dev: "d0" })).filter((one) => one.kind === kind),
    remove: (host) => host.qdiscs.delete({ dev: "d0" }),
    make: (host, one) => host.qdiscs.create(as(one)),
    change: (host, _, to) => host.qdiscs.change(as({ kind, dev: "d0", ...to })),
    document: (one) => inLink({ qdisc: without(one) }),
  };
}
const QUEUES: readonly Tries[] = [
  queue(
    "netem",
    { delay: 0.1 },
    {
      ...all({
        limit: 500,
        delay: 0.2,
        jitter: 0.01,
        loss: 5,
        duplicate: 5,
        corrupt: 5,
        reorder: 5,
        rate: 1e6,
        ecn: true,
      }),
      ...set("delayCorrelation", 25, { with: { jitter: 0.01 } }),
      ...set("lossCorrelation", 25, { with: { loss: 5 } }),
      ...set("duplicateCorrelation", 25, { with: { duplicate: 5 } }),
      ...set("corruptCorrelation", 25, { with: { corrupt: 5 } }),
      ...set("reorderCorrelation", 25, { with: { reorder: 5 } }),
      ...set("gap", 5, { with: { reorder: 5 } }),
      ...set("lossState", { p13: 5, p31: 95 }),
      ...set("lossGemodel", { p: 5, r: 95 }),
      ...set("packetOverhead", 5, { with: { rate: 1e6 } }),
      ...set("cellSize", 48, { with: { rate: 1e6 } }),
      ...set("cellOverhead", 5, { with: { rate: 1e6, cellSize: 48 } }),
      ...set("slot", { min: 0.001, max: 0.002, packets: 5 }, { unseen: true }),
      ...set("seed", 7n, { since: [6, 6], unseen: true }),
    },
  ),
  queue(
    "tbf",
    { rate: 8e6, burst: 16_000, limit: 50_000, peakrate: 16e6, mtu: 2000 },
    {
      ...all({
        rate: 4e6,
        burst: 32_000,
        limit: 60_000,
        peakrate: 32e6,
        mtu: 4000,
        mpu: 64,
        overhead: 4,
        linklayer: "atm",
      }),
    },
  ),
  queue("htb", { default: 0x10 }, all({ default: 0x20, r2q: 20, directQlen: 99, offload: true })),
  queue("prio", { bands: 3 }, all({ bands: 4, priomap: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0] })),
  queue("pfifo", { limit: 7 }, set("limit", 9)),
  queue("bfifo", { limit: 7000 }, set("limit", 9000)),
  queue(
    "fq_codel",
    { ceThreshold: 0.002 },
    {
      ...all({ target: 0.01, limit: 500, interval: 0.2, ecn: false, flows: 256, quantum: 300, dropBatch: 32 }),
      ...all({ ceThreshold: 0.004, memoryLimit: 1 << 20 }),
      ceThresholdSelector: { to: { ceThreshold: 0.002, ceThresholdSelector: 1, ceThresholdMask: 3 } },
      ceThresholdMask: {
        to: { ceThreshold: 0.002, ceThresholdMask: 7 },
        with: { ceThresholdSelector: 1, ceThresholdMask: 3 },
      },
    },
  ),
  queue(
    "fq",
    {},
    {
      ...all({
        limit: 500,
        flowLimit: 50,
        quantum: 5000,
        initialQuantum: 50_000,
        pacing: false,
        maxrate: 1e6,
        buckets: 256,
      }),
      ...all({ refillDelay: 0.1, orphanMask: 511, lowRateThreshold: 1e6, ceThreshold: 0.004, timerSlack: 0.002 }),
      ...all({ horizon: 5, horizonDrop: false }),
      ...all(
        { priomap: Array.from({ length: 16 }, () => 1), weights: [20_000, 30_000, 40_000] },
        { since: [6, 7], unseen: true },
      ),
      ...set("offloadHorizon", 0.001, { since: [6, 13], unseen: true }),
    },
  ),
];

const CLASSES: Tries = {
  kind: "class:htb",
  object: "class",
  base: {
    kind: "htb",
    dev: "d0",
    classid: "1:10",
    rate: 1e6,
    ceil: 2e6,
    burst: 3000,
    cburst: 3000,
    prio: 1,
    quantum: 2000,
  },
  words: {
    ...set("classid", "1:20"),
    ...all({
      rate: 5e5,
      ceil: 4e6,
      burst: 6000,
      cburst: 6000,
      prio: 2,
      quantum: 3000,
      mpu: 64,
      overhead: 4,
      linklayer: "atm",
    }),
  },
  first: "tc qdisc add dev d0 root handle 1: htb 2>/dev/null || true",
  shown: "tc -details class show dev d0",
  list: async (host) => (await host.qdiscs.classes.list({ dev: "d0" })).filter((one) => one.kind === "htb"),
  remove: (host, { dev, classid }) => host.qdiscs.classes.delete(as({ dev, classid })),
  make: (host, one) => host.qdiscs.classes.create(as(one)),
  change: ({ qdiscs: { classes } }, one, to) =>
    "classid" in to ? classes.replace(as(one)) : classes.change(as({ ...to, kind: "htb", dev: "d0", classid: "1:10" })),
  document: (one) => inLink({ qdisc: { kind: "htb", handle: "1:" }, classes: [without(one)] }),
};

const PASS = [{ kind: "gact", control: "pass" }];
const PLACE = ["dev", "parent", "pref", "protocol", "handle", "chain"] as const;
function filter(kind: string, name: string, base: Words, words: Tries["words"]): Tries {
  return {
    kind: name,
    object: "filter",
    base: { kind, dev: "d0", parent: "ingress", pref: 5, handle: 1, actions: PASS, ...base },
    words,
    first: "tc qdisc add dev d0 clsact 2>/dev/null || true",
    shown: "tc -details filter show dev d0 ingress",
    list: async (host) => {
      const told: readonly TcFilter[] = await host.qdiscs.filters.list({ dev: "d0", parent: "ingress" });
      return told.filter((one) => one.kind === kind && (kind !== "u32" || "match" in one));
    },
    remove: (host, { dev, parent, pref }) => host.qdiscs.filters.delete(as({ dev, parent, pref })),
    make: (host, one) => host.qdiscs.filters.create(as(one)),
    change: (host, one, to) =>
      host.qdiscs.filters.change(as({ kind, ...Object.fromEntries(PLACE.map((key) => [key, one[key]])), ...to })),
    document: (one) => inLink({ queues: [{ kind: "clsact" }], filters: [without(one)] }),
  };
}
/** A flower filter for packets of a protocol, from one value of each word to another: Linux changes no mask. */
const flower = (protocol: string, from: Words, to: Words, beside: Words = {}): Tries["words"] =>
  Object.assign(
    {},
    ...Object.keys(to).map((word) => set(word, to[word], { with: { protocol, ...beside, [word]: from[word] } })),
  );
const geneve = (data: string) => [{ class: 0x102, type: 0x80, data }];
const label = (last: string): string => `0102030405060708090a0b0c0d0e0f${last}`;
const [MAC6, MAC7] = ["02:00:00:00:00:06", "02:00:00:00:00:07"];
const [IP6, IP7] = ["192.0.2.6", "192.0.2.7"];
const FLOWER = filter(
  "flower",
  "filter:flower",
  { protocol: "ip" },
  {
    ...all({ classid: "1:5", skipHw: true, skipSw: true }),
    ...flower("ip", { dstMac: MAC6, srcMac: MAC6, ipProto: "udp" }, { dstMac: MAC7, srcMac: MAC7, ipProto: "tcp" }),
    ...flower("ip", { srcIp: IP6, dstIp: IP6, ipTos: 8, ipTtl: 8 }, { srcIp: IP7, dstIp: IP7, ipTos: 4, ipTtl: 9 }),
    ...flower("ip", { indev: "e0", ipFlags: "-frag" }, { indev: "d1", ipFlags: "+frag" }),
    ...flower("802.1Q", { vlanId: 4, vlanPrio: 2, vlanEthtype: "ip" }, { vlanId: 5, vlanPrio: 3, vlanEthtype: "ipv6" }),
    ...flower(
      "802.1ad",
      { cvlanId: 4, cvlanPrio: 2, cvlanEthtype: "ipv6" },
      { cvlanId: 5, cvlanPrio: 3, cvlanEthtype: "ip" },
      { vlanEthtype: "802.1Q" },
    ),
    ...flower(
      "ip",
      { srcPort: 81, dstPort: 81, tcpFlags: 1 },
      { srcPort: 80, dstPort: 80, tcpFlags: 2 },
      { ipProto: "tcp" },
    ),
    ...flower("ip", { icmpType: 0, icmpCode: 2 }, { icmpType: 8, icmpCode: 1 }, { ipProto: "icmp" }),
    ...flower("arp", { arpSip: IP6, arpTip: IP6, arpOp: 2 }, { arpSip: IP7, arpTip: IP7, arpOp: 1 }),
    ...flower(
      "ip",
      { encKeyId: 38, encSrcIp: IP6, encDstIp: IP6, encSrcPort: 6, encDstPort: 6081, encTos: 8, encTtl: 8 },
      { encKeyId: 39, encSrcIp: IP7, encDstIp: IP7, encSrcPort: 7, encDstPort: 4789, encTos: 4, encTtl: 9 },
    ),
    ...flower(
      "ip",
      { geneveOpts: geneve("0000000b"), vxlanOpts: { gbp: 6 } },
      { geneveOpts: geneve("0000000a"), vxlanOpts: { gbp: 7 } },
    ),
    ...flower(
      "ip",
      { erspanOpts: { version: 1, index: 6 }, gtpOpts: { pduType: 1, qfi: 6 } },
      { erspanOpts: { version: 1, index: 7 }, gtpOpts: { pduType: 1, qfi: 7 } },
    ),
    ...flower(
      "mpls_uc",
      { mplsLabel: 4, mplsTc: 2, mplsBos: false, mplsTtl: 8, mpls: [{ depth: 1, label: 15 }] },
      { mplsLabel: 5, mplsTc: 3, mplsBos: true, mplsTtl: 9, mpls: [{ depth: 1, label: 16 }] },
    ),
    ...flower(
      "ip",
      { ctState: "-trk", ctZone: 6, ctMark: 6, ctLabel: label("11") },
      { ctState: "+trk", ctZone: 7, ctMark: 7, ctLabel: label("10") },
    ),
    actions: { to: { actions: [{ kind: "gact", control: "drop" }] } },
  },
);
const POLICE = { kind: "police", rate: 1e6, burst: 10_000, exceed: "drop", conform: "pipe" };
const PACKETS = { kind: "police", packetRate: 1000, packetBurst: 100, exceed: "drop" };
const MIRRED = { kind: "mirred", mode: "mirror", direction: "egress", dev: "d1", control: "pipe" };
/** One word of an action after the other. */
const action = (base: Words, words: Words): Tries["words"] =>
  Object.fromEntries(
    Object.entries(words).map(([word, value]) => [
      word,
      { to: { actions: [{ ...base, [word]: value }] }, with: { actions: [base] } },
    ]),
  );
const FILTERS: readonly Tries[] = [
  FLOWER,
  filter(
    "matchall",
    "filter:matchall",
    {},
    {
      ...all({ classid: "1:5", skipHw: true, skipSw: true }),
      actions: { to: { actions: [{ kind: "gact", control: "drop" }] } },
    },
  ),
  filter(
    "u32",
    "filter:u32",
    { handle: undefined, protocol: "ip", match: [{ value: 6, mask: 255, at: 8 }] },
    {
      ...all({ classid: "1:5", indev: "d1", skipHw: true, skipSw: true }),
      match: { to: { match: [{ value: 7, mask: 255, at: 8 }] } },
      actions: { to: { actions: [{ kind: "gact", control: "drop" }] } },
    },
  ),
  filter(
    "flower",
    "action:gact",
    { protocol: "ip" },
    {
      ...action(
        { kind: "gact", control: "pass" },
        { control: "drop", random: { type: "determ", control: "drop", value: 5 } },
      ),
    },
  ),
  filter(
    "flower",
    "action:mirred",
    { protocol: "ip" },
    action(MIRRED, { mode: "redirect", direction: "ingress", dev: "e0", control: "pass" }),
  ),
  filter(
    "flower",
    "action:police",
    { protocol: "ip" },
    {
      ...action(POLICE, {
        rate: 2e6,
        burst: 20_000,
        mtu: 3000,
        overhead: 4,
        mpu: 64,
        linklayer: "atm",
        exceed: "pass",
        conform: "drop",
      }),
      ...action(PACKETS, { packetRate: 2000, packetBurst: 200 }),
    },
  ),
];

export const TRAFFIC: readonly Tries[] = [...QUEUES, CLASSES, ...FILTERS];
