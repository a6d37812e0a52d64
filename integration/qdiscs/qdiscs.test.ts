import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { QdiscConfig, TcFilterConfig } from "../../lib/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "../links/kit.ts";
import { agreeOnFilters, agreeOnQdiscs } from "./oracle.ts";

const PAIR =
  "ip link add name d0 txqueuelen 1000 type veth peer name d1; ip link set d1 up; ip link set d0 addrgenmode none up";
type Told = Readonly<Record<string, unknown>>;

const OURS: readonly QdiscConfig[] = [
  {
    kind: "netem",
    dev: "d0",
    handle: "5:",
    delay: 0.1,
    jitter: 0.01,
    delayCorrelation: 25,
    distribution: "normal",
    loss: 1.5,
    lossCorrelation: 3,
    duplicate: 2,
    corrupt: 0.1,
    reorder: 25,
    gap: 5,
  },
  { kind: "netem", dev: "d0", rate: 1e6, packetOverhead: -5, cellSize: 10, cellOverhead: 2, limit: 5000 },
  { kind: "netem", dev: "d0", rate: 80e9, loss: 100, ecn: true, slot: { min: 0.001, max: 0.002, packets: 5 } },
  { kind: "netem", dev: "d0", lossState: { p13: 1, p31: 20, p32: 2, p23: 90, p14: 3 } },
  { kind: "netem", dev: "d0", lossGemodel: { p: 1, r: 20, "1-h": 90, "1-k": 0.1 }, delay: 3 },
  { kind: "netem", dev: "d0", delay: 0.1, jitter: 0.02, distribution: [-8192, 0, 8192] },
  { kind: "tbf", dev: "d0", rate: 1e6, burst: 1600, limit: 5000, handle: "1:" },
  { kind: "tbf", dev: "d0", rate: 8e6, burst: 16_000, limit: 50_000, peakrate: 16e6, mtu: 2000, mpu: 64 },
  { kind: "tbf", dev: "d0", rate: 80e9, burst: 100_000, limit: 1_000_000, overhead: 4 },
  { kind: "htb", dev: "d0", handle: "1:", default: 0x10, directQlen: 99, r2q: 20 },
  { kind: "fq_codel", dev: "d0", target: 0.01, interval: 0.2, ecn: false, flows: 256, quantum: 300, limit: 500 },
  { kind: "fq_codel", dev: "d0", ceThreshold: 0.004, memoryLimit: 1 << 20, dropBatch: 32 },
  { kind: "fq", dev: "d0", limit: 500, maxrate: 1e6, buckets: 256, pacing: false, horizon: 5, horizonDrop: false },
  { kind: "pfifo", dev: "d0", limit: 7 },
  { kind: "bfifo", dev: "d0", limit: 7000 },
  { kind: "prio", dev: "d0", bands: 2 },
  { kind: "pfifo_fast", dev: "d0" },
  { kind: "noqueue", dev: "d0" },
  { kind: "ingress", dev: "d0" },
  { kind: "clsact", dev: "d0", ingressBlock: 22 },
];
const THEIRS: readonly string[] = [
  "netem delay 100ms 10ms 25% distribution normal loss 1% duplicate 2% corrupt 3% reorder 4% 50% gap 3",
  "netem rate 1mbit 5 loss gemodel 1% slot 800us 1ms packets 7",
  "netem loss state 5%",
  "tbf rate 220kbit burst 5kb latency 50ms",
  "htb default 30",
  "fq_codel",
  "fq maxrate 5mbit quantum 2000",
  "sfq perturb 10",
  "prio",
];
const U32: readonly TcFilterConfig[] = [
  {
    kind: "u32",
    dev: "d0",
    parent: "ingress",
    protocol: "ip",
    pref: 5,
    match: [{ value: 0xc000_0200, mask: 0xffff_ff00, at: 16 }],
    actions: [{ kind: "mirred", mode: "redirect", direction: "ingress", dev: "d1" }],
  },
  { kind: "u32", dev: "d0", parent: "ingress", protocol: "ip", pref: 6, handle: "5:", divisor: 4 },
  {
    kind: "u32",
    dev: "d0",
    parent: "egress",
    pref: 7,
    match: [{ value: 6, mask: 255, at: 8 }],
    actions: [{ kind: "mirred", mode: "mirror", dev: "d1" }],
  },
];
const FLOWER: readonly TcFilterConfig[] = [
  {
    kind: "flower",
    dev: "d0",
    parent: "ingress",
    protocol: "ip",
    pref: 7,
    handle: 9,
    chain: 3,
    srcIp: "10.0.0.0/8",
    dstIp: "192.0.2.1",
    ipProto: "tcp",
    dstPort: 80,
    srcPort: { min: 1000, max: 2000 },
    tcpFlags: { value: 2, mask: 0x12 },
    ipTtl: 64,
    srcMac: "02:00:00:00:00:01",
    dstMac: "01:00:00:00:00:00/01:00:00:00:00:00",
    skipHw: true,
    actions: [{ kind: "gact", control: "drop" }],
  },
  {
    kind: "flower",
    dev: "d0",
    parent: "ingress",
    protocol: "802.1Q",
    pref: 8,
    vlanId: 5,
    vlanPrio: 3,
    vlanEthtype: "ipv6",
    dstIp: "2001:db8::/32",
    ipProto: "udp",
    dstPort: 53,
    ctState: "+trk-new",
    actions: [
      { kind: "police", rate: 1e6, burst: 10_000, exceed: "drop", conform: "pipe" },
      { kind: "gact", control: "pass" },
    ],
  },
  {
    kind: "flower",
    dev: "d0",
    parent: "egress",
    protocol: "ip",
    pref: 9,
    encKeyId: 39,
    encDstIp: "192.0.2.1",
    encDstPort: 4789,
    ipFlags: "-frag",
    actions: [{ kind: "gact", control: { goto: 5 } }],
  },
  {
    kind: "flower",
    dev: "d0",
    parent: "egress",
    protocol: "ipv6",
    pref: 10,
    ipProto: "icmpv6",
    icmpType: 128,
    actions: [{ kind: "police", rate: 80e9, burst: 100_000, mtu: 65_535, exceed: "drop" }],
  },
  {
    kind: "matchall",
    dev: "d0",
    parent: "egress",
    pref: 11,
    actions: [{ kind: "gact", control: "pass", random: { type: "determ", control: "drop", value: 5 } }],
  },
];

const PASS = {
  kind: "flower",
  dev: "d0",
  parent: "ingress",
  pref: 12,
  actions: [{ kind: "gact", control: "pass" }],
} as const;
const NESTED: readonly TcFilterConfig[] = [
  { ...PASS, protocol: "mpls_uc", mplsLabel: 5, mplsTc: 3, mplsBos: true, mplsTtl: 64 },
  {
    ...PASS,
    protocol: "mpls_mc",
    mpls: [
      { depth: 1, label: 16, tc: 1, bos: false, ttl: 3 },
      { depth: 7, bos: true },
    ],
  },
  {
    ...PASS,
    protocol: "ip",
    ctState: "+trk+est-inv",
    ctMark: { value: 7, mask: 15 },
    ctLabel: "0102030405060708090a0b0c0d0e0f10/ff00000000000000000000000000000f",
  },
  { ...PASS, protocol: "ip", ctState: "+trk", ctLabel: "0102030405060708090a0b0c0d0e0f10" },
  {
    ...PASS,
    protocol: "ip",
    encKeyId: 39,
    encSrcIp: "2001:db8::/32",
    encDstIp: "2001:db8::1",
    encSrcPort: 5,
    encDstPort: 6081,
    encTos: 4,
    encTtl: 64,
    geneveOpts: [
      { class: 0x102, type: { value: 0x80, mask: 0x7f }, data: "0000000a0000000b/ffffffff00000000" },
      { class: 0x103, type: 0x81, data: "0c0d0e0f" },
    ],
  },
  { ...PASS, protocol: "ip", encKeyId: 39, encDstPort: 4789, vxlanOpts: { gbp: { value: 114, mask: 255 } } },
  { ...PASS, protocol: "ip", encKeyId: 39, vxlanOpts: { gbp: 114 } },
  { ...PASS, protocol: "ip", encKeyId: 39, erspanOpts: { version: 1, index: 42 } },
  { ...PASS, protocol: "ip", encKeyId: 39, erspanOpts: { version: 2, dir: "egress", hwid: { value: 63, mask: 15 } } },
  { ...PASS, protocol: "ip", encKeyId: 39, erspanOpts: { version: 2, dir: "ingress" } },
  { ...PASS, protocol: "ip", encKeyId: 39, gtpOpts: { pduType: 1, qfi: { value: 8, mask: 63 } } },
];

const known = new Map<string, Promise<boolean>>();
/** Whether this kernel has a kind, by asking `tc` for it once. */
function has(kind: string, noun: "qdisc" | "filter"): Promise<boolean> {
  const answer = known.get(kind) ?? ask(kind, noun);
  known.set(kind, answer);
  return answer;
}
async function ask(kind: string, noun: "qdisc" | "filter"): Promise<boolean> {
  const options: Readonly<Record<string, string>> = { tbf: "rate 1mbit burst 5k limit 5k", noqueue: "", prio: "" };
  const command =
    noun === "filter"
      ? `tc qdisc add dev d0 clsact; tc filter add dev d0 ingress protocol ip pref 1 ${kind} classid 1:1`
      : `tc qdisc add dev d0 ${kind === "clsact" || kind === "ingress" ? kind : `root ${kind} ${options[kind] ?? ""}`}`;
  await using asked = await scene(PAIR);
  return await asked.sh(command).then(
    () => true,
    (error: Error) => {
      if (/unknown|not found|No such file/i.test(error.message)) return false;
      throw error;
    },
  );
}
async function wants(context: Mocha.Context, kind: string, noun: "qdisc" | "filter" = "qdisc"): Promise<void> {
  if (!(await has(kind, noun)))
    skip(context, `this kernel has no ${noun} ${kind}; the lane of the other kernels has: npm run test:kernels`);
}

async function tc({ sh }: Scene, what: string): Promise<Told[]> {
  return JSON.parse((await sh(`tc -json -s -d ${what}`)) || "[]") as Told[];
}
async function agree(here: Scene): Promise<void> {
  const ours = await here.host.qdiscs.list({ dev: "d0" });
  equal(ours.consistent, true);
  ok(agreeOnQdiscs(ours, await tc(here, "qdisc show dev d0")) > 6);
}
async function agreeAt(here: Scene, parent: "ingress" | "egress"): Promise<number> {
  const ours = await here.host.qdiscs.filters.list({ dev: "d0", parent });
  return agreeOnFilters(ours, await tc(here, `filter show dev d0 ${parent}`));
}

describe("qdiscs beside tc", function () {
  this.timeout(30_000);
  before(function () {
    needs(this, "ip", "tc");
  });

  for (const config of OURS)
    it(`made by us: ${JSON.stringify(config)}`, async function () {
      await wants(this, config.kind);
      await using here = await scene(PAIR);
      const { qdiscs } = here.host;
      await qdiscs.create(config);
      await agree(here);
      const { dev, parent, handle } = config;
      const usual = config.kind === "ingress" || config.kind === "clsact" ? "ingress" : "root";
      const found = (await qdiscs.get({ dev, parent: parent ?? usual, handle })) as unknown as Told;
      equal(found["kind"], config.kind);
      for (const [key, value] of Object.entries(config)) {
        if (key === "distribution") continue; // the kernel does not tell it
        if (typeof value !== "number") deepEqual(found[key], value, key);
        // Times of codel are told in units of 1024 ns; bursts of fast links in ticks of 64 ns.
        else ok(Math.abs((found[key] as number) - value) <= Math.max(2e-6, value * 0.01), `${key}: ${found[key]}`);
      }
      await rejects(qdiscs.create(config), { code: "EEXIST" });
      if (config.kind === "noqueue") return; // Linux keeps no queue where there is none
      await qdiscs.delete({ dev, parent: usual });
      ok(!(await qdiscs.list({ dev })).some((one) => one.kind === config.kind && one.handle !== "0:"));
    });

  for (const command of THEIRS)
    it(`made by tc: ${command}`, async function () {
      await wants(this, command.split(" ")[0] ?? "");
      await using here = await scene(`${PAIR}; tc qdisc add dev d0 root handle 1: ${command}`);
      await agree(here);
    });

  it("changes what is named and nothing else", async function () {
    await wants(this, "tbf");
    await using here = await scene(PAIR);
    const { qdiscs } = here.host;
    await qdiscs.create({ kind: "tbf", dev: "d0", rate: 1e6, burst: 1600, limit: 5000 });
    await qdiscs.change({ kind: "tbf", dev: "d0", limit: 7000 });
    await agree(here);
    const now = (await qdiscs.get({ dev: "d0" })) as unknown as Told;
    deepEqual([now["rate"], now["burst"], now["limit"]], [1e6, 1600, 7000]);
    await rejects(qdiscs.change({ kind: "pfifo", dev: "d0", limit: 5 }), /^InputError: kind: it is of kind "tbf" now/);
    await rejects(qdiscs.change({ kind: "tbf", dev: "d0", parent: "1:5", limit: 5000 }), {
      name: "NetlinkError",
      code: "ENOENT",
    });
    await rejects(
      qdiscs.create({ kind: "pfifo", dev: "d0", parent: "9:1" }),
      /^NetlinkError: cannot create pfifo qdisc on d0 parent 9:1: /,
    );
    await rejects(qdiscs.delete({ dev: "nowhere" }), { name: "InputError" });
  });

  it("changes netem, and replaces it by a new one", async function () {
    await wants(this, "netem");
    await using here = await scene(PAIR);
    const { qdiscs } = here.host;
    const netem = { kind: "netem", dev: "d0" } as const;
    await qdiscs.create({
      ...netem,
      delay: 0.1,
      jitter: 0.01,
      loss: 5,
      lossCorrelation: 10,
      reorder: 20,
      rate: 1e6,
      ecn: true,
    });
    await qdiscs.change({ ...netem, delay: 0.2, lossState: { p13: 1 } });
    await agree(here);
    const state = { p13: 1, p31: 99, p32: 0, p23: 100, p14: 0 };
    const told = async (): Promise<Told> => {
      const { statistics: _, wire: __, handle: ___, ...now } = (await qdiscs.get({ dev: "d0" })) as unknown as Told;
      return now;
    };
    deepEqual(await told(), {
      ...netem,
      parent: "root",
      limit: 1000,
      delay: 0.2,
      jitter: 0.01,
      lossState: state,
      reorder: 20,
      gap: 1,
      rate: 1e6,
      ecn: true,
    });
    await qdiscs.replace({ ...netem, loss: 7 });
    await agree(here);
    deepEqual(await told(), { ...netem, parent: "root", limit: 1000, loss: 7 });
  });

  it("tells classes as tc does", async function () {
    await wants(this, "htb");
    await using here = await scene(PAIR);
    const {
      qdiscs,
      qdiscs: { classes },
    } = here.host;
    await qdiscs.create({ kind: "htb", dev: "d0", handle: "1:", default: 0x10 });
    await classes.create({ kind: "htb", dev: "d0", classid: "1:1", rate: 8e6 });
    await classes.create({
      kind: "htb",
      dev: "d0",
      classid: "1:10",
      parent: "1:1",
      rate: 1e6,
      ceil: 4e6,
      prio: 3,
      burst: 5000,
    });
    await qdiscs.create({ kind: "pfifo", dev: "d0", parent: "1:10", handle: "10:", limit: 5 });
    await classes.change({ kind: "htb", dev: "d0", classid: "1:10", ceil: 40e9, quantum: 3000 });
    await here.sh("tc class add dev d0 parent 1:1 classid 1:20 htb rate 2mbit burst 4k overhead 4 mpu 64");
    const found = new Map(
      (await classes.list({ dev: "d0", qdisc: "1:" })).map((one) => [one.classid, one as unknown as Told]),
    );
    const words = ({ parent, leaf, rate, ceil, burst, prio, quantum, overhead, mpu }: Told): unknown[] => [
      parent,
      leaf,
      rate,
      ceil,
      burst,
      prio,
      quantum,
      overhead,
      mpu,
    ];
    deepEqual(words(found.get("1:10") ?? {}), ["1:1", "10:", 1e6, 40e9, 5000, 3, 3000, undefined, undefined]);
    deepEqual(words(found.get("1:20") ?? {}), ["1:1", undefined, 2e6, 2e6, 4096, 0, 25_000, 4, 64]);
    equal(found.get("1:1")?.["parent"], "root");
    const text = await here.sh("tc -d class show dev d0");
    ok(/class htb 1:10 parent 1:1 leaf 10: prio 3 quantum 3000 rate 1Mbit ceil 40Gbit .*burst 5000b/.test(text), text);
    const { app } = (found.get("1:10")?.["statistics"] ?? {}) as { app?: object };
    deepEqual(Object.keys(app ?? {}), ["lends", "borrows", "giants", "tokens", "ctokens"]);
    await rejects(classes.delete({ dev: "d0", classid: "1:1" }), { code: "EBUSY" });
    await classes.delete({ dev: "d0", classid: "1:20" });
    equal(await classes.get({ dev: "d0", classid: "1:20" }), undefined);
    await rejects(classes.create({ kind: "htb", dev: "d0", classid: "1:10", rate: 1e6 }), { code: "EEXIST" });
  });

  it("counts what a queue does", async function () {
    await wants(this, "tbf");
    await using here = await scene(`${PAIR}
      ip address add 192.0.2.1/24 dev d0; ip neighbor add 192.0.2.2 lladdr 02:00:00:00:00:02 dev d0`);
    // IPv6 would send packets of its own.
    await here.host.sysctls.set("net.ipv6.conf.d0.disable_ipv6", 1);
    const { qdiscs } = here.host;
    // So slow that nothing of what waits leaves while the test looks.
    await qdiscs.create({ kind: "tbf", dev: "d0", rate: 80, burst: 2000, limit: 3000 });
    needs(this, "ping");
    await here.sh("ping -q -c 5 -i 0.01 -W 0.1 -s 1000 192.0.2.2 || true");
    const { statistics } = (await qdiscs.get({ dev: "d0" })) ?? {};
    ok(statistics !== undefined && statistics.packets >= 1 && statistics.bytes >= 1042, JSON.stringify(statistics));
    ok(
      statistics.overlimits > 0 && statistics.drops >= 1 && statistics.backlog === 2084 && statistics.qlen === 2,
      JSON.stringify(statistics),
    );
  });
});

describe("filters beside tc", function () {
  this.timeout(30_000);
  before(function () {
    needs(this, "ip", "tc");
  });

  for (const config of [...U32, ...FLOWER, ...NESTED])
    it(`made by us: ${JSON.stringify(config)}`, async function () {
      await wants(this, config.kind === "u32" ? "u32 match u32 0 0" : config.kind, "filter");
      await using here = await scene(`${PAIR}; tc qdisc add dev d0 clsact`);
      const { filters } = here.host.qdiscs;
      const parent = config.parent as "ingress" | "egress";
      await filters.create(config);
      ok((await agreeAt(here, parent)) > 1);
      const { dev, pref, handle, chain } = config;
      const there = (await filters.get({ dev, parent, pref, handle, chain })) as unknown as Told;
      for (const [key, value] of Object.entries(config))
        if (key !== "actions" && key !== "ctState") deepEqual(there[key], value, key);
      if (NESTED.includes(config)) {
        // What is not named in a change is sent as it was told.
        await filters.change({ ...PASS, protocol: config.protocol, actions: [{ kind: "gact", control: "drop" }] });
        ok((await agreeAt(here, parent)) > 1);
        const { actions: _, wire: __, handle: ___, ...changed } = (await filters.get({ dev, parent, pref })) ?? {};
        const { actions: ____, wire: _____, handle: ______, ...made } = there;
        deepEqual(changed, made);
      }
      await filters.delete({ dev, parent, pref, chain });
      equal((await filters.list({ dev, parent, pref })).length, 0);
    });

  it("changes a filter's actions and keeps its keys", async function () {
    await wants(this, "flower", "filter");
    await using here = await scene(`${PAIR}; tc qdisc add dev d0 clsact`);
    const { filters } = here.host.qdiscs;
    const [config] = FLOWER as [TcFilterConfig];
    await filters.create(config);
    await filters.change({
      kind: "flower",
      dev: "d0",
      parent: "ingress",
      pref: 7,
      chain: 3,
      actions: [{ kind: "gact", control: "pass" }],
    });
    ok((await agreeAt(here, "ingress")) > 10);
    const [now, ...more] = await filters.list({ dev: "d0", parent: "ingress" });
    deepEqual([more.length, now?.handle, now?.actions?.[0]?.kind], [0, 9, "gact"]);
    equal((now as unknown as Told)["dstIp"], "192.0.2.1");
  });

  it("finds those of blocks, and all of all links", async function () {
    await wants(this, "u32 match u32 0 0", "filter");
    await wants(this, "htb");
    await using here = await scene(`${PAIR}
      tc qdisc add dev d0 ingress_block 22 clsact; tc qdisc add dev d1 ingress_block 22 clsact
      tc qdisc add dev d1 root handle 1: htb; tc class add dev d1 parent 1: classid 1:1 htb rate 1mbit
      tc filter add dev d0 egress protocol ip pref 3 u32 match u32 0 0 flowid 1:1
      tc filter add dev d1 parent 1: protocol ip pref 4 u32 match u32 0 0 flowid 1:1
      tc filter add dev d1 parent 1:1 protocol ip pref 5 u32 match u32 0 0 flowid 1:1`);
    const { filters, classes } = here.host.qdiscs;
    const config: TcFilterConfig = {
      kind: "u32",
      block: 22,
      protocol: "ip",
      pref: 6,
      match: [{ value: 6, mask: 255, at: 8 }],
      classid: "1:1",
    };
    await filters.create(config);
    await rejects(
      filters.create({ ...config, block: 99 }),
      /^NetlinkError: cannot create u32 filter on block 99 pref 6: /,
    );
    ok(agreeOnFilters(await filters.list({ block: 22 }), await tc(here, "filter show block 22")) > 1);
    const told = await filters.get({ block: 22, pref: 6 });
    deepEqual([told?.block, told?.dev, told?.parent, told?.handle], [22, undefined, undefined, "800::800"]);
    const all = (await filters.list()).filter((one) => one.kind === "u32" && one.match !== undefined);
    deepEqual(
      all.map(({ dev, parent, block, pref }) => [dev, parent, block, pref].filter((part) => part !== undefined)).sort(),
      [
        [22, 6],
        ["d0", "egress", 3],
        ["d1", "1:", 4],
        ["d1", "1:1", 5],
      ],
    );
    deepEqual(
      (await classes.list()).map(({ dev, classid }) => `${dev} ${classid}`),
      [...(await here.sh("tc class show dev d1")).matchAll(/^class htb (\S+)/gm)].map(([, classid]) => `d1 ${classid}`),
    );
    await filters.delete({ block: 22, pref: 6 });
    equal(await filters.get({ block: 22, pref: 6 }), undefined);
  });

  it("refuses in the caller's words", async () => {
    await using here = await scene(PAIR);
    const { filters } = here.host.qdiscs;
    const [config] = U32 as [TcFilterConfig];
    await rejects(filters.create(config), /^NetlinkError: cannot create u32 filter on d0 parent ingress pref 5: /);
    await rejects(filters.delete({ dev: "d0", handle: 5 }), /^InputError: pref: missing; a handle needs it/);
    await rejects(filters.create({ ...config, actions: [{ kind: "mirred", mode: "mirror", dev: "nowhere" }] }), {
      name: "InputError",
    });
  });

  it("sends packets where they are to go", async function () {
    await wants(this, "u32 match u32 0 0", "filter");
    needs(this, "ping");
    await using here = await scene(`
      ${PAIR}; ip link add name e0 type veth peer name e1; ip link set e0 up; ip link set e1 up
      ip address add 192.0.2.1/24 dev d0; ip neighbor add 192.0.2.2 lladdr 02:00:00:00:00:02 dev d0`);
    const { qdiscs } = here.host;
    await qdiscs.create({ kind: "clsact", dev: "d0" });
    await qdiscs.filters.create({
      kind: "u32",
      dev: "d0",
      parent: "egress",
      protocol: "ip",
      pref: 1,
      match: [{ value: 0xc000_0202, at: 16 }],
      actions: [{ kind: "mirred", mode: "redirect", dev: "e0" }],
    });
    await here.sh("ping -q -c 3 -i 0.01 -W 0.1 192.0.2.2 || true");
    const [filter] = (await qdiscs.filters.list({ dev: "d0", parent: "egress" })).filter((one) => one.actions);
    equal(filter?.actions?.[0]?.statistics?.packets, 3);
    const far = await here.host.links.get("e1");
    ok((far?.statistics?.rxPackets ?? 0n) >= 3n, "they arrive at the other end");
  });
});
