/** WireGuard in documents: what `wg` shows, and that no key is in a plan, an error or a step. */
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { Secrets } from "../../lib/state/secrets.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "../links/kit.ts";

const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));
const REFUSED = "routes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]";

describe("WireGuard in documents", function () {
  this.timeout(120_000);
  let made: Scene;
  let folder: string;
  before(function () {
    needs(this, "ip", "wg");
  });
  beforeEach(async function () {
    made = await scene("");
    folder = await mkdtemp(join(tmpdir(), "linkwright-wg-"));
    const { stderr } = await made.sh("ip link add wgx type wireguard && ip link delete wgx").then(
      () => ({ stderr: "" }),
      (error) => ({ stderr: String(error) }),
    );
    if (stderr.includes("Unknown device type"))
      skip(this, "this kernel has no WireGuard; integration/kernels/run qemu");
  });
  afterEach(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const planFor = async (desired: Desired): Promise<Plan> => plan(await observe(made.host, desired), desired);
  const dump = (): Promise<string> => made.sh("wg show wg0 dump | sort");

  it("makes, changes, verifies and removes, and undoes with the former keys", async () => {
    const [own, other, shared, former] = [0, 1].map(generateWireguardKey).concat([0, 1].map(generatePresharedKey)) as [
      string,
      string,
      string,
      string,
    ];
    const far = [0, 1, 2].map(() => wireguardPublicKey(generateWireguardKey()));
    const file = (name: string): string => join(folder, name);
    await writeFile(file("own"), `${own}\n`, { mode: 0o600 });
    await writeFile(file("other"), other, { mode: 0o600 });
    await writeFile(file("psk"), shared, { mode: 0o600 });
    await writeFile(file("former"), former, { mode: 0o600 });
    const first = `links:
  wg0:
    kind: wireguard
    listenPort: 51820
    fwmark: 7
    privateKeyFile: ${file("own")}
    peers:
      - { publicKey: "${far[0]}", allowedIps: [10.1.0.0/16, 10.2.0.0/16], endpoint: "192.0.2.1:51820", presharedKeyFile: ${file("former")} }
      - { publicKey: "${far[1]}", allowedIps: [10.3.0.0/16], persistentKeepalive: 25 }`;
    const next = await planFor(document(first));
    await apply(made.host, next);
    deepEqual((await planFor(document(first))).steps, []);
    ok((await verify(made.host, document(first))).ok);
    const before = await dump();
    match(before, new RegExp(`^${own.replace(/[+/]/g, "\\$&")}\t`, "m"));
    const second = `links:
  wg0:
    kind: wireguard
    listenPort: 51821
    privateKeyFile: ${file("other")}
    peers:
      - { publicKey: "${far[0]}", allowedIps: [10.1.0.0/16], presharedKeyFile: ${file("psk")} }
      - { publicKey: "${far[2]}", allowedIps: [10.2.0.0/16, "2001:db8::/32"], endpoint: "[2001:db8::9]:1" }`;
    const failing = document(`${second}\n${REFUSED}`);
    const planned = await planFor(failing);
    const secrets = new Secrets(folder);
    for (const attempt of [undefined, secrets]) {
      const error = await apply(made.host, planned, { secrets: attempt }).catch((cause: unknown) => cause);
      match(String(error), /undone/);
      equal(await dump(), before);
      for (const key of [own, other, shared, former])
        doesNotMatch(
          JSON.stringify([next, planned, String(error)]),
          new RegExp(key.slice(0, 40).replace(/[+/]/g, "\\$&")),
        );
    }
    await secrets.forget();
    await apply(made.host, await planFor(document(second)));
    ok((await verify(made.host, document(second))).ok);
    deepEqual((await planFor(document(second))).steps, []);
    const last = await dump();
    match(last, /10\.2\.0\.0\/16,2001:db8::\/32|2001:db8::\/32,10\.2\.0\.0\/16/);
    equal(last.split("\n").length, 4);
    const removal = planRemoval(await observe(made.host, document(second)), document(second));
    await apply(made.host, removal);
    equal(await made.host.links.get("wg0"), undefined);
  });

  it("refuses a key file that is not there before anything is changed", async () => {
    await rejects(
      planFor(document(`links: { wg0: { kind: wireguard, privateKeyFile: ${join(folder, "none")} } }`)),
      /f\.yaml:2:\d+: links\.wg0\.privateKeyFile: cannot read the key in .*: there is no such file/,
    );
    equal(await made.host.links.get("wg0"), undefined);
  });
});
