/** Keys that plans only refer to: what is kept, where, and what is said of them. */
import { deepEqual, doesNotMatch, equal, match, rejects } from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../../lib/host.ts";
import { idOf, readKey, Secrets } from "../../lib/state/secrets.ts";
import type { Request } from "../../lib/state/step.ts";
import { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";

describe("secrets of a plan", () => {
  let folder: string;
  const secret = generateWireguardKey();
  const shared = generatePresharedKey();
  const publicKey = wireguardPublicKey(secret);
  const device = { privateKey: secret, publicKey, peers: [{ publicKey, presharedKey: shared }] };
  const host = { wireguard: { get: async () => device } } as unknown as Host;
  const config = {
    privateKey: { held: publicKey },
    peers: [{ publicKey, presharedKey: { held: idOf("preshared", shared) } }],
  };
  const back: readonly Request[] = [{ object: "wireguard", verb: "update", words: { name: "wg0", config } }];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "linkwright-keys-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("are held before they are replaced, in files that nobody else may read, until they are forgotten", async () => {
    const secrets = new Secrets(folder);
    await secrets.hold(host, back);
    const whole = { privateKey: secret, peers: [{ publicKey, presharedKey: shared }] };
    deepEqual(await secrets.resolve(config), whole);
    for (const name of await readdir(folder)) equal((await stat(join(folder, name))).mode & 0o777, 0o600);
    const later = new Secrets(folder);
    deepEqual(await later.resolve(config), whole);
    await later.forget();
    deepEqual(await readdir(folder), []);
    await rejects(later.resolve(config), /the former private key .* was not kept; set it by hand: wg set/);
  });

  it("come from files that have to hold what they held when the plan was made", async () => {
    const file = join(folder, "key");
    await writeFile(file, `${secret}\n`);
    const wanted = { privateKey: { file, id: publicKey } };
    deepEqual(await new Secrets().resolve(wanted), { privateKey: secret });
    await writeFile(file, generateWireguardKey());
    await rejects(new Secrets().resolve(wanted), /holds another key than when the plan was made; plan again/);
  });

  it("are not shown where a file holds something else", async () => {
    const file = join(folder, "key");
    await writeFile(file, "hunter2hunter2");
    const error = await readKey(file).catch((cause: unknown) => cause);
    match(String(error), /key holds no key; expected a key: 32 bytes in base64/);
    doesNotMatch(String(error), /hunter2/);
    await rejects(readKey(join(folder, "none")), /there is no such file/);
    await rejects(readKey(folder), /it is a directory/);
  });
});
