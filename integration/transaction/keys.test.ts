/** Keys that an application replaces come back with a guardian. */
import { equal } from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "../state/kit.ts";
import { directory, endAll, eventually, start } from "./kit.ts";

describe("keys that were replaced", function () {
  this.timeout(400_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  let text: string;
  let before: string;
  const keys = {
    old: generateWireguardKey(),
    fresh: generateWireguardKey(),
    shared: generatePresharedKey(),
    other: generatePresharedKey(),
  };
  const peer = wireguardPublicKey(generateWireguardKey());

  beforeEach(async function () {
    needs(this, "ip", "wg");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
    const made = await bm1.sh("ip link add wg0 type wireguard 2>&1 || true");
    if (made !== "") skip(this, `this kernel has no WireGuard (${made.trim()}); integration/kernels/run qemu`);
    for (const [name, key] of Object.entries(keys)) await writeFile(join(place.path, name), key, { mode: 0o600 });
    const of = (name: keyof typeof keys): string => join(place.path, name);
    await bm1.sh(
      `wg set wg0 private-key ${of("old")} listen-port 5000 peer ${peer} preshared-key ${of("shared")} allowed-ips 10.7.0.0/24; ip link set wg0 up`,
    );
    text = `linkwright: 1
links:
  wg0:
    kind: wireguard
    privateKeyFile: ${of("fresh")}
    peers: [{ publicKey: "${peer}", presharedKeyFile: ${of("other")}, allowedIps: [10.7.0.0/24] }]
`;
    before = await told();
  });
  afterEach(async () => {
    endAll();
    await hosts?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });

  /** Both keys, as the kernel has them. */
  const told = (): Promise<string> => bm1.sh("wg show wg0 private-key; wg show wg0 preshared-keys; ip link show wg0");
  const state = (): string => join(place.path, "state");
  const own = async (): Promise<string> => join(state(), (await readdir(state()))[0] ?? "");
  const heldIn = async (): Promise<readonly string[]> =>
    (await readdir(await own())).filter((name) => name.startsWith("held-"));

  /** The program is killed when both keys were replaced; as long as it is only stopped, the guardian waits. */
  async function killed(confirm: number): Promise<void> {
    const [privateKey, sharedKeys] = before.split("\n");
    const order = { call: "transact", directory: state(), document: { text }, at: "done", confirm } as const;
    const { child, end } = start(bm1.namespace, { ...order, signal: "SIGSTOP" });
    const replaced = async (): Promise<boolean> => {
      const now = (await told()).split("\n");
      return now[0] !== privateKey && now[1] !== sharedKeys;
    };
    const failed = end.then(({ said }) => Promise.reject(new Error(`it ended too early: ${said}`)));
    await Promise.race([eventually(replaced, true, 200_000), failed]);
    child.kill("SIGKILL");
    const { signal, said } = await end;
    equal(signal, "SIGKILL", said);
  }

  it("are put back by a guardian, and forgotten", async () => {
    await killed(300);
    await eventually(told, before, 60_000);
    await eventually(heldIn, [], 60_000);
  });
});
