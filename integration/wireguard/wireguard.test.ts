/** What `wg` sets we read, what we set `wg` reads. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { Host } from "../../lib/host.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import type { WireguardDevice, WireguardPeer } from "../../lib/wireguard/words.ts";
import { needs, skip } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { type Scene, scene } from "../links/kit.ts";

const NONE = "(none)";

/** A peer as `wg show NAME dump` prints it, and the same of ours. */
function theirs(line: string): object {
  const [publicKey, presharedKey, endpoint, allowed = "", latest, rx, tx, keepalive] = line.split("\t");
  const allowedIps = allowed === NONE ? [] : allowed.split(",").sort();
  return { publicKey, presharedKey, endpoint, allowedIps, latest, rx, tx, keepalive };
}
function ours(peer: WireguardPeer): object {
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey ?? NONE,
    endpoint: peer.endpoint ?? NONE,
    allowedIps: [...peer.allowedIps].sort(),
    latest: String(Math.floor((peer.latestHandshake?.getTime() ?? 0) / 1000)),
    rx: String(peer.rxBytes),
    tx: String(peer.txBytes),
    keepalive: peer.persistentKeepalive === 0 ? "off" : String(peer.persistentKeepalive),
  };
}

/** Compares all that `wg` tells of wg0; returns it as we read it. */
async function agree({ host, sh }: Scene): Promise<WireguardDevice> {
  const device = await host.wireguard.get("wg0");
  ok(device);
  const [first = "", ...peers] = (await sh("wg show wg0 dump")).trimEnd().split("\n");
  const mark = device.fwmark === 0 ? "off" : `0x${device.fwmark.toString(16)}`;
  deepEqual([device.privateKey ?? NONE, device.publicKey ?? NONE, String(device.listenPort), mark], first.split("\t"));
  deepEqual(device.peers.map(ours), peers.map(theirs));
  equal(device.index, (await host.links.get("wg0"))?.index);
  for (const { protocolVersion } of device.peers) equal(protocolVersion, 1);
  return device;
}

/** A namespace with wg0 in it, made by ours. */
async function prepared(): Promise<Scene> {
  const stage = await scene();
  await stage.links.create({ kind: "wireguard", name: "wg0" });
  return stage;
}
const publicKey = (): string => wireguardPublicKey(generateWireguardKey());

describe("wireguard", function () {
  this.timeout(60_000);
  before(async function () {
    needs(this, "ip", "wg");
    try {
      await using _ = await prepared();
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "EOPNOTSUPP") throw error;
      skip(this, "this kernel has no links of kind wireguard; modprobe wireguard, or integration/kernels/run qemu");
    }
  });

  it("reads what wg sets", async () => {
    await using stage = await scene("ip link add wg0 type wireguard");
    equal((await stage.link("wg0")).kind, "wireguard");
    deepEqual((await agree(stage)).peers, []);
    const [one, other] = [publicKey(), publicKey()];
    await stage.sh(`
      a=$(mktemp); b=$(mktemp); wg genkey >$a; wg genpsk >$b
      wg set wg0 private-key $a listen-port 51820 fwmark 0xca6c \
        peer ${one} preshared-key $b endpoint 192.0.2.1:1 persistent-keepalive 25 allowed-ips 192.0.2.0/24,2001:db8::/32 \
        peer ${other} endpoint [2001:db8::1]:65535
      rm $a $b`);
    const device = await agree(stage);
    equal(device.fwmark, 0xca6c);
    equal(device.peers.length, 2);
    equal(device.publicKey, wireguardPublicKey(device.privateKey ?? ""));
  });

  it("sets what wg reads: keys, port, mark, and all that a peer has", async () => {
    await using stage = await prepared();
    const { host, sh } = stage;
    const privateKey = generateWireguardKey();
    const peer = {
      publicKey: publicKey(),
      presharedKey: generatePresharedKey(),
      endpoint: "192.0.2.1:51821",
      persistentKeepalive: 25,
      allowedIps: ["192.0.2.9", "10.0.0.0/8", "2001:db8::/32", "::1"],
    };
    const config = { privateKey, listenPort: 51820, fwmark: 7, peers: [peer] };
    await host.wireguard.set("wg0", config);
    const { allowedIps, ...rest } = (await agree(stage)).peers[0] as WireguardPeer;
    deepEqual([...allowedIps].sort(), ["10.0.0.0/8", "192.0.2.9/32", "2001:db8::/32", "::1/128"]);
    const { allowedIps: _, ...wanted } = peer;
    deepEqual(rest, { ...wanted, rxBytes: 0n, txBytes: 0n, protocolVersion: 1 });
    equal((await sh("wg show wg0 private-key")).trim(), privateKey);

    await host.wireguard.set("wg0", {});
    await host.wireguard.set("wg0", { peers: [{ publicKey: peer.publicKey }] });
    const same = await agree(stage);
    equal(same.listenPort, 51820, "absent means: leave it alone");
    equal(same.peers[0]?.presharedKey, peer.presharedKey);
    const { publicKey: name } = peer;
    await host.wireguard.set("wg0", {
      privateKey: null,
      fwmark: 0,
      peers: [{ publicKey: name, presharedKey: null, persistentKeepalive: 0 }],
    });
    const { privateKey: gone, fwmark, peers } = await agree(stage);
    deepEqual([gone, fwmark, peers[0]?.presharedKey, peers[0]?.persistentKeepalive], [undefined, 0, undefined, 0]);

    const other = { endpoint: "192.0.2.2:1", persistentKeepalive: 9, presharedKey: generatePresharedKey() };
    const values = { privateKey: generateWireguardKey(), listenPort: 51822, fwmark: 9 };
    await host.wireguard.set("wg0", { ...values, peers: [{ publicKey: name, ...other, allowedIps: ["10.9.0.0/16"] }] });
    const {
      peers: [now, ...more],
      ...changed
    } = await agree(stage);
    deepEqual({ ...now, ...other }, now);
    deepEqual({ ...changed, ...values }, changed);
    equal(more.length, 0);
    equal(now?.allowedIps.includes("10.9.0.0/16"), true);
    for (const word of Object.keys(values)) tried(`wireguard.${word}`, "changes");
    for (const word of [...Object.keys(other), "allowedIps"]) tried(`wireguard.peers.${word}`, "changes");
    await host.wireguard.set("wg0", { peers: [{ publicKey: publicKey() }] });
    equal((await agree(stage)).peers.length, 2);
    tried("wireguard.peers.publicKey", "another");
  });

  it("adds, moves, replaces and removes peers and their networks", async () => {
    await using stage = await prepared();
    const { wireguard } = stage.host;
    const [a, b, c] = [publicKey(), publicKey(), publicKey()];
    const networks = async (): Promise<Record<string, readonly string[]>> =>
      Object.fromEntries((await agree(stage)).peers.map((peer) => [peer.publicKey, [...peer.allowedIps].sort()]));
    await wireguard.set("wg0", {
      peers: [
        { publicKey: a, allowedIps: ["10.1.0.0/16", "10.2.0.0/16"] },
        { publicKey: b, allowedIps: ["10.3.0.0/16"] },
      ],
    });
    await wireguard.set("wg0", { peers: [{ publicKey: b, allowedIps: ["10.2.0.0/16"] }] });
    deepEqual(await networks(), { [a]: ["10.1.0.0/16"], [b]: ["10.2.0.0/16", "10.3.0.0/16"] });
    await wireguard.set("wg0", {
      peers: [
        { publicKey: b, allowedIps: ["10.4.0.0/16"], replaceAllowedIps: true },
        { publicKey: a, replaceAllowedIps: true },
        { publicKey: c, updateOnly: true, allowedIps: ["10.5.0.0/16"] },
      ],
    });
    deepEqual(await networks(), { [a]: [], [b]: ["10.4.0.0/16"] }, "c was not there");
    await wireguard.set("wg0", {
      peers: [
        { publicKey: a, remove: true },
        { publicKey: c, remove: true },
      ],
    });
    deepEqual(await networks(), { [b]: ["10.4.0.0/16"] });
    await wireguard.set("wg0", { replacePeers: true, peers: [{ publicKey: c }] });
    deepEqual(await networks(), { [c]: [] });
    await wireguard.set("wg0", { replacePeers: true });
    deepEqual(await networks(), {});
  });

  it("splits long lists over requests, and puts long answers together", async () => {
    await using stage = await prepared();
    const many = Array.from({ length: 700 }, (_, i) => ({
      publicKey: publicKey(),
      endpoint: i % 2 === 0 ? "192.0.2.1:9" : "[2001:db8::9]:9",
      allowedIps: [`10.${i >> 8}.${i & 255}.0/24`, `2001:db8:${i.toString(16)}::/48`],
    }));
    const wide = {
      publicKey: publicKey(),
      presharedKey: generatePresharedKey(),
      allowedIps: Array.from({ length: 3000 }, (_, i) => `172.16.${i >> 8}.${i & 255}`),
    };
    const rejected = { ...wide, publicKey: publicKey(), updateOnly: true };
    await stage.host.wireguard.set("wg0", { peers: [{ publicKey: publicKey() }] });
    await stage.host.wireguard.set("wg0", {
      replacePeers: true,
      peers: [rejected, ...many, wide, ...many.slice(0, 1)],
    });
    const { peers } = await agree(stage);
    equal(peers.length, 701);
    equal(peers.find((peer) => peer.publicKey === wide.publicKey)?.allowedIps.length, 3000);
    // Once more, all at once: it replaces, and does not add up.
    const fewer = { ...wide, allowedIps: wide.allowedIps.slice(0, 1500), replaceAllowedIps: true };
    await stage.host.wireguard.set("wg0", { peers: [fewer] });
    equal((await agree(stage)).peers.find((peer) => peer.publicKey === wide.publicKey)?.allowedIps.length, 1500);
  });

  it("names the link of a link-local endpoint", async () => {
    await using stage = await scene("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up");
    await stage.links.create({ kind: "wireguard", name: "wg0" });
    const index = (await stage.link("v0")).index;
    await stage.host.wireguard.set("wg0", {
      peers: [
        { publicKey: publicKey(), endpoint: "[fe80::1%v0]:7" },
        { publicKey: publicKey(), endpoint: `[fe80::2%${index}]:7` },
      ],
    });
    const { peers } = await agree(stage);
    deepEqual(
      peers.map(({ endpoint }) => endpoint),
      ["[fe80::1%v0]:7", "[fe80::2%v0]:7"],
    );
    await rejects(
      stage.host.wireguard.set("wg0", { peers: [{ publicKey: publicKey(), endpoint: "[fe80::1%nope]:7" }] }),
      { code: "ERR_INPUT" },
    );
  });

  it("tells refusals in the caller's words, and never a key", async () => {
    await using stage = await scene("ip link add v0 type veth peer name v1");
    const { wireguard, links } = stage.host;
    equal(await wireguard.get("nope"), undefined);
    await rejects(wireguard.get("v0"), { code: "EOPNOTSUPP", attribute: "name" });
    await rejects(wireguard.set("nope", { listenPort: 1 }), {
      code: "ENODEV",
      message: /^cannot set WireGuard of nope: .*\(ENODEV, at name\)$/,
    });
    await rejects(wireguard.set("v0", { listenPort: 1 }), { code: "EOPNOTSUPP", attribute: "name" });
    for (const name of ["wg0", "wg1"]) await links.create({ kind: "wireguard", name, up: true });
    await wireguard.set("wg0", { listenPort: 5555 });
    await rejects(wireguard.set("wg1", { listenPort: 5555 }), { code: "EADDRINUSE", attribute: "listenPort" });

    const secret = generateWireguardKey();
    await wireguard.set("wg0", { privateKey: secret, peers: [{ publicKey: publicKey(), presharedKey: secret }] });
    const device = await wireguard.get("wg0");
    equal(device?.privateKey, secret);
    ok(!inspect(device, { depth: 9 }).includes(secret));
    match(inspect(device, { depth: 9 }), /privateKey: '\(hidden\)'[\s\S]*presharedKey: '\(hidden\)'/);
  });

  it("brings packets from one host to another, and tells of the handshake", async () => {
    await using near = await prepared();
    await using away = await TestNamespace.create();
    await using far = await Host.open({ netns: away });
    const [one, other] = [generateWireguardKey(), generateWireguardKey()];
    // Its packets travel where it was made.
    await near.sh("ip link set lo up");
    await near.links.create({ kind: "wireguard", name: "wg1" });
    await near.host.wireguard.set("wg0", {
      privateKey: one,
      listenPort: 1111,
      peers: [{ publicKey: wireguardPublicKey(other), endpoint: "127.0.0.1:2222", allowedIps: ["192.0.2.2"] }],
    });
    const wanted = { privateKey: other, listenPort: 2222 };
    const peer = { publicKey: wireguardPublicKey(one), allowedIps: ["192.0.2.1"] };
    await near.host.wireguard.set("wg1", { ...wanted, peers: [peer] });
    await near.links.move("wg1", away);
    await near.host.addresses.create({ address: "192.0.2.1/24", dev: "wg0" });
    await far.addresses.create({ address: "192.0.2.2/24", dev: "wg1" });
    await near.links.update("wg0", { up: true });
    await far.links.update("wg1", { up: true });
    const begin = Date.now();
    await near.sh("ping -c 2 -i 0.2 -W 5 192.0.2.2");
    await sleep(50);
    const [told] = (await agree(near)).peers;
    ok(told?.latestHandshake && Math.abs(told.latestHandshake.getTime() - begin) < 20_000);
    ok(told.rxBytes > 0n && told.txBytes > 0n);
    equal((await far.wireguard.get("wg1"))?.peers[0]?.endpoint, "127.0.0.1:1111");
  });
});
