/** Secrets that an application replaces or takes away come back after a kill, and are nobody else's to read meanwhile. */
import { deepEqual, doesNotMatch, equal, ok } from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "../state/kit.ts";
import { directory, type End, endAll, run } from "./kit.ts";
import type { Order } from "./program.ts";

/** What an application does, and what it would be to lose. */
interface Case {
  readonly secrets: readonly string[];
  readonly text: string;
  /** What the kernel tells of the secrets. */
  told(): Promise<string>;
}

/** Moments from one kill to the next: each takes two processes. */
const STRIDE = 5;
const SECRET = "2001:0db8:05ec:02e7:0000:0000:0000:5151";

describe("secrets, where an application is killed,", function () {
  this.timeout(300_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  beforeEach(async function () {
    needs(this, "ip");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
  });
  afterEach(async () => {
    endAll();
    await hosts?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });

  async function addresses(): Promise<Case> {
    const file = "/proc/sys/net/ipv6/conf/vx0/stable_secret";
    await bm1.sh(
      `ip link add vx0 type vxlan id 5 dstport 4789 dev ens34f0; echo ${SECRET} >${file}; ip link set vx0 up`,
    );
    return {
      secrets: [SECRET],
      text: "linkwright: 1\nlinks: { vx0: { kind: vxlan, vni: 6, dev: ens34f0 } }\n",
      told: () => bm1.sh(`cat ${file}; ip -d link show vx0 | grep -o 'addrgenmode [a-z_]*'`),
    };
  }

  async function wireguard(): Promise<Case | undefined> {
    if ((await bm1.sh("ip link add wg0 type wireguard 2>&1 || true")) !== "") return undefined;
    const keys = {
      old: generateWireguardKey(),
      fresh: generateWireguardKey(),
      shared: generatePresharedKey(),
      other: generatePresharedKey(),
    };
    const peer = wireguardPublicKey(generateWireguardKey());
    await mkdir(join(place.path, "keys"));
    const of = (name: keyof typeof keys): string => join(place.path, "keys", name);
    for (const [name, key] of Object.entries(keys))
      await writeFile(of(name as keyof typeof keys), key, { mode: 0o600 });
    await bm1.sh(
      `wg set wg0 private-key ${of("old")} listen-port 5000 peer ${peer} preshared-key ${of("shared")} allowed-ips 10.7.0.0/24; ip link set wg0 up`,
    );
    return {
      secrets: Object.values(keys),
      text: `linkwright: 1\nlinks: { wg0: { kind: wireguard, privateKeyFile: ${of("fresh")},
        peers: [{ publicKey: "${peer}", presharedKeyFile: ${of("other")}, allowedIps: [10.7.0.0/24] }] } }\n`,
      told: () => bm1.sh("wg show wg0 private-key; wg show wg0 preshared-keys; wg show wg0 listen-port"),
    };
  }

  const state = (): string => join(place.path, "state");
  const shows = (text: string, { secrets }: Case): void => {
    for (const secret of secrets) ok(!text.includes(secret), "a secret is shown");
  };

  /** Files for their owner only, and no secret in any but those that are made to hold one. */
  async function checkFiles(one: Case): Promise<void> {
    const names = await readdir(state(), { recursive: true }).catch(() => []);
    for (const name of names) {
      const path = join(state(), name);
      const found = await stat(path);
      equal(found.mode & 0o077, 0, `${name} is for others too`);
      if (found.isFile() && !/held-[0-9a-f]{32}$/.test(name)) shows(await readFile(path, "latin1"), one);
    }
  }

  async function everywhere(one: Case): Promise<void> {
    const before = await one.told();
    const order: Order = {
      call: "transact",
      directory: state(),
      document: { text: one.text },
      allowRecreate: true,
    };
    const seen: string[] = [];
    for (let at = 2; ; at += STRIDE) {
      const end: End = await run(bm1.namespace, { ...order, at });
      shows(`${end.out}${end.said}`, one);
      await checkFiles(one);
      if (end.signal !== "SIGKILL") {
        equal(end.code, 0, end.said);
        break;
      }
      const back = await run(bm1.namespace, { call: "recover", directory: state() });
      equal(back.code, 0, back.said);
      shows(`${back.out}${back.said}`, one);
      const outcome = (JSON.parse(back.out) as { state: string }).state;
      seen.push(outcome);
      if (outcome === "committed") break;
      equal(await one.told(), before, `moment ${at}`);
      const left = (await readdir(state(), { recursive: true }).catch(() => [])).filter((name) => /held-/.test(name));
      deepEqual(left, [], "a secret is kept after all is over");
    }
    ok(seen.filter((outcome) => outcome === "reverted").length > 1, seen.join());
  }

  it("that IPv6 addresses are made of, come back by recover", async () => everywhere(await addresses()));

  it("of WireGuard, come back by recover", async function () {
    needs(this, "wg");
    const one = await wireguard();
    if (one === undefined) skip(this, "this kernel has no WireGuard; integration/kernels/run qemu");
    await everywhere(one);
  });

  it("are in no message of a refusal", async () => {
    const one = await addresses();
    const refused = `${one.text}routes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]\n`;
    const before = await one.told();
    const order: Order = { call: "transact", directory: state(), document: { text: refused }, allowRecreate: true };
    const end = await run(bm1.namespace, order);
    equal(end.code, 1, end.out);
    doesNotMatch(`${end.out}${end.said}`, /05ec:02e7/);
    await checkFiles(one);
    equal(await one.told(), before);
  });
});
