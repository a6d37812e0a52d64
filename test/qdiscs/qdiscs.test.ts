import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { RTM_NEWQDISC, RTM_NEWTCLASS } from "../../lib/families/tc.ts";
import { actionList } from "../../lib/qdiscs/action.ts";
import { control, controlNumber, controlOf } from "../../lib/qdiscs/control.ts";
import { tableOf } from "../../lib/qdiscs/distribution.ts";
import { encOpts, mplsOpts } from "../../lib/qdiscs/filters/options.ts";
import { handleNumber, handleText } from "../../lib/qdiscs/handle.ts";
import type { AnyKind } from "../../lib/qdiscs/kind.ts";
import { netemAttributes } from "../../lib/qdiscs/kinds/netem.ts";
import { fractionOf, percentOf } from "../../lib/qdiscs/percent.ts";
import { burstBytes, burstTicks } from "../../lib/qdiscs/rate.ts";
import { isKnown } from "../../lib/qdiscs/retold.ts";
import {
  classTable,
  filterTable,
  newclass,
  newfilter,
  newqdisc,
  qdiscAttributes,
  qdiscTable,
  type TcMessage,
} from "../../lib/qdiscs/schema.ts";
import { stats } from "../../lib/qdiscs/statistics.ts";
import {
  changed,
  checkConfig,
  classFromWire,
  classSort,
  configToWire,
  filterFromWire,
  filterSort,
  qdiscFromWire,
  qdiscSort,
  type Sort,
} from "../../lib/qdiscs/words.ts";
import { type AnySchema, NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { indexIn, NAMES } from "../addresses/attributes.ts";
import { capture } from "../fixtures.ts";
import { compare, header } from "../headers.ts";
import { firstTryCounts, skip } from "../needs.ts";

type Told = Readonly<Record<string, unknown>>;
const nameOf = (index: number): string => NAMES.get(index) ?? `#${index}`;

/** What a message tells, and its body again as we would write it. */
function decoded(whole: Uint8Array): { readonly told: Told; readonly wire: object; readonly again: Uint8Array } {
  const from = new Reader(new Uint8Array(whole));
  const type = from.u16[2];
  const [message, words] =
    type === RTM_NEWQDISC
      ? ([newqdisc, qdiscFromWire] as const)
      : type === RTM_NEWTCLASS
        ? ([newclass, classFromWire] as const)
        : ([newfilter, filterFromWire] as const);
  const value = message.body.read(from, NLMSG_HDRLEN, whole.length);
  const out = new Writer();
  message.body.write(out, value);
  const { wire, statistics: _, ...told } = words(value, nameOf) as unknown as Told;
  return { told, wire: wire as object, again: out.finish() };
}
/** The words of a message in one order, without the mark of a nest, which some have and others not. */
function bare(bytes: Uint8Array): number[] {
  return [...new Reader(new Uint8Array(bytes)).u32].map((word) => word & 0x7fff_ffff).sort((a, b) => a - b);
}

function unknownIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, part]) => [...(key.startsWith("#") ? [key] : []), ...unknownIn(part)]);
}
function withoutCounters(actions: unknown): unknown {
  return (actions as Told[] | undefined)?.map(({ statistics, index: _, ...rest }) => {
    ok(statistics !== undefined, "an action has counters");
    return rest;
  });
}

const root = { dev: "d0", parent: "root", handle: "1:" };
const QDISCS: Readonly<Record<string, object>> = {
  "netem-delay": {
    ...root,
    kind: "netem",
    limit: 5000,
    delay: 0.1,
    jitter: 0.01,
    delayCorrelation: 25,
    loss: 1.5,
    lossCorrelation: 3,
    duplicate: 2,
    duplicateCorrelation: 4,
    corrupt: 0.1,
    corruptCorrelation: 5,
    reorder: 25,
    reorderCorrelation: 50,
    gap: 5,
  },
  "netem-rate": {
    ...root,
    kind: "netem",
    limit: 1000,
    loss: 1,
    rate: 1_000_000,
    packetOverhead: -5,
    cellSize: 10,
    cellOverhead: 2,
    ecn: true,
    slot: { min: 0.001, max: 0.002, packets: 5, bytes: 6000 },
  },
  "netem-fast": { ...root, kind: "netem", limit: 1000, rate: 80e9, slot: { delay: 0.0008, jitter: 0.0001 } },
  "netem-gemodel": { ...root, kind: "netem", limit: 1000, lossGemodel: { p: 1, r: 20, "1-h": 90, "1-k": 0.1 } },
  "netem-state": { ...root, kind: "netem", limit: 1000, lossState: { p13: 1, p31: 20, p32: 2, p23: 90, p14: 3 } },
  tbf: { ...root, kind: "tbf", rate: 1_000_000, burst: 5120, limit: 10_240, peakrate: 2_000_000, mtu: 2000 },
  // The kernel's tick is 640 bytes long at this rate.
  "tbf-fast": { ...root, kind: "tbf", rate: 80e9, burst: 1_048_320, limit: 10_485_760 },
  htb: { ...root, kind: "htb", default: 0x10, r2q: 20, directQlen: 99, directPackets: 0 },
  "fq-codel": {
    ...root,
    kind: "fq_codel",
    // The kernel counts in 1024 ns.
    target: 0.009_999,
    limit: 500,
    interval: 0.199_999,
    ecn: false,
    flows: 256,
    quantum: 1514,
    ceThreshold: 0.003_999,
    dropBatch: 32,
    memoryLimit: 1_048_576,
    ceThresholdSelector: 0,
    ceThresholdMask: 0,
  },
  fq: {
    ...root,
    kind: "fq",
    limit: 500,
    flowLimit: 50,
    quantum: 3000,
    initialQuantum: 15_000,
    pacing: false,
    maxrate: 1_000_000,
    buckets: 256,
    // The kernel counts these in its own clock, of 250 Hz here.
    refillDelay: 0.052,
    orphanMask: 255,
    lowRateThreshold: 80_000,
    ceThreshold: 0.002,
    timerSlack: 0.000_02,
    horizon: 5,
    horizonDrop: false,
  },
  pfifo: { ...root, kind: "pfifo", limit: 7 },
  bfifo: { ...root, kind: "bfifo", limit: 7000 },
  prio: { ...root, kind: "prio", bands: 4, priomap: [3, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] },
  "pfifo-fast": { ...root, kind: "pfifo_fast", bands: 3, priomap: [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1] },
  noqueue: { ...root, handle: "8001:", kind: "noqueue" },
  ingress: { dev: "d0", parent: "ingress", handle: "ffff:", kind: "ingress" },
  clsact: { dev: "d0", parent: "ingress", handle: "ffff:", kind: "clsact", ingressBlock: 22, egressBlock: 23 },
};
const PASS = {
  dev: "d0",
  parent: "ingress",
  pref: 9,
  protocol: "ip",
  chain: 0,
  handle: 1,
  kind: "flower",
  actions: [{ kind: "gact", control: "pass" }],
};
const FILTERS: Readonly<Record<string, object>> = {
  "flower-ip": {
    dev: "d0",
    parent: "ingress",
    pref: 7,
    protocol: "ip",
    chain: 3,
    handle: 9,
    kind: "flower",
    dstMac: "01:00:00:00:00:00/01:00:00:00:00:00",
    srcMac: "02:00:00:00:00:01",
    ipProto: "tcp",
    srcIp: "10.0.0.0/8",
    dstIp: "192.0.2.1",
    ipTos: { value: 0x10, mask: 0xfc },
    ipTtl: 64,
    ipFlags: "-frag",
    srcPort: { min: 1000, max: 2000 },
    dstPort: 80,
    tcpFlags: { value: 2, mask: 0x12 },
    skipHw: true,
    actions: [{ kind: "gact", control: "drop" }],
  },
  "flower-vlan": {
    dev: "d0",
    parent: "ingress",
    pref: 8,
    protocol: "802.1Q",
    chain: 0,
    handle: 1,
    kind: "flower",
    vlanId: 5,
    vlanPrio: 3,
    vlanEthtype: "ipv6",
    ipProto: "icmpv6",
    srcIp: "2001:db8::/32",
    icmpType: 128,
    icmpCode: 0,
    actions: [
      { kind: "police", rate: 1_000_000, burst: 10_240, mtu: 3000, exceed: "drop", conform: "pipe" },
      { kind: "mirred", mode: "mirror", direction: "egress", dev: "d1", control: "pipe" },
    ],
  },
  "flower-tunnel": {
    dev: "d0",
    parent: "egress",
    pref: 9,
    protocol: "ip",
    chain: 0,
    handle: 1,
    kind: "flower",
    encKeyId: 39,
    encSrcIp: "192.0.2.0/24",
    encDstIp: "192.0.2.1",
    encDstPort: 4789,
    encTos: 4,
    encTtl: 64,
    ctState: "-new+est+trk",
    ctZone: 5,
    ctMark: { value: 7, mask: 15 },
    actions: [{ kind: "gact", control: { goto: 5 } }],
  },
  "flower-arp": {
    dev: "d0",
    parent: "ingress",
    pref: 9,
    protocol: "arp",
    chain: 0,
    handle: 1,
    kind: "flower",
    arpTip: "192.0.2.0/24",
    arpOp: 1,
    actions: [{ kind: "mirred", mode: "redirect", direction: "ingress", dev: "d1", control: "stolen" }],
  },
  "flower-mpls": { ...PASS, protocol: "mpls_uc", mplsLabel: 5, mplsTc: 3, mplsBos: true, mplsTtl: 64 },
  "flower-mpls-stack": {
    ...PASS,
    protocol: "mpls_mc",
    mpls: [
      { depth: 1, label: 1_048_575 },
      { depth: 2, ttl: 3, tc: 2, bos: true },
    ],
  },
  "flower-ct": {
    ...PASS,
    ctState: "+rel+trk-inv",
    ctZone: { value: 5, mask: 255 },
    ctMark: 7,
    ctLabel: "0102030405060708090a0b0c0d0e0f10/ff00000000000000000000000000000f",
  },
  "flower-enc-ipv6": {
    ...PASS,
    encKeyId: 39,
    encSrcIp: "2001:db8::/32",
    encDstIp: "2001:db8::1",
    encDstPort: 6081,
  },
  "flower-geneve": {
    ...PASS,
    encKeyId: 39,
    encDstPort: 6081,
    geneveOpts: [
      { class: 0x102, type: 0x80, data: "0000000a0000000b" },
      { class: 0x103, type: 0x81, data: "0c0d0e0f" },
    ],
  },
  "flower-geneve-mask": {
    ...PASS,
    encKeyId: 39,
    encDstPort: 6081,
    geneveOpts: [{ class: 0x102, type: { value: 0x80, mask: 0x7f }, data: "0000000a0000000b/ffffffff00000000" }],
  },
  "flower-vxlan": { ...PASS, encKeyId: 39, encDstPort: 4789, vxlanOpts: { gbp: { value: 114, mask: 255 } } },
  "flower-erspan-1": { ...PASS, encKeyId: 39, erspanOpts: { version: 1, index: 42 } },
  "flower-erspan-2": {
    ...PASS,
    encKeyId: 39,
    erspanOpts: { version: 2, dir: "egress", hwid: { value: 63, mask: 15 } },
  },
  "flower-gtp": {
    ...PASS,
    encKeyId: 39,
    encDstPort: 2152,
    gtpOpts: { pduType: 1, qfi: { value: 8, mask: 63 } },
  },
  "flower-sctp": {
    ...PASS,
    protocol: "ip",
    ipProto: "sctp",
    srcPort: 1,
    dstPort: 2,
    actions: [{ kind: "police", mtu: 0xffff_ffff, packetRate: 1000, packetBurst: 10, exceed: "drop" }],
  },
  "flower-icmp": { ...PASS, protocol: "ip", ipProto: "icmp", icmpType: 8, icmpCode: 0 },
  "flower-cvlan": {
    ...{ ...PASS, protocol: "802.1ad", vlanId: 5, vlanEthtype: "802.1Q" },
    ...{ cvlanId: 6, cvlanPrio: 3, cvlanEthtype: "ip" },
  },
  "matchall-class": {
    ...{ dev: "d0", parent: "ingress", pref: 10, protocol: "all", chain: 0, handle: 1 },
    ...{ kind: "matchall", classid: "1:2" },
  },
  matchall: {
    dev: "d0",
    parent: "egress",
    pref: 10,
    protocol: "all",
    chain: 0,
    handle: 1,
    kind: "matchall",
    actions: [{ kind: "gact", control: "pass", random: { type: "determ", control: "drop", value: 5 } }],
  },
  u32: {
    dev: "d0",
    parent: "1:",
    pref: 5,
    protocol: "ip",
    chain: 0,
    handle: "800::800",
    kind: "u32",
    match: [
      { value: 0xc000_0200, mask: 0xffff_ff00, at: 16 },
      { value: 80, mask: 0xffff, at: 20 },
    ],
    classid: "1:10",
    ht: "800:",
  },
};

const TBF = { kind: "tbf", dev: "d0", rate: 1e6, burst: 1600, limit: 5000 };
const NETEM = { kind: "netem", dev: "d0" };
const FLOWER = { kind: "flower", dev: "d0", protocol: "ip" };
const U32 = { kind: "u32", dev: "d0" };
const REFUSED: readonly (readonly [sort: Sort, config: unknown, message: RegExp])[] = [
  [qdiscSort, { dev: "d0" }, /^kind: missing; expected one of netem, tbf/],
  [qdiscSort, { kind: "netme", dev: "d0" }, /^kind: unknown kind "netme"; did you mean netem\?/],
  [qdiscSort, { kind: "constructor", dev: "d0" }, /^kind: unknown kind/],
  [qdiscSort, { kind: "netem" }, /^dev: missing/],
  [qdiscSort, { ...NETEM, dev: "a/b" }, /^dev: expected an interface name/],
  [qdiscSort, { ...NETEM, parent: "rot" }, /^parent: expected root, ingress, or a handle/],
  [qdiscSort, { ...NETEM, handle: "1:1" }, /^handle: expected a handle such as 1:/],
  [qdiscSort, { ...NETEM, handle: "0:" }, /^handle: expected a handle/],
  [qdiscSort, { ...NETEM, dely: 1 }, /^dely: unknown key; did you mean delay\?/],
  [qdiscSort, { ...NETEM, delay: -1 }, /^delay: expected seconds/],
  [qdiscSort, { ...NETEM, delay: Number.NaN }, /^delay: expected seconds/],
  [qdiscSort, { ...NETEM, delay: "100ms" }, /^delay: expected seconds from 0 to \d+, got "100ms"/],
  [qdiscSort, { ...NETEM, loss: 101 }, /^loss: expected percent, from 0 to 100, got 101/],
  [qdiscSort, { ...NETEM, loss: "1%" }, /^loss: expected percent/],
  [qdiscSort, { ...NETEM, jitter: 0.01 }, /^jitter: needs delay/],
  [qdiscSort, { ...NETEM, delay: 1, jitter: 3 }, /^jitter: expected seconds from 0 to 2/],
  [qdiscSort, { ...NETEM, reorder: 5 }, /^reorder: needs delay/],
  [qdiscSort, { ...NETEM, delay: 1, distribution: "normal" }, /^distribution: needs jitter/],
  [qdiscSort, { ...NETEM, delay: 1, jitter: 1, distribution: [] }, /^distribution: expected one of uniform/],
  [qdiscSort, { ...NETEM, delay: 1, jitter: 1, distribution: [40_000] }, /^distribution: expected/],
  [qdiscSort, { ...NETEM, loss: 1, lossState: { p13: 1 } }, /^lossState: stands beside loss; use one/],
  [qdiscSort, { ...NETEM, lossState: {} }, /^lossState: expected percents/],
  [qdiscSort, { ...NETEM, lossGemodel: { p: 1, q: 2 } }, /^lossGemodel: expected percents/],
  [qdiscSort, { ...NETEM, slot: { max: 1 } }, /^slot: expected/],
  [qdiscSort, { ...NETEM, slot: { min: 2, max: 1 } }, /^slot: expected/],
  [qdiscSort, { ...NETEM, seed: -1n }, /^seed: expected a whole number/],
  [qdiscSort, { ...NETEM, cellSize: 5 }, /^cellSize: needs rate/],
  [qdiscSort, { ...NETEM, rate: 9 }, /^rate: expected bits per second: .* a multiple of 8/],
  [qdiscSort, { ...TBF, rate: 0 }, /^rate: expected bits per second/],
  [qdiscSort, { ...TBF, limit: undefined }, /^limit: missing; expected a whole number of bytes/],
  [qdiscSort, { ...TBF, peakrate: 2e6 }, /^mtu: missing; peakrate needs it/],
  [qdiscSort, { ...TBF, peakrate: 1e6, mtu: 2000 }, /^peakrate: expected more than the rate/],
  [
    qdiscSort,
    { kind: "prio", dev: "d0", bands: 2, priomap: new Array(16).fill(2) },
    /^priomap: band 2 is not one of 2/,
  ],
  [qdiscSort, { kind: "prio", dev: "d0", priomap: [0] }, /^priomap: expected 16 bands/],
  [qdiscSort, { kind: "fq", dev: "d0", buckets: 100 }, /^buckets: expected a power of two/],
  [qdiscSort, { kind: "htb", dev: "d0", directPackets: 1 }, /^directPackets: unknown key/],
  [classSort, { kind: "htb", dev: "d0", rate: 1e6 }, /^classid: missing/],
  [classSort, { kind: "htb", dev: "d0", classid: "1:", rate: 1e6 }, /^classid: expected a class/],
  [classSort, { kind: "htb", dev: "d0", classid: "1:1" }, /^rate: missing/],
  [classSort, { kind: "htb", dev: "d0", classid: "1:1", rate: 1e6, ceil: 1e5 }, /^ceil: expected no less/],
  [classSort, { kind: "htb", dev: "d0", classid: "1:1", rate: 1e6, prio: 8 }, /^prio: expected/],
  [filterSort, { ...FLOWER, protocol: "ipx" }, /^protocol: expected one of all, ip/],
  [filterSort, { ...FLOWER, pref: 0 }, /^pref: expected a whole number from 1 to 65535/],
  [filterSort, { ...FLOWER, srcIp: "2001:db8::1" }, /^srcIp: 2001:db8::1 is not of protocol ip/],
  [filterSort, { ...FLOWER, srcIp: "10.0.0.0/33" }, /^srcIp: expected an address/],
  [filterSort, { kind: "flower", dev: "d0", dstIp: "10.0.0.1" }, /^dstIp: needs protocol: ip or ipv6/],
  [filterSort, { ...FLOWER, dstPort: 80 }, /^dstPort: needs ipProto: tcp, udp or sctp/],
  [filterSort, { ...FLOWER, ipProto: "tcp", dstPort: { min: 9, max: 5 } }, /^dstPort: expected a port/],
  [filterSort, { ...FLOWER, vlanId: 5 }, /^vlanId: needs protocol: 802.1Q/],
  [filterSort, { ...FLOWER, mplsLabel: 5 }, /^mplsLabel: needs protocol: mpls_uc or mpls_mc/],
  [filterSort, { ...FLOWER, protocol: "mpls_uc", mpls: [] }, /^mpls: expected a list of labels/],
  [filterSort, { ...FLOWER, protocol: "mpls_uc", mpls: [{ label: 5 }] }, /^mpls: expected a list of labels/],
  [filterSort, { ...FLOWER, protocol: "mpls_uc", mpls: [{ depth: 8 }] }, /^mpls: expected a list of labels/],
  [filterSort, { ...FLOWER, protocol: "mpls_uc", mpls: [{ depth: 1 }], mplsTtl: 5 }, /^mplsTtl: stands beside mpls/],
  [filterSort, { ...FLOWER, ctLabel: "0102" }, /^ctLabel: expected 16 bytes in hexadecimal/],
  [filterSort, { ...FLOWER, geneveOpts: [{ class: 1, type: 1, data: "0a0b" }] }, /^geneveOpts: expected a list/],
  [filterSort, { ...FLOWER, geneveOpts: [{ class: 1, type: 1, data: "0a0b0c0d/ff" }] }, /^geneveOpts: expected a list/],
  [filterSort, { ...FLOWER, geneveOpts: [{ class: 1, data: "0a0b0c0d" }] }, /^geneveOpts: expected a list/],
  [filterSort, { ...FLOWER, erspanOpts: { version: 1, hwid: 5 } }, /^erspanOpts: expected \{ version: 1, index \}/],
  [filterSort, { ...FLOWER, vxlanOpts: { gbp: 0x10_0000 } }, /^vxlanOpts: expected \{ gbp \}/],
  [filterSort, { ...FLOWER, vxlanOpts: {} }, /^vxlanOpts: expected \{ gbp \}/],
  [filterSort, { ...FLOWER, vxlanOpts: { gbp: 1 }, gtpOpts: {} }, /^gtpOpts: stands beside vxlanOpts/],
  [filterSort, { ...FLOWER, ctState: "est" }, /^ctState: expected flags such as \+new-est/],
  [filterSort, { ...FLOWER, handle: "800::1" }, /^handle: expected a number/],
  [filterSort, { ...FLOWER, actions: {} }, /^actions: expected a list/],
  [filterSort, { ...FLOWER, actions: [{ kind: "gact" }] }, /^actions\.0\.control: missing/],
  [filterSort, { ...FLOWER, actions: [{ kind: "gact", control: "dorp" }] }, /^actions\.0\.control: expected one of/],
  [filterSort, { ...FLOWER, actions: [{ kind: "mirred", mode: "mirror" }] }, /^actions\.0\.dev: missing/],
  [filterSort, { ...FLOWER, actions: [{ kind: "police", rate: 8000 }] }, /^actions\.0\.burst: missing/],
  [filterSort, { ...FLOWER, actions: [{ kind: "pedit" }] }, /^actions\.0\.kind: unknown kind "pedit"/],
  [filterSort, U32, /^match: missing; or divisor/],
  [filterSort, { ...U32, match: [{ value: 2, mask: 1, at: 0 }] }, /^match: expected a list/],
  [filterSort, { ...U32, match: [{ value: 1, at: 2 }] }, /^match: expected a list/],
  [filterSort, { ...U32, divisor: 3 }, /^divisor: expected one of 1, 2, 4/],
];

/** A checked config as its message, and that read again. */
function written(sort: Sort, config: object): Told {
  const known = checkConfig(sort, config);
  const value = configToWire(sort, known, config as Told, indexIn);
  const message = sort === qdiscSort ? newqdisc : sort === classSort ? newclass : newfilter;
  const words = sort === qdiscSort ? qdiscFromWire : sort === classSort ? classFromWire : filterFromWire;
  const out = new Writer();
  message.body.write(out, value);
  const bytes = out.finish();
  const { wire: _, ...told } = words(message.body.read(new Reader(bytes), 0, bytes.length), nameOf) as unknown as Told;
  return told;
}

describe("qdiscs, classes and filters", function () {
  firstTryCounts(this);
  for (const [name, expected] of Object.entries(QDISCS))
    it(`reads the kernel's ${name}, and writes it again`, () => {
      const [whole = new Uint8Array()] = capture(`qdiscs/${name}.hex`);
      const { told, wire, again } = decoded(whole);
      deepEqual(told, expected);
      deepEqual(unknownIn(wire), []);
      deepEqual(bare(again), bare(whole.slice(NLMSG_HDRLEN)));
    });

  /** Options of Geneve are told in one nest, and set in one each; user-mode Linux pads what has 64 bits. */
  const OTHERWISE = new Set(["flower-geneve", "flower-sctp", "flower-icmp", "flower-cvlan"]);
  for (const [name, expected] of Object.entries(FILTERS))
    it(`reads the kernel's ${name}, and writes it again`, () => {
      const whole = capture(`qdiscs/${name}.hex`).at(-1) ?? new Uint8Array();
      const { told, wire, again } = decoded(whole);
      const actions = withoutCounters(told["actions"]);
      deepEqual(actions === undefined ? told : { ...told, actions }, expected);
      if (!OTHERWISE.has(name)) deepEqual(bare(again), bare(whole.slice(NLMSG_HDRLEN)));
      deepEqual(unknownIn(wire), []);
    });

  /**
   * An action of another kind; a cookie and counters that hardware does not keep; a peak rate; addresses of hardware in
   * ARP; sessions of PPPoE; how many tags there are; marks and policers without an action.
   */
  const WORDLESS = new Set([
    ...["u32-table", "flower-udp", "flower-tcp", "flower-arp-all", "flower-pppoe", "flower-vlans", "u32-more"],
  ]);
  const isTable = (handle: unknown): boolean => String(handle).endsWith(":");
  it("knows whether all of a filter can be said again", () => {
    const files = readdirSync("test/fixtures/qdiscs").filter((file) => /^(flower|matchall|u32)/.test(file));
    const all = files.flatMap((file) => capture(`qdiscs/${file}`).map((bytes) => [file, decoded(bytes)] as const));
    ok(all.length > 15);
    for (const [file, { told, wire }] of all) {
      // Each priority is told once by itself.
      if (told["handle"] === 0 || told["handle"] === "0:") continue;
      const isWhole = !WORDLESS.has(file.replace(".hex", "")) || isTable(told["handle"]);
      equal(isKnown(filterSort, { ...told, wire }), isWhole, file);
    }
  });
  it("knows what of a filter has no word, or another one than all", () => {
    const [, , node = new Uint8Array()] = capture("qdiscs/u32.hex");
    const { told, wire } = decoded(node);
    const { attrs, ...rest } = wire as TcMessage;
    const { kind = "", data } = attrs.options ?? {};
    const known = (more: object): boolean =>
      isKnown(filterSort, {
        ...told,
        wire: { ...rest, attrs: { ...attrs, options: { kind, data: { ...(data as object), ...more } } } },
      });
    const { sel } = data as { readonly sel: object };
    ok(known({}));
    ok(known({ flags: 8 }));
    for (const more of [
      { sel: { ...sel, hmask: 0xff, hoff: 16 } },
      { sel: { ...sel, flags: 0 } },
      { sel: { ...sel, off: 4 } },
      { mark: { val: 7, mask: 255, success: 0 } },
      { police: new Uint8Array(4) },
      { flags: 1 },
      { "#40": [{ type: 40, payload: new Uint8Array(4) }] },
    ])
      equal(known(more), false, JSON.stringify(more));
    const cookie = { 1: { options: { kind: "gact", data: {} }, cookie: new Uint8Array([1]) } };
    const actions = [{ kind: "gact", control: "pass" }];
    equal(
      isKnown(filterSort, { ...told, actions, wire: { attrs: { options: { kind, data: { act: cookie } } } } }),
      false,
    );
    equal(isKnown(filterSort, { ...told, kind: "#basic" }), false);
  });
  it("reads and writes a class of htb", () => {
    const [whole = new Uint8Array()] = capture("qdiscs/class-htb.hex");
    const { told, again } = decoded(whole);
    deepEqual(told, {
      dev: "d0",
      classid: "1:10",
      parent: "root",
      kind: "htb",
      rate: 1_000_000,
      ceil: 40e9,
      burst: 5120,
      // 320 bytes pass in a tick, and `tc` gave microseconds.
      cburst: 1_044_800,
      prio: 3,
      quantum: 3000,
      overhead: 4,
      mpu: 64,
      level: 0,
    });
    deepEqual(bare(again), bare(whole.slice(NLMSG_HDRLEN)));
  });

  it("keeps what has no kind here", () => {
    const [qdisc = new Uint8Array()] = capture("qdiscs/unknown.hex");
    const { told, again } = decoded(qdisc);
    equal(told["kind"], "#sfq");
    equal((told["data"] as Uint8Array).length, 72);
    deepEqual(bare(again), bare(qdisc.slice(NLMSG_HDRLEN)));
    deepEqual(
      capture("qdiscs/class-unknown.hex").map((one) => decoded(one).told),
      ["1:1", "1:2"].map((classid) => ({ dev: "d0", classid, parent: "1:", kind: "#prio" })),
    );
    const node = capture("qdiscs/u32-table.hex").map((one) => decoded(one).told);
    deepEqual(
      node.map(({ handle, divisor }) => [handle, divisor]),
      [
        ["0:", undefined],
        ["5:", 256],
        ["5:2a:3", undefined],
        ["800:", 1],
      ],
    );
    const [action] = (node[2]?.["actions"] ?? []) as { kind: string; data: Uint8Array }[];
    deepEqual([action?.kind, action?.data.length, node[2]?.["ht"]], ["#skbedit", 68, "5:2a:"]);
  });

  it("writes what was captured", () => {
    for (const expected of Object.values(QDISCS)) {
      const { directPackets: _, ...config } = expected as Told;
      const told = written(qdiscSort, config["kind"] === "pfifo_fast" ? { kind: "pfifo_fast", dev: "d0" } : config);
      for (const [key, value] of Object.entries(config)) {
        if (config["kind"] === "pfifo_fast" || key === "slot") continue;
        // A burst becomes ticks, and comes back rounded up by less than what passes in one.
        if (key === "burst") ok(Math.abs((told[key] as number) - (value as number)) <= 640, `${key} ${told[key]}`);
        else deepEqual(told[key], value, `${config["kind"]} ${key}`);
      }
    }
    for (const config of Object.values(FILTERS)) {
      const told = written(filterSort, config) as Told;
      const actions = (told["actions"] as Told[] | undefined)?.map(({ index: _, ...rest }) => rest);
      deepEqual(actions === undefined ? told : { ...told, actions }, config);
    }
  });

  for (const [sort, config, message] of REFUSED)
    it(`refuses ${JSON.stringify(config, (_, value) => (typeof value === "bigint" ? `${value}n` : value))}`, () => {
      throws(() => written(sort, config as object), { code: "ERR_INPUT", message });
    });

  it("changes what is named and nothing else", () => {
    const now = { ...QDISCS["netem-delay"], statistics: {} } as Told;
    const known = qdiscTable["netem"] as AnyKind;
    const config = { kind: "netem", dev: "d0", lossGemodel: { p: 5 }, delay: 0.2 };
    const whole = changed(known, now, config);
    equal(whole["loss"], undefined);
    deepEqual([whole["jitter"], whole["delay"], whole["reorder"], whole["gap"]], [0.01, 0.2, 25, 5]);
    deepEqual(written(qdiscSort, whole)["lossGemodel"], { p: 5, r: 95, "1-h": 100, "1-k": 0 });
    equal(changed(qdiscTable["fq"] as AnyKind, { limit: 5 }, config), config);
  });

  it("has one text for a handle", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (number) => {
        equal(handleNumber(handleText(number)), number);
      }),
    );
    deepEqual(["1:", "1:10", "FFFF:fff2"].map(handleNumber), [0x1_0000, 0x1_0010, 0xffff_fff2]);
  });

  it("keeps a burst within one tick, and percents exactly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 33 }), fc.integer({ min: 1, max: 1e6 }), (rate, bytes) => {
        const bits = rate * 8;
        const ticks = burstTicks(bytes, bits);
        if (ticks === 0xffff_ffff) return;
        const again = burstBytes(ticks, bits);
        ok(again >= bytes && again - bytes <= 1 + (bits * 64) / 8e9, `${bytes} at ${bits} became ${again}`);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e8 }), (millionths) => {
        equal(percentOf(fractionOf(millionths / 1e6)), millionths / 1e6);
      }),
    );
  });

  it("has a word for each control, and keeps other numbers", () => {
    for (const number of [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 99, 0x1000_0002, 0x2000_0005, 0x2fff_ffff]) {
      ok(control.accepts(controlOf(number)), String(number));
      equal(controlNumber(controlOf(number)), number);
    }
    deepEqual(controlOf(0x2000_0005), { goto: 5 });
    for (const wrong of ["dorp", {}, { goto: -1 }, { goto: 1, jump: 1 }, null, 1.5])
      equal(control.accepts(wrong), false);
  });

  for (const name of ["normal", "pareto", "paretonormal"] as const)
    it(`distributes jitter as tc's ${name} does`, function () {
      const file = [
        "/usr/lib/tc",
        "/usr/share/tc",
        `/usr/lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu/tc`,
      ]
        .map((folder) => `${folder}/${name}.dist`)
        .find(existsSync);
      if (file === undefined) skip(this, `${name}.dist is missing; apt-get install iproute2`);
      const theirs = (readFileSync(file, "utf8").replaceAll(/^#.*$/gm, "").match(/-?\d+/g) ?? []).map(Number);
      const ours = tableOf(name);
      equal(theirs.length, ours.length);
      const inOrder = (table: readonly number[]): number[] => [...table].sort((a, b) => a - b);
      const off = inOrder(theirs).map((value, i) => Math.abs(value - (inOrder(ours)[i] ?? 0)));
      ok(off.reduce((sum, one) => sum + one, 0) / off.length < 0.01 * 8192, `${name} is off`);
    });
});

describe("numbers of qdiscs, classes and filters", () => {
  const KIND_AND_OPTIONS = (prefix: string) => ({ options: [`${prefix}_KIND`, `${prefix}_OPTIONS`] });
  const action = actionList.fields["1"]?.plain as AnySchema;
  const nests = ({ wire }: AnyKind): AnySchema[] =>
    "fields" in wire && (wire as AnySchema).name !== "TCA" ? [wire as AnySchema] : [];
  const nestIn = (schema: AnySchema, key: string): AnySchema => {
    const { claims: [number = 0] = [], open } = schema.fields[key] ?? {};
    return open?.(new Reader(new Uint8Array(8)), number, { start: 0, end: 0 }).codec as AnySchema;
  };
  const actions = ["gact", "mirred", "police"].map((name) => [name, actionKindWire(name)] as const);
  function actionKindWire(kind: string): AnySchema {
    const from = new Writer();
    action.write(from, { options: { kind } } as never);
    const bytes = from.finish();
    const { codec } = action.fields["options"]?.open(new Reader(bytes), 2, { start: 0, end: bytes.length }) ?? {};
    return codec as AnySchema;
  }
  const SCHEMAS: readonly (readonly [file: string, schema: AnySchema, names?: Readonly<Record<string, string[]>>])[] = [
    ["rtnetlink.h", qdiscAttributes, KIND_AND_OPTIONS("TCA")],
    ["gen_stats.h", stats],
    ["pkt_sched.h", netemAttributes],
    ["pkt_sched.h", netemAttributes.fields.loss.plain as AnySchema],
    ...[...Object.values(qdiscTable), ...Object.values(classTable)].flatMap((kind) =>
      nests(kind).map((schema) => ["pkt_sched.h", schema] as const),
    ),
    ["pkt_cls.h", encOpts],
    ["pkt_cls.h", mplsOpts],
    ...["geneve", "vxlan", "erspan", "gtp"].map((key) => ["pkt_cls.h", nestIn(encOpts, key)] as const),
    ["pkt_cls.h", nestIn(mplsOpts, "lse")],
    ...Object.values(filterTable).flatMap((kind) => nests(kind).map((schema) => ["pkt_cls.h", schema] as const)),
    ["pkt_cls.h", action, KIND_AND_OPTIONS("TCA_ACT")],
    ...actions.map(([name, schema]) => [name === "police" ? "pkt_cls.h" : `tc_act/tc_${name}.h`, schema] as const),
  ];
  for (const [file, schema, names] of SCHEMAS)
    it(`${schema.name} are those of ${file}`, function () {
      const { checked, wrong } = compare(header(this, file), schema, names);
      deepEqual(wrong, []);
      ok(checked > 0);
    });
});
