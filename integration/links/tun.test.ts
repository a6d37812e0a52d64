/** Links of kind `tun`, which the kernel makes through a file and tells over rtnetlink. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { differences, type Link, type LinkChanges, type LinkConfig } from "../../lib/links/index.ts";
import { Links } from "../../lib/links/links.ts";
import { Connection } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { type IpLink, scene } from "./kit.ts";

/** What `ip -json tuntap` tells. */
interface IpTun {
  readonly ifname: string;
  readonly flags: readonly string[];
}

/** The same as ours, as `ip -d link` tells it. Names of users are not compared: they are the machine's. */
function agree(link: Link, theirs: IpLink): void {
  const { info_kind, info_data } = theirs["linkinfo"] as { info_kind: string; info_data: Record<string, unknown> };
  const { user, group, ...told } = info_data;
  equal(link.kind, info_kind);
  deepEqual([link.owner === null, link.ownerGroup === null], [user === undefined, group === undefined]);
  const queues = link.multiQueue === true ? { numqueues: link.queues, numdisabled: link.disabledQueues } : {};
  const { mode: type, pi, vnetHdr: vnet_hdr, multiQueue: multi_queue, persist } = link;
  deepEqual({ type, pi, vnet_hdr, multi_queue, persist, ...queues }, told);
}

/** And as `ip tuntap` tells it. */
function flagsOf({ mode = "tun", pi, vnetHdr, multiQueue }: Link): string[] {
  const flags = { [mode]: true, persist: true, pi, vnet_hdr: vnetHdr, multi_queue: multiQueue };
  return Object.entries(flags)
    .flatMap(([name, on]) => (on === true ? [name] : []))
    .sort();
}

describe("links: tun", () => {
  before(function () {
    needs(this, "ip");
    try {
      accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    } catch {
      skip(this, "no access to /dev/net/tun; modprobe tun, and run as root");
    }
  });

  const CONFIGS: readonly LinkConfig[] = [
    { kind: "tun", name: "tap0", mode: "tap" },
    { kind: "tun", name: "tun0", mode: "tun", pi: true, owner: 0 },
    { kind: "tun", name: "tap1", mode: "tap", vnetHdr: true, multiQueue: true, ownerGroup: 0, owner: null },
    {
      ...{ kind: "tun", name: "tap2", mode: "tap", mac: "02:00:00:00:00:07", mtu: 1400, alias: "of a guest" },
      ...{ master: "sw", port: { isolated: true, cost: 7 }, altnames: ["a-tap-with-a-long-name"], up: true },
    },
  ];
  for (const config of CONFIGS)
    it(`makes ${JSON.stringify(config)}`, async () => {
      await using stage = await scene("ip link add sw type bridge");
      const { links, ip, link } = stage;
      const index = await links.create(config);
      const made = await link(config.name);
      equal(made.index, index);
      deepEqual(differences(config, made), []);
      agree(made, await ip(config.name));
      equal(made.persist, true);
      // It looks into /sys, where another namespace may be seen; and it looks for the programs that have it open.
      const tuntap = "mount -t sysfs none /sys && ip -json tuntap 2>/dev/null";
      const [theirs] = JSON.parse(await stage.sh(`unshare -m sh -c '${tuntap}'`)) as IpTun[];
      const flags = theirs?.flags.filter((flag) => flag !== "filter") ?? []; // which packets the program wants
      deepEqual([...flags].sort(), flagsOf(made));
      await links.delete(config.name);
    });

  it("reads what ip makes", async () => {
    await using stage = await scene(`
      ip tuntap add t0 mode tap
      ip tuntap add t1 mode tun user 0 group 0 pi
      ip tuntap add t2 mode tap vnet_hdr multi_queue one_queue`);
    const told: Record<string, unknown> = {};
    for (const name of ["t0", "t1", "t2"]) {
      const link = await stage.link(name);
      agree(link, await stage.ip(name));
      told[name] = [link.mode, link.owner, link.ownerGroup, link.pi, link.vnetHdr, link.multiQueue, link.queues];
    }
    deepEqual(told, {
      t0: ["tap", null, null, false, false, false, undefined],
      t1: ["tun", 0, 0, true, false, false, undefined],
      t2: ["tap", null, null, false, true, true, 0],
    });
  });

  it("makes one in another namespace", async () => {
    await using here = await scene();
    await using there = await scene();
    const config: LinkConfig = { kind: "tun", name: "tap0", mode: "tap", mtu: 1300, up: true, netns: there.netns };
    const index = await here.links.create(config);
    equal(await here.links.get("tap0"), undefined);
    const made = await there.link("tap0");
    deepEqual([made.index, made.mtu, made.up], [index, 1300, true]);
    await rejects(here.links.create(config), { code: "EEXIST" });
  });

  it("changes what every link has, and refuses what only a new one takes", async () => {
    await using stage = await scene();
    const { links } = stage;
    await links.create({ kind: "tun", name: "tap0", mode: "tap" });
    deepEqual(await links.update("tap0", { mtu: 1400, mode: "tap", owner: null }), ["mtu"]);
    const more = [
      { mode: "tun" },
      { owner: 0 },
      { ownerGroup: 0 },
      { pi: true },
      { vnetHdr: true },
      { multiQueue: true },
    ];
    for (const change of more as readonly LinkChanges[]) {
      const [key = ""] = Object.keys(change);
      await rejects(links.update("tap0", change), { code: "EOPNOTSUPP", attribute: key });
      tried(`tun.${key}`, "fixed");
    }
  });

  it("tells refusals, and takes the link away again when the rest is refused", async () => {
    await using stage = await scene("ip link add v0 type veth peer name v1");
    const { links } = stage;
    const refused = async (config: object, expected: object): Promise<void> => {
      await rejects(links.create({ kind: "tun", name: "tap0", mode: "tap", ...config } as LinkConfig), expected);
      equal(await links.get("tap0"), undefined);
    };
    await refused({ mtu: 65535 }, { code: "EINVAL", attribute: "mtu", message: /^cannot create link tap0: / });
    await refused({ master: "v0" }, { attribute: "master" });
    await refused({ mac: "01:00:00:00:00:01", up: true }, { code: "EADDRNOTAVAIL", attribute: "mac" });
    await refused({ numTxQueues: 7 }, { code: "ERR_INPUT" });
    await refused({ mode: undefined }, { code: "ERR_INPUT", path: ["tap0", "mode"] });
    await refused({ mode: "macvtap" }, { code: "ERR_INPUT", path: ["tap0", "mode"] });
    await refused({ owner: -1 }, { code: "ERR_INPUT", path: ["tap0", "owner"] });
    await refused({ persist: false }, { code: "ERR_INPUT", path: ["tap0", "persist"] });
    await rejects(links.create({ kind: "tun", name: "v0", mode: "tap" }), {
      code: "EEXIST",
      message: /^cannot create link v0: .*\(EEXIST, at name\)$/,
    });
    equal((await stage.link("v0")).kind, "veth", "what was there before stays");

    // Without anybody who makes it: the kernel's own words.
    await using connection = Connection.open({ protocol: 0, netns: stage.netns.fd });
    await rejects(new Links(connection).create({ kind: "tun", name: "tap0", mode: "tap" }), { code: "EOPNOTSUPP" });
  });
});
