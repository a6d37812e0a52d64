import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { differences } from "../../lib/links/differences.ts";
import type { AnyKind } from "../../lib/links/kind.ts";
import { kindNamed } from "../../lib/links/kinds/index.ts";
import type { Options } from "../../lib/links/option.ts";
import { portOptions } from "../../lib/links/ports/bridge.ts";
import type { Link, LinkChanges, LinkConfig } from "../../lib/links/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { isTooNew, type Scene, scene } from "./kit.ts";

const UNDER = `ip link set lo up; ip link add under type veth peer name under1; ip link set under up; ip link set under1 up
ip link add other type veth peer name other1; ip link set other up; ip link set other1 up`;

/** Another value for an option, in a link of its own where the usual one does not do, and what has to be changed first. */
interface Change {
  readonly to: unknown;
  readonly base?: Partial<Record<string, unknown>>;
  readonly first?: LinkChanges;
}
type Changes = Readonly<Record<string, Change>>;
const V6 = { remote: "2001:db8::1", local: "2001:db8::2" };
const VXLAN: Changes = {
  vni: { to: 40 },
  dev: { to: "other" },
  remote: { to: "192.0.2.25" },
  local: { to: "192.0.2.26" },
  dstport: { to: 4790 },
  srcport: { to: { low: 1, high: 2 } },
  ttl: { to: 9 },
  tos: { to: 16 },
  label: { to: 0x12345, base: V6 },
  labelPolicy: { to: "inherit", base: V6 },
  ageing: { to: 60 },
  limit: { to: 5 },
  df: { to: "set" },
  reservedBits: { to: "0x00f7ff00000000ff" },
  gpe: { to: true, base: { external: true, dstport: 4790 } },
  vnifilter: { to: true, base: { external: true } },
};
const BRIDGE: Changes = {
  forwardDelay: { to: 4 },
  hello: { to: 1 },
  maxAge: { to: 10 },
  ageing: { to: 60 },
  stpMode: { to: "user" },
  priority: { to: 100 },
  vlanProtocol: { to: "802.1ad" },
  vlanDefaultPvid: { to: 7 },
  vlanStatsPerPort: { to: true, first: { vlanStats: true } },
  mcastVlanSnooping: { to: true, first: { vlanFiltering: true } },
  groupFwdMask: { to: 8 },
  groupAddress: { to: "01:80:c2:00:00:05" },
  fdbMaxLearned: { to: 7 },
  mcastRouter: { to: 2 },
  mcastHashMax: { to: 512 },
  mcastLastMemberCount: { to: 3 },
  mcastStartupQueryCount: { to: 3 },
  mcastLastMemberInterval: { to: 2 },
  mcastMembershipInterval: { to: 100 },
  mcastQuerierInterval: { to: 100 },
  mcastQueryInterval: { to: 100 },
  mcastQueryResponseInterval: { to: 9 },
  mcastStartupQueryInterval: { to: 20 },
  mcastIgmpVersion: { to: 3 },
  mcastMldVersion: { to: 2 },
};
const PORT: Changes = {
  state: { to: "disabled" },
  priority: { to: 5 },
  cost: { to: 7 },
  mcastRouter: { to: 2 },
  mcastMaxGroups: { to: 9 },
  mcastEhtHostsLimit: { to: 9 },
  groupFwdMask: { to: 8 },
  backupPort: { to: "other" },
  backupNhid: { to: 8 },
};
/** What only a kernel with VLAN filtering has; without it some of these crash it. */
const NEED_VLANS = new Set([
  ...["vlanFiltering", "vlanProtocol", "vlanDefaultPvid", "vlanStats", "vlanStatsPerPort", "mcastVlanSnooping"],
  ...["mst", "fdbLocalVlan0"],
]);
/** What this kernel does not tell is no option of its own. */
const unknownHere = (link: Link, key: string): boolean =>
  !(key in link) || (NEED_VLANS.has(key) && link.vlanDefaultPvid === undefined);

function changeOf(changes: Changes, key: string, now: unknown): Change {
  const change = changes[key];
  if (change !== undefined) return change;
  equal(typeof now, "boolean", `${key} needs a value to change to`);
  return { to: !now };
}

async function accepted({ links, link }: Scene, changes: LinkChanges, key: string): Promise<void> {
  deepEqual(await links.update("t", changes), [key]);
  deepEqual(differences(changes, await link("t")), []);
  deepEqual(await links.update("t", changes), [], "once is enough");
}

const settable = (options: Options): [key: string, fixed: boolean][] =>
  Object.entries(options).flatMap(([key, { readOnly, fixed, untold }]) => (readOnly || untold ? [] : [[key, fixed]]));

/** One test for each option of a kind: what may change does, what is fixed is refused with the option's name. */
function eachOption(kindName: "vxlan" | "bridge", changes: Changes, base: object): void {
  const kind = kindNamed(kindName) as AnyKind;
  for (const [key, fixed] of settable(kind.options))
    it(`${kindName}: ${key} ${fixed ? "is fixed" : "changes"}`, async function () {
      await using made = await scene(UNDER);
      const config = { kind: kindName, name: "t", ...base, ...changes[key]?.base } as LinkConfig;
      await made.links.create(config);
      const unchanged = await made.link("t");
      if (isTooNew(key) || (unknownHere(unchanged, key) && changes[key]?.base === undefined && key !== "local"))
        skip(this, `this kernel does not tell ${key}`);
      await made.links.update("t", { ...changes[key]?.first });
      const now = await made.link("t");
      const { to } = changeOf(changes, key, now[key as "mtu"]);
      const change = { [key]: to } as LinkChanges;
      equal(kind.options[key]?.inPlace(now[key as "mtu"], to), !fixed);
      if (!fixed) {
        await accepted(made, change, key);
        return tried(`${kindName}.${key}`, "changes");
      }
      await rejects(made.links.update("t", change), (error) => {
        ok(error instanceof NetlinkError, String(error));
        equal(error.code, "EOPNOTSUPP");
        equal(error.attribute, key);
        ok(error.message.startsWith("cannot change link t: "), error.message);
        return true;
      });
      deepEqual((await made.link("t"))[key as "mtu"], now[key as "mtu"]);
      tried(`${kindName}.${key}`, "fixed");
    });
}

describe("changes of links", () => {
  eachOption("vxlan", VXLAN, { vni: 39, dev: "under", remote: "192.0.2.24", ttl: 5 });
  eachOption("bridge", BRIDGE, {});

  it("vxlan: mcroute changes, which the kernel does not tell", async function () {
    if (isTooNew("mcroute")) skip(this, "this kernel has no mcroute, and would take it without a word");
    await using made = await scene(UNDER);
    await made.links.create({ kind: "vxlan", name: "t", vni: 39, dev: "under", remote: "192.0.2.24" });
    deepEqual(await made.links.update("t", { mcroute: true }), ["mcroute"]);
    // Where the kernel takes no change of a flag, it says so.
    await rejects(made.links.update("t", { gbp: true }), { code: "EOPNOTSUPP", attribute: "gbp" });
    tried("vxlan.mcroute", "changes");
  });

  for (const [key] of settable(portOptions))
    it(`port: ${key} changes`, async function () {
      await using made = await scene(
        `${UNDER}; ip link add name b type bridge; ip link set dev b up; ip link set dev other master b`,
      );
      await made.links.create({ kind: "veth", name: "t", master: "b", up: true, peer: { name: "far" } });
      await made.links.update("far", { up: true });
      // The bridge looks at a port's carrier a moment later, and then sets the states of all its ports.
      for (const name of ["t", "other"]) while ((await made.link(name)).port?.state !== "forwarding") await sleep(5);
      const { port } = await made.link("t");
      ok(port !== undefined);
      const untold = isTooNew(`port.${key}`) || (!(key in port) && key !== "backupPort" && key !== "backupNhid");
      if (untold) skip(this, `this kernel does not tell ${key}`);
      // Unknown addresses are noted at a locked port that learns.
      if (key === "mab") await made.links.update("t", { port: { locked: true, learning: true } });
      const { to } = changeOf(PORT, key, port[key as "cost"]);
      await accepted(made, { port: { [key]: to } }, `port.${key}`);
      // Of none the kernel tells nothing.
      if (key === "backupNhid") await accepted(made, { port: { [key]: 0 } }, `port.${key}`);
      tried(`bridge_slave.${key}`, "changes");
    });

  const COMMON: readonly LinkChanges[] = [
    { mac: "02:00:00:00:00:AB" },
    { broadcast: "ff:ff:ff:ff:ff:fe" },
    { mtu: 1400 },
    { alias: "an alias; $(id)" },
    { txqlen: 0 },
    { group: 7 },
    { gsoMaxSize: 30_000 },
    { gsoMaxSegs: 9 },
    { groMaxSize: 30_000 },
    { gsoIpv4MaxSize: 30_000 },
    { groIpv4MaxSize: 30_000 },
    { addrGenMode: "none" },
    { up: true },
    { arp: false },
    { multicast: false },
    { allmulticast: true },
    { promisc: true },
    { trailers: false },
    { dynamic: true },
    { linkmode: "dormant" },
    { token: "::5" },
    { altnames: ["first", "a-second-name-of-many-bytes"] },
    { master: "b" },
  ];
  for (const change of COMMON)
    it(`every link: ${JSON.stringify(change)}`, async function () {
      for (const key of Object.keys(change)) if (isTooNew(key)) skip(this, `this kernel does not tell ${key}`);
      await using made = await scene("ip link add name b type bridge");
      await made.links.create({ kind: "veth", name: "t" });
      const [key = ""] = Object.keys(change);
      await accepted(made, change, key);
      tried(`link.${key}`, "changes");
    });

  for (const key of ["numTxQueues", "numRxQueues"])
    it(`every link: ${key} is fixed`, async function () {
      if (isTooNew(key)) skip(this, `this kernel does not tell ${key}`);
      await using made = await scene("ip link add name t type veth");
      const before = (await made.link("t"))[key as "mtu"];
      await rejects(made.links.update("t", { [key]: before + 1 }), InputError);
      // The kernel takes it without a word.
      await made.sh(`ip link set dev t ${key.toLowerCase()} ${before + 1} || true`);
      equal((await made.link("t"))[key as "mtu"], before);
      tried(`link.${key}`, "fixed");
    });

  it("sets the state of a port that is made and switched on", async () => {
    await using made = await scene("ip link add name b type bridge; ip link set dev b up");
    await made.links.create({ kind: "ifb", name: "t", master: "b", up: true, port: { state: "learning", cost: 9 } });
    const { port, up } = await made.link("t");
    deepEqual([up, port?.state, port?.cost], [true, "learning", 9]);
  });

  it("takes out of the bridge, takes names and alias away", async () => {
    await using made = await scene("ip link add name b type bridge");
    const { links } = made;
    await links.create({ kind: "veth", name: "t", master: "b", alias: "x", altnames: ["y", "z"] });
    deepEqual(
      await links.update("t", { master: null, alias: "", altnames: ["z"] }),
      ["master", "alias", "altnames"].sort((a, b) => (a === "master" ? 1 : b === "master" ? -1 : 0)),
    );
    const link = await made.link("z");
    deepEqual([link.master, link.port, link.alias, link.altnames], [undefined, undefined, undefined, ["z"]]);
    await links.update("t", { name: "renamed", up: true });
    equal((await made.link("renamed")).up, true);
    equal(await links.get("t"), undefined);
    tried("link.name", "changes");
    await made.sh("ip link set dev renamed type bridge");
    equal((await made.link("renamed")).kind, "veth");
    tried("link.kind", "kept");
  });

  it("keeps a bridge's MTU only when it was told, at creation and later, also the one it has", async () => {
    await using made = await scene(UNDER);
    const { links, link } = made;
    const mtuOf = async (name: string): Promise<number> => (await link(name)).mtu;
    await links.create({ kind: "bridge", name: "follows" });
    await links.create({ kind: "bridge", name: "told", mtu: 1500 });
    await links.create({ kind: "bridge", name: "later" });
    deepEqual(await links.update("later", { mtu: 1500 }), ["mtu"]);
    for (const master of ["follows", "told", "later"]) {
      await links.create({ kind: "veth", name: `p-${master}`, mtu: 1300, master });
      equal(await mtuOf(master), master === "follows" ? 1300 : 1500);
    }
  });

  it("lowers the MTU of a VXLAN without a word, and tells when asked", async () => {
    await using made = await scene(UNDER);
    const { links, link } = made;
    const config: LinkConfig = { kind: "vxlan", name: "t", vni: 39, dev: "under", remote: "192.0.2.1", mtu: 1500 };
    await links.create(config);
    deepEqual(differences(config, await link("t")), [{ key: "mtu", wanted: 1500, found: 1450 }]);
    await rejects(links.update("t", { mtu: 1500 }), /cannot change link t: .* \(EINVAL, at mtu\)/);
    await links.update("t", { dev: "other" });
    equal((await link("t")).mtu, 1450);
  });

  it("does what comes before a refusal, and nothing after it", async () => {
    await using made = await scene(UNDER);
    const { links, link } = made;
    await links.create({ kind: "vxlan", name: "t", vni: 39, remote: "192.0.2.1" });
    await rejects(
      links.update("t", { remote: "192.0.2.2", dstport: 1, mtu: 1400, up: true }),
      /Cannot change port \(EOPNOTSUPP, at dstport\)/,
    );
    const now = await link("t");
    deepEqual([now.remote, now.dstport, now.mtu, now.up], ["192.0.2.2", 4789, 1500, false]);
  });
});
