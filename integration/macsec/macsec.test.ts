/** What `ip macsec` sets we read, what we set it reads, and packets pass with keys only. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { MacsecDevice, MacsecRxSc, MacsecSa } from "../../lib/macsec/words.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { framesDuring } from "../links/frames.ts";
import { type Scene, scene } from "../links/kit.ts";

const [NEAR, FAR] = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
const SCI = "02000000000b0001";
const SALT = "0102030405060708090a0b0c";
const newKey = (bytes = 16): string => randomBytes(bytes).toString("hex");
const CABLE = `ip link add v0 address ${NEAR} type veth peer name v1 address ${FAR}; ip link set v0 up; ip link set v1 up`;

/* ---- ours, in the words of ip -json -s macsec show ---- */

/** `inPktsUnknownSci` is `InPktsUnknownSCI`. */
const theirWord = (word: string): string =>
  `${word[0]?.toUpperCase()}${word.slice(1)}`.replace(/(Ok|Sci|Sa)$/, (end) => end.toUpperCase());
const counters = (statistics: object): object =>
  Object.fromEntries(Object.entries(statistics).map(([word, count]) => [theirWord(word), Number(count)]));
const sa = ({ an, pn, xpn, active, keyId, ssci, statistics }: MacsecSa & { readonly statistics: object }): object => ({
  an,
  // iproute2 6.1 shows 32 bits of 64.
  pn: pn ?? Number(BigInt.asUintN(32, xpn ?? 0n)),
  ...(ssci !== undefined && { ssci: `0x${ssci.toString(16)}` }),
  active,
  key: keyId,
  ...counters(statistics),
});
const hexadecimal = (sci: string): string => `0x${BigInt(`0x${sci}`).toString(16)}`;
const rxsc = ({ sci, active, rxsas, statistics }: MacsecRxSc): object => ({
  sci: hexadecimal(sci),
  active,
  ...counters(statistics),
  sa_list: rxsas.map(sa),
});
const ours = (device: MacsecDevice): object => ({
  ifindex: device.index,
  ifname: device.dev,
  protect: device.protect,
  validate: device.validate,
  encrypt: device.encrypt,
  send_sci: device.sendSci,
  end_station: device.endStation,
  scb: device.scb,
  replay: device.replay,
  ...(device.window !== undefined && { window: device.window }),
  cipher_suite: device.cipher.toUpperCase(),
  icv_length: device.icvlen,
  sci: hexadecimal(device.sci),
  encoding_sa: device.encodingsa,
  ...counters(device.statistics),
  sa_list: device.txsas.map(sa),
  rx_sc: device.rxscs.map(rxsc),
  offload: device.offload,
});

/** Compares all that `ip` tells of sec; returns it as we read it. */
async function agree({ host, sh }: Scene): Promise<MacsecDevice> {
  for (let n = 1; ; n++) {
    const device = await host.macsec.get("sec");
    const [shown] = JSON.parse(await sh("ip -json -s macsec show sec")) as object[];
    ok(device !== undefined && shown !== undefined);
    const { sc, sa: _, ...theirs } = shown as { sc: unknown; sa: unknown };
    try {
      deepEqual(ours(device), theirs);
      return device;
    } catch (error) {
      // A packet may have come between.
      if (n === 5) throw error;
      await sleep(100);
    }
  }
}

/** A cable, and sec over one end of it, made by ours. */
async function prepared(options: object = {}): Promise<Scene> {
  const stage = await scene(CABLE);
  await stage.links.create({ kind: "macsec", name: "sec", dev: "v0", sciPort: 1, encrypt: true, ...options });
  return stage;
}

describe("macsec", function () {
  this.timeout(240_000);
  before(async function () {
    needs(this, "ip");
    try {
      await using _ = await prepared();
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "EOPNOTSUPP") throw error;
      skip(this, "this kernel has no links of kind macsec; integration/kernels/run uml integration/macsec");
    }
  });

  it("reads what ip sets", async () => {
    const key = newKey();
    await using stage = await scene(`${CABLE}
ip link add name sec link v0 type macsec port 1 encrypt on replay on window 32
ip macsec add sec tx sa 0 pn 100 on key 01 ${key}
ip macsec add sec tx sa 3 pn 5 key 0203 ${key}
ip macsec add sec rx sci ${SCI} on
ip macsec add sec rx sci ${SCI} sa 1 pn 7 off key 04 ${key}
ip macsec add sec rx port 2 address ${FAR} off`);
    const device = await agree(stage);
    deepEqual(
      device.txsas.map(({ an, pn, active }) => [an, pn, active]),
      [
        [0, 100, true],
        [3, 5, false],
      ],
    );
    deepEqual(device.rxscs.map(({ sci }) => sci).sort(), [SCI, "02000000000b0002"]);
    await stage.sh("ip link property add dev sec altname another-name-for-sec");
    const { macsec } = stage.host;
    deepEqual(
      [...(await macsec.list()), await macsec.get("another-name-for-sec")].map((one) => one?.dev),
      ["sec", "sec"],
    );
  });

  it("sets what ip reads, changes it, and takes it away", async () => {
    await using stage = await prepared();
    const { txsa, rxsc, rxsa } = stage.host.macsec;
    const [dev, an, sci] = ["sec", 2, SCI];
    await txsa.create({ dev, an, pn: 9, active: true, keyId: "0a0b", key: newKey() });
    await rxsc.create({ dev, address: FAR, sciPort: 1 });
    await rxsa.create({ dev, sci, an, keyId: "0c", key: newKey() });
    const made = await agree(stage);
    const [sent, from] = [made.txsas[0], made.rxscs[0]];
    deepEqual([sent?.an, sent?.pn, sent?.active, sent?.keyId], [2, 9, true, "0a0b".padEnd(32, "0")]);
    deepEqual([from?.sci, from?.active, from?.rxsas[0]?.pn, from?.rxsas[0]?.active], [SCI, true, 1, false]);

    await txsa.update({ dev, an, pn: 77 });
    await rxsa.update({ dev, sci, an, active: true });
    await rxsc.update({ dev, sci, active: false });
    const changed = await agree(stage);
    deepEqual([changed.txsas[0]?.pn, changed.txsas[0]?.active], [77, true], "absent means: leave it alone");
    deepEqual([changed.rxscs[0]?.active, changed.rxscs[0]?.rxsas[0]?.active], [false, true]);

    await txsa.update({ dev, an, active: false });
    await txsa.delete({ dev, an });
    await rxsc.delete({ dev, sci });
    const { txsas, rxscs } = await agree(stage);
    deepEqual([txsas, rxscs], [[], []]);
    await stage.host.macsec.setOffload("sec", "off");
  });

  it("has packet numbers of 64 bits, salts and short identifiers", async () => {
    await using stage = await prepared({ cipher: "gcm-aes-xpn-256" });
    const { txsa, rxsc, rxsa } = stage.host.macsec;
    const more = { dev: "sec", an: 0, keyId: "01", key: newKey(32), salt: SALT, active: true };
    await txsa.create({ ...more, xpn: 0x7_0000_0005n, ssci: 0x11223344 });
    await rxsc.create({ dev: "sec", sci: SCI });
    await rxsa.create({ ...more, sci: SCI, ssci: 2 });
    const { txsas, rxscs } = await agree(stage);
    deepEqual([txsas[0]?.xpn, txsas[0]?.ssci], [0x7_0000_0005n, 0x11223344]);
    deepEqual([rxscs[0]?.rxsas[0]?.xpn, rxscs[0]?.rxsas[0]?.ssci], [1n, 2]);
    await txsa.update({ dev: "sec", an: 0, xpn: 0x9_0000_0000n });
    equal((await agree(stage)).txsas[0]?.xpn, 0x9_0000_0000n);
    const { keyId, key } = more;
    await rejects(txsa.create({ dev: "sec", an: 1, keyId, key }), { code: "EINVAL", attribute: "salt" });
    await rejects(txsa.create({ ...more, an: 1, key: newKey(), ssci: 1 }), { code: "EINVAL", attribute: "key" });
    await rejects(txsa.update({ dev: "sec", an: 0, pn: 5 }), { code: "EINVAL", attribute: "pn" });
  });

  it("tells refusals with their reason, and never a key", async () => {
    await using stage = await prepared();
    const { macsec } = stage.host;
    const key = newKey();
    const one = { dev: "sec", an: 0, keyId: "01", key, active: true };
    const refused = async (promise: Promise<unknown>, wanted: object): Promise<void> => {
      await rejects(promise, (error) => {
        ok(error instanceof NetlinkError && !`${error}${JSON.stringify(error)}`.includes(key));
        for (const [word, value] of Object.entries(wanted)) equal(error[word as "code"], value, `${error}`);
        return true;
      });
    };
    await macsec.txsa.create(one);
    await refused(macsec.txsa.create(one), { code: "EBUSY", attribute: "an" });
    await refused(macsec.txsa.delete({ dev: "sec", an: 0 }), { code: "EBUSY", attribute: "an" });
    await refused(macsec.txsa.update({ dev: "sec", an: 1, active: true }), { code: "ENODEV", attribute: "an" });
    await refused(macsec.txsa.create({ ...one, an: 1, key: key + key }), { code: "EINVAL", attribute: "key" });
    await refused(macsec.txsa.create({ ...one, an: 1, salt: SALT, ssci: 1 }), { code: "EINVAL", attribute: "salt" });
    await refused(macsec.rxsa.create({ ...one, sci: SCI }), { code: "ENODEV", attribute: "sci" });
    await macsec.rxsc.create({ dev: "sec", sci: SCI });
    await refused(macsec.rxsc.create({ dev: "sec", sci: SCI }), { code: "EEXIST", attribute: "sci" });
    await refused(macsec.rxsa.delete({ dev: "sec", sci: SCI, an: 0 }), { code: "ENODEV", attribute: "an" });
    await refused(macsec.setOffload("sec", "mac"), { code: "EOPNOTSUPP", attribute: "offload" });
    await refused(macsec.txsa.create({ ...one, dev: "v0" }), { code: "ENODEV", attribute: "dev" });
    await refused(macsec.get("v0"), { code: "EOPNOTSUPP", attribute: "dev" });
    equal(await macsec.get("nope"), undefined);
    await rejects(macsec.txsa.delete({ dev: "nope", an: 0 }), { code: "ERR_INPUT" });
    const { txsas, rxscs } = await agree(stage);
    deepEqual([txsas.length, rxscs.length], [1, 1], "what was refused changed nothing");
  });

  it("says so where a link has more channels than the kernel can tell", async () => {
    await using stage = await prepared();
    const { rxsc } = stage.host.macsec;
    const create = (n: number) => rxsc.create({ dev: "sec", address: FAR, sciPort: n });
    for (let n = 1; n <= 40; n++) await create(n);
    equal((await agree(stage)).rxscs.length, 40);
    await Promise.all(Array.from({ length: 400 }, (_, i) => create(41 + i)));
    await rejects(stage.host.macsec.get("sec"), { code: "EOPNOTSUPP", message: /more channels than the kernel tells/ });
  });

  it("lets packets through with the right key only, and nothing plain on the cable", async function () {
    needs(this, "ping", "python3");
    await using near = await scene(CABLE);
    await using far = await scene();
    await near.links.move("v1", far.netns);
    await far.links.update("v1", { up: true });
    const ends = [
      { at: near, dev: "v0", mac: NEAR, other: FAR, address: "192.0.2.1/24" },
      { at: far, dev: "v1", mac: FAR, other: NEAR, address: "192.0.2.2/24" },
    ];
    const key = newKey();
    const secure = async (an: number, keys: readonly string[]): Promise<void> => {
      for (const [i, { at, other }] of ends.entries()) {
        const { txsa, rxsa } = at.host.macsec;
        const how = { dev: "sec", an, keyId: "01", active: true };
        await txsa.create({ ...how, key: keys[i] as string });
        await rxsa.create({ ...how, address: other, sciPort: 1, key: keys[0] as string });
      }
    };
    for (const { at, dev, other, address } of ends) {
      await at.host.sysctls.set(`net.ipv6.conf.${dev}.disable_ipv6`, 1);
      await at.links.create({ kind: "macsec", name: "sec", dev, sciPort: 1, encrypt: true });
      await at.host.sysctls.set("net.ipv6.conf.sec.disable_ipv6", 1);
      await at.host.macsec.rxsc.create({ dev: "sec", address: other, sciPort: 1 });
      await at.host.addresses.create({ address, dev: "sec" });
      await at.links.update("sec", { up: true });
    }
    await secure(0, [key, newKey()]);
    match(await near.sh("ping -n -c 1 -W 1 192.0.2.2 || echo none"), /none/);
    const [wrong] = (await agree(near)).rxscs;
    ok(wrong && wrong.statistics.inPktsNotValid >= 1n, "the far end sends with another key");

    await secure(1, [key, key]);
    for (const { at } of ends) await at.links.update("sec", { encodingsa: 1 });
    const pattern = "6c696e6b77726967";
    const visible = async (): Promise<boolean> => {
      const frames = await framesDuring(near, "v0", `ping -n -c 1 -W 5 -p ${pattern} 192.0.2.2`);
      ok(frames.length >= 2, `${frames.length} frames`);
      for (const frame of frames) equal(frame.slice(24, 28), "88e5", "IEEE 802.1AE");
      return frames.some((frame) => frame.includes(pattern));
    };
    equal(await visible(), false);
    const sent = (await agree(near)).txsas.find(({ an }) => an === 1);
    ok((sent?.statistics.outPktsEncrypted ?? 0) >= 1 && (sent?.pn ?? 0) >= 2);
    const [from] = (await agree(far)).rxscs;
    ok(from && from.statistics.inPktsOk >= 1n && from.statistics.inOctetsDecrypted > 0n);
    ok((from.rxsas.find(({ an }) => an === 1)?.statistics.inPktsOk ?? 0) >= 1);
    await near.links.update("sec", { encrypt: false });
    equal(await visible(), true, "protected, and not hidden: the listener would see it");
  });
});
