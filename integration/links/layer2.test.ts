import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../../lib/host.ts";
import { differences } from "../../lib/links/differences.ts";
import { type KindName, kindNamed } from "../../lib/links/kinds/index.ts";
import type { Link, LinkChanges, LinkConfig } from "../../lib/links/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { isTooNew, isUpTo, type Scene, scene, UNTRIED } from "./kit.ts";
import { agree } from "./oracle.ts";

const UNDER = `ip link set lo up; ip link add under type veth peer name under1; ip link set under up; ip link set under1 up
ip link add other type veth peer name other1`;

/** The kernel looks at the carrier a moment after a change: both are asked once more when it did in between. */
async function same({ link, ip }: Scene, name: string): Promise<void> {
  let [before, theirs, ours] = [await link(name), await ip(name), await link(name)];
  while (before.operstate !== ours.operstate) [before, theirs, ours] = [ours, await ip(name), await link(name)];
  ok(agree(ours, theirs) > 20);
}

/** Makes a link, and skips the test where the kernel has none of its kind. */
async function make(context: Mocha.Context, { links }: Scene, config: LinkConfig): Promise<void> {
  try {
    await links.create(config);
  } catch (error) {
    if (error instanceof NetlinkError && error.attribute === "kind") lacks(context, config.kind);
    throw error;
  }
}
function lacks(context: Mocha.Context, kind: string): never {
  skip(context, `this kernel has no links of kind ${kind}; integration/kernels/run uml`);
}
const unmet = (config: LinkConfig | LinkChanges, link: Link): object[] =>
  differences(config, link).filter(({ key }) => !isTooNew(key));

const VLAN = { kind: "vlan", name: "t", dev: "under", id: 10 } as const;
const SEC = { kind: "macsec", name: "t", dev: "under" } as const;
const OURS: readonly LinkConfig[] = [
  VLAN,
  { ...VLAN, id: 4094, protocol: "802.1ad", up: true, mtu: 1400, mac: "02:00:00:00:00:01" },
  { ...VLAN, reorderHdr: false, gvrp: true, mvrp: true, looseBinding: true },
  { ...VLAN, ingressQosMap: { 0: 7, 3: 6 }, egressQosMap: { 6: 3, 4294967295: 7 } },
  { kind: "bond", name: "t" },
  { kind: "bond", name: "t", mode: "active-backup", miimon: 100, updelay: 200, downdelay: 300, peerNotifyDelay: 400 },
  {
    ...{ kind: "bond", name: "t", mode: "active-backup", arpInterval: 200, arpIpTarget: ["192.0.2.1", "192.0.2.2"] },
    ...{ nsIp6Target: ["2001:db8::1"], arpValidate: "filter_backup", arpAllTargets: "all", arpMissedMax: 5 },
    ...{ primaryReselect: "failure", failOverMac: "follow", resendIgmp: 3, numGratArp: 4, allSlavesActive: true },
  },
  {
    ...{ kind: "bond", name: "t", mode: "802.3ad", miimon: 50, lacpRate: "fast", lacpActive: false, adSelect: "count" },
    ...{ adActorSysPrio: 7, adUserPortKey: 9, adActorSystem: "02:00:00:00:00:0c", minLinks: 2 },
    ...{ xmitHashPolicy: "layer3+4", up: true },
  },
  { kind: "bond", name: "t", mode: "balance-tlb", tlbDynamicLb: false, lpInterval: 9, xmitHashPolicy: "vlan+srcmac" },
  { kind: "bond", name: "t", mode: "balance-rr", packetsPerSlave: 5 },
  { kind: "macvlan", name: "t", dev: "under" },
  { kind: "macvlan", name: "t", dev: "under", mode: "passthru", nopromisc: true, up: true },
  {
    ...{ kind: "macvlan", name: "t", dev: "under", mode: "source", nodst: true, bcqueuelen: 77 },
    ...{ macaddr: ["02:00:00:00:00:0b", "02:00:00:00:00:0a"] },
  },
  { kind: "macvtap", name: "t", dev: "under", mode: "bridge" },
  { kind: "ipvlan", name: "t", dev: "under" },
  { kind: "ipvlan", name: "t", dev: "under", mode: "l3s", flags: "private" },
  { kind: "ipvtap", name: "t", dev: "under", mode: "l2", flags: "vepa" },
  { kind: "vrf", name: "t", table: 1001, up: true },
  { kind: "dummy", name: "t", mtu: 9000, up: true },
  { kind: "nlmon", name: "t", up: true },
  { kind: "vcan", name: "t", up: true },
  { kind: "netkit", name: "t" },
  {
    ...{ kind: "netkit", name: "t", mode: "l2", policy: "blackhole", peerPolicy: "blackhole" },
    peer: { name: "far", mac: "02:00:00:00:00:02", mtu: 1400 },
  },
  { kind: "netkit", name: "t", scrub: "none", peerScrub: "none", headroom: 64, tailroom: 32 },
  { kind: "hsr", name: "t", slave1: "under", slave2: "under1", supervision: 5, version: 1, mtu: 1300 },
  { kind: "hsr", name: "t", slave1: "under", slave2: "under1", proto: "prp" },
  { kind: "hsr", name: "t", slave1: "under", slave2: "under1", interlink: "other" },
  SEC,
  { ...SEC, sci: "0A0b0c0d0e0f0010", encrypt: true, replay: true, window: 32, validate: "check", encodingsa: 3 },
  { ...SEC, sciPort: 7, sendSci: false, endStation: true, protect: false, validate: "disabled" },
  { ...SEC, cipher: "gcm-aes-256", scb: true, sendSci: false },
] as readonly LinkConfig[];

const THEIRS: readonly (readonly [kind: KindName, script: string])[] = [
  ["vlan", "ip link add link under name t type vlan id 7 protocol 802.1ad gvrp on egress-qos-map 1:2 3:4"],
  ["vlan", "ip link add name b type bridge; ip link add link b name t type vlan id 7 bridge_binding on"],
  ["bond", "ip link add name t type bond mode 802.3ad; ip link set dev other master t; ip link set dev t up; sleep 1"],
  [
    "bond",
    "ip link add name m type bond mode active-backup miimon 100; ip link add name t type veth; ip link set dev t master m",
  ],
  [
    "bond",
    "ip link add name m type bond mode 802.3ad; ip link add name t type veth; ip link set dev t master m; ip link set dev m up",
  ],
  ["macvlan", "ip link add link under name t type macvlan mode source macaddr add 02:00:00:00:00:0a"],
  ["ipvlan", "ip link add link under name t type ipvlan mode l2 bridge"],
  ["vrf", "ip link add name m type vrf table 1001; ip link add name t type veth; ip link set dev t master m"],
  ["hsr", "ip link add name t type hsr slave1 under slave2 under1 proto 1"],
  ["macsec", "ip link add link under name t type macsec port 9 encrypt on validate check replay on window 5"],
];

/** Another value for an option, in a link of its own where the usual one does not do. */
interface Change {
  readonly to: unknown;
  readonly base?: object;
  readonly first?: LinkChanges;
}
type Changes = Readonly<Record<string, Change>>;
const MII = { mode: "active-backup", miimon: 100 };
const ARP = { mode: "active-backup", arpInterval: 200, arpIpTarget: ["192.0.2.1"] };
const LACP = { mode: "802.3ad" };
const BACKUP = { mode: "active-backup" };
const MACVLAN: readonly [base: object, changes: Changes] = [
  { dev: "under" },
  {
    dev: { to: "other" },
    mode: { to: "bridge" },
    nopromisc: { to: true, base: { mode: "passthru" } },
    nodst: { to: true, base: { mode: "source" } },
    macaddr: { to: ["02:00:00:00:00:0b"], base: { mode: "source", macaddr: ["02:00:00:00:00:0a"] } },
    bcqueuelen: { to: 7 },
    bclim: { to: -1 },
  },
];
const IPVLAN: readonly [base: object, changes: Changes] = [
  { dev: "under" },
  { dev: { to: "other" }, mode: { to: "l2" }, flags: { to: "private" } },
];
const EACH: Readonly<Partial<Record<KindName, readonly [base: object, changes: Changes]>>> = {
  vlan: [
    { dev: "under", id: 10, ingressQosMap: { 1: 2, 2: 3 }, egressQosMap: { 1: 2, 100: 3 } },
    {
      dev: { to: "other" },
      id: { to: 11 },
      protocol: { to: "802.1ad" },
      bridgeBinding: { to: true, base: { dev: "br" } },
      ingressQosMap: { to: { 2: 5, 7: 1 } },
      egressQosMap: { to: { 100: 7 } },
    },
  ],
  bond: [
    {},
    {
      mode: { to: "802.3ad" },
      activeSlave: { to: "p2", base: { ...MII, ports: ["p1", "p2"] } },
      primary: { to: "p2", base: { ...MII, ports: ["p1", "p2"] } },
      miimon: { to: 200 },
      updelay: { to: 200, base: MII },
      downdelay: { to: 200, base: MII },
      peerNotifyDelay: { to: 200, base: MII },
      arpInterval: { to: 300, base: ARP },
      arpIpTarget: { to: ["192.0.2.2", "192.0.2.1"], base: ARP },
      nsIp6Target: { to: ["2001:db8::1"], base: ARP },
      arpValidate: { to: "all", base: ARP },
      arpAllTargets: { to: "all" },
      arpMissedMax: { to: 9, base: BACKUP },
      primaryReselect: { to: "better", base: BACKUP },
      failOverMac: { to: "active" },
      xmitHashPolicy: { to: "layer2+3" },
      resendIgmp: { to: 9 },
      numGratArp: { to: 9 },
      minLinks: { to: 9 },
      lpInterval: { to: 9 },
      packetsPerSlave: { to: 9 },
      lacpRate: { to: "fast", base: LACP },
      lacpActive: { to: false, base: LACP },
      coupledControl: { to: false, base: LACP },
      broadcastNeighbor: { to: true, base: LACP },
      adSelect: { to: "bandwidth", base: LACP },
      adUserPortKey: { to: 9, base: LACP },
      adActorSysPrio: { to: 9, base: LACP },
      adActorSystem: { to: "02:00:00:00:00:0c", base: LACP },
      tlbDynamicLb: { to: false, base: { mode: "balance-tlb" } },
    },
  ],
  macvlan: MACVLAN,
  macvtap: MACVLAN,
  ipvlan: IPVLAN,
  ipvtap: IPVLAN,
  vrf: [{ table: 1001 }, { table: { to: 1002 } }],
  netkit: [
    { mode: "l2", peer: { name: "far" } },
    {
      peer: { to: { name: "further" } },
      mode: { to: "l3" },
      policy: { to: "blackhole" },
      peerPolicy: { to: "blackhole" },
      scrub: { to: "none" },
      peerScrub: { to: "none" },
      headroom: { to: 64 },
      tailroom: { to: 64 },
    },
  ],
  hsr: [
    { slave1: "under", slave2: "under1" },
    {
      slave1: { to: "other" },
      slave2: { to: "other" },
      interlink: { to: "other" },
      supervision: { to: 7 },
      proto: { to: "prp" },
    },
  ],
  macsec: [
    { dev: "under" },
    {
      dev: { to: "other" },
      sci: { to: "0a0b0c0d0e0f0010" },
      cipher: { to: "gcm-aes-256" },
      icvlen: { to: 12 },
      sendSci: { to: false },
      endStation: { to: true, base: { sendSci: false } },
      scb: { to: true, base: { sendSci: false } },
      replay: { to: false, base: { replay: true, window: 9 } },
      window: { to: 8, base: { replay: true, window: 9 } },
      validate: { to: "check" },
      encodingsa: { to: 2 },
    },
  ],
};

describe("links of layer 2", () => {
  before(function () {
    needs(this, "ip");
  });

  for (const config of OURS) {
    const { name: _, kind, ...shown } = config;
    it(`made by us: ${kind} ${JSON.stringify(shown)}`, async function () {
      await using made = await scene(UNDER);
      for (const key of Object.keys(config)) if (isTooNew(`${kind}.${key}`)) skip(this, `this kernel has no ${key}`);
      await make(this, made, config);
      const link = await made.link("t");
      deepEqual(unmet(config, link), []);
      await same(made, "t");
    });
  }

  for (const [kind, script] of THEIRS)
    it(`made by them: ${script}`, async function () {
      await using made = await scene(UNDER);
      try {
        await made.sh(script);
      } catch (error) {
        if (/Unknown device type/.test(String(error))) lacks(this, kind);
        throw error;
      }
      for (const { name } of await made.links.list()) await same(made, name);
    });

  for (const [kindName, [base, changes]] of Object.entries(EACH)) {
    const options = kindNamed(kindName)?.options ?? {};
    for (const [key, option] of Object.entries(options)) {
      if (option.readOnly || option.untold) continue;
      const { to, base: own, first = {} } = changes[key] ?? { to: undefined };
      it(`${kindName}: ${key} ${option.fixed ? "is fixed" : "changes"}`, async function () {
        if (isTooNew(`${kindName}.${key}`)) skip(this, `this kernel has no ${key}`);
        await using made = await scene(`${UNDER}; ip link add name br type bridge`);
        const { ports = [], ...config } = { ...base, ...own } as { readonly ports?: readonly string[] };
        await make(this, made, { kind: kindName, name: "t", ...config } as LinkConfig);
        if (ports.length > 0) await made.links.update("t", { up: true });
        for (const port of ports) {
          await made.links.create({ kind: "veth", name: port, master: "t", up: true, peer: { name: `${port}-far` } });
          await made.links.update(`${port}-far`, { up: true });
          while ((await made.link(port)).port?.miiStatus !== "up") await sleep(20);
        }
        await made.links.update("t", first);
        const before = (await made.link("t"))[key as "mtu"] as unknown;
        const change = { [key]: to ?? before === false } as LinkChanges;
        const untried = UNTRIED[`${kindName}.${key}`];
        if (untried !== undefined) skip(this, untried);
        if (key === "useCarrier" && !isUpTo(6, 17)) skip(this, "Linux 6.18 and later know one value only");
        if (option.ignored) {
          await rejects(made.links.update("t", change), InputError);
          return tried(`${kindName}.${key}`, "fixed");
        }
        if (option.fixed) {
          await rejects(made.links.update("t", change), (error) => {
            ok(error instanceof NetlinkError, String(error));
            equal(error.attribute, key);
            ok(["EOPNOTSUPP", "EINVAL", "EACCES", "ENOENT"].includes(error.code), error.code);
            return true;
          });
          deepEqual((await made.link("t"))[key as "mtu"], before);
          return tried(`${kindName}.${key}`, "fixed");
        }
        equal(option.inPlace(before, change[key as "mtu"]), true);
        deepEqual(await made.links.update("t", change), [key]);
        deepEqual(differences(change, await made.link("t")), []);
        deepEqual(await made.links.update("t", change), [], "once is enough");
        tried(`${kindName}.${key}`, "changes");
      });
    }
  }

  for (const [key, to] of Object.entries({ queueId: 3, prio: -7, actorPortPrio: 9 }))
    it(`ports of a bond: ${key} changes`, async function () {
      if (isTooNew(`bond_slave.${key}`)) skip(this, `this kernel has no ${key}`);
      await using made = await scene(UNDER);
      await make(this, made, { kind: "bond", name: "b", ...(key === "actorPortPrio" ? LACP : BACKUP) } as LinkConfig);
      await made.links.create({ kind: "veth", name: "t", master: "b" });
      const change = { port: { [key]: to } };
      deepEqual(await made.links.update("t", change), [`port.${key}`]);
      deepEqual(differences(change, await made.link("t")), []);
      tried(`bond_slave.${key}`, "changes");
    });

  const [bondBase, bondChanges] = EACH.bond ?? [{}, {}];
  for (const [key, { to, base = {} }] of Object.entries(bondChanges)) {
    const demands = kindNamed("bond")?.options[key]?.demands ?? [];
    const { ports: _, ...config } = { ...bondBase, ...base } as { readonly ports?: unknown };
    it(`bond: ${key} changes ${demands.length === 0 ? "whatever it is doing" : `only while it is ${demands.join(" and ")}`}`, async function () {
      if (isTooNew(`bond.${key}`)) skip(this, `this kernel has no ${key}`);
      if (typeof to === "string" && /^p\d$/.test(to)) skip(this, "names a port");
      for (const up of [false, true])
        for (const full of [false, true]) {
          await using made = await scene(UNDER);
          await make(this, made, { kind: "bond", name: "t", ...config, up } as LinkConfig);
          if (full) await made.links.create({ kind: "veth", name: "p", master: "t", peer: { name: "far" } });
          const met = demands.every((one) => (one === "down" ? !up : !full));
          const changed = made.links.update("t", { [key]: to } as LinkChanges).then(
            () => true,
            ({ code }) => {
              ok(["EBUSY", "ENOTEMPTY", "EACCES"].includes(code), code);
              return false;
            },
          );
          equal(await changed, met, `up ${up}, ports ${full}`);
        }
    });
  }

  it("tells that an option is ignored by the kernel", async function () {
    await using made = await scene(UNDER);
    await make(this, made, VLAN);
    const { index } = await made.link("t");
    await made.sh("ip link set dev t type vlan id 11 protocol 802.1ad");
    deepEqual([(await made.link("t")).id, (await made.link("t")).index], [10, index]);
    await rejects(made.links.update("t", { id: 11 }), /t\.id: can be chosen only when the link is made/);
  });

  it("switches a link off for a bond that is to have it", async function () {
    await using made = await scene(`${UNDER}; ip link set other up; ip link set other1 up`);
    await make(this, made, { kind: "bond", name: "b", mode: "active-backup", miimon: 100, up: true });
    await made.links.update("other", { master: "b", port: { queueId: 2 } });
    await made.links.create({ kind: "veth", name: "t", master: "b", up: true, port: { queueId: 1, prio: 5 } });
    for (const name of ["t", "other"]) {
      const { up, master, port } = await made.link(name);
      deepEqual([up, master, port?.queueId], [true, "b", name === "t" ? 1 : 2]);
      await same(made, name);
    }
    equal((await made.link("t")).port?.prio, 5);
    deepEqual(await made.links.update("t", { port: { queueId: 3, prio: 5 } }), ["port.queueId"]);
    await made.links.update("t", { master: null });
    equal((await made.link("t")).port, undefined);
  });

  it("refuses a port's option of another kind of master, before anything is sent", async function () {
    await using made = await scene(`${UNDER}; ip link add name br type bridge`);
    const far = { kind: "veth", name: "t", master: "br" } as const;
    await rejects(
      made.links.create({ ...far, port: { queueId: 1 } }),
      /t\.port\.queueId: is an option of a port of a bond, and the master is a bridge/,
    );
    equal(await made.links.get("t"), undefined);
    await make(this, made, { kind: "bond", name: "bo" });
    await made.links.create({ ...far, master: "bo" });
    await rejects(made.links.update("t", { port: { cost: 9 } }), /cost: is an option of a port of a bridge/);
    await rejects(
      made.links.update("t", { master: "br", port: { prio: 9 } }),
      /prio: is an option of a port of a bond/,
    );
    deepEqual(await made.links.update("t", { master: "br", port: { cost: 9 } }), ["master", "port.cost"]);
  });

  it("makes a netkit with its far end in another namespace", async function () {
    await using made = await scene();
    await using far = await TestNamespace.create();
    await using there = await Host.open({ netns: far });
    await make(this, made, { kind: "netkit", name: "t", peer: { name: "eth0", mtu: 1400, netns: far } });
    const [near, other] = [await made.link("t"), await there.links.get("eth0")];
    deepEqual([near.peer, near.parentIndex, near.primary, other?.primary], [undefined, other?.index, true, false]);
    equal(other?.mtu, 1400);
  });

  it("tells the link below by its name, and by its number where it lives elsewhere", async function () {
    await using made = await scene(UNDER);
    await using far = await TestNamespace.create();
    await using there = await Host.open({ netns: far });
    await make(this, made, { ...VLAN, netns: far });
    const vlan = await there.links.get("t");
    const under = await made.link("under");
    deepEqual([vlan?.dev, vlan?.parentIndex, typeof vlan?.parentNsid], [`#${under.index}`, under.index, "number"]);
  });
});
