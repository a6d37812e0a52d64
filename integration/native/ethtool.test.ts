import assert from "node:assert";
import { loadBinding } from "../../native-bindings/index.ts";
import { answer, assertApart, Connection, ERRNO, listIn, newNamespace, newVeth, sleep, times } from "./kit.ts";

/** Source: include/uapi/linux/ethtool.h (ETHTOOL_*, ETH_SS_STATS, struct ethtool_drvinfo and the other requests). */
const GDRVINFO = 0x03;
const GLINK = 0x0a;
const GRINGPARAM = 0x10;
const SPAUSEPARAM = 0x13;
const GSTRINGS = 0x1b;
const GSTATS = 0x1d;
const GSSET_INFO = 0x37;
const GFEATURES = 0x3a;
const SFEATURES = 0x3b;
const SCHANNELS = 0x3d;
const GLINKSETTINGS = 0x4c;
const SLINKSETTINGS = 0x4d;
const STATS = 1;
const EFAULT = -14;
const ENODEV = -19;

const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);
const words = (data: Uint8Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length >> 2);
/** A request with as much room as `length` says. */
function request(length: number, ...values: readonly number[]): Uint8Array {
  const data = new Uint8Array(length);
  data.set(bytes(...values));
  return data;
}

describe("native layer: ethtool", () => {
  before(assertApart);

  let ns = -1;
  let device = "";
  beforeEach(async () => {
    ns = await newNamespace();
    const maker = new Connection({ ns });
    maker.ask(newVeth(1));
    maker.close();
    const names = await listIn(ns, "/proc/sys/net/ipv4/conf");
    device = typeof names === "number" ? "" : (names.find((name) => name.startsWith("veth")) ?? "");
  });
  afterEach(() => {
    loadBinding().nsClose(ns);
  });

  const ask = (name: string, data: Uint8Array, fd = ns): Promise<number> =>
    answer<number>((done) => loadBinding().ethtool(fd, Buffer.from(name), data, done));

  it("asks for a device of that namespace", async () => {
    const data = request(196, GDRVINFO);
    assert.equal(await ask(device, data), 0);
    assert.equal(Buffer.from(data.subarray(4, 36)).toString().replaceAll("\0", ""), "veth");
    assert.equal(await ask(device, request(196, GDRVINFO), -1), ENODEV);
    assert.equal(await ask("nope", data), ENODEV);
  });

  it("refuses a command that is not on its list, and one without the room that it promises", async () => {
    const done = () => assert.fail();
    const none = (data: Uint8Array, name = "lo"): number => loadBinding().ethtool(ns, Buffer.from(name), data, done);
    for (const command of [0, 1, 2, 0x04, 0x0b, 0x2f, 0x47, 0xffffffff])
      assert.equal(none(request(4096, command)), ERRNO.EINVAL, `command ${command}`);
    const short: readonly (readonly [length: number, ...values: number[]])[] = [
      [0],
      [3],
      [195, GDRVINFO],
      [16 + 64 * 4 - 1, GSSET_INFO],
      [11, GSTRINGS],
      [12 + 31, GSTRINGS, STATS, 1],
      [12 + 32, GSTRINGS, STATS, 0xffffffff],
      [12 + 32, GSTRINGS, STATS, 0x08000001],
      [8 + 15, GSTATS, 2],
      [8 + 8, GSTATS, 0x20000001],
      [8 + 15, GFEATURES, 1],
      [8 + 8, GFEATURES, 0x10000001],
      [8 + 7, SFEATURES, 1],
      [(1 << 20) + 1, GSTATS, 1],
      [7, GLINK],
      [35, GRINGPARAM],
      [15, SPAUSEPARAM],
      [35, SCHANNELS],
      [47, GLINKSETTINGS],
      // The number of words in a set of modes is the last byte of the fourth word.
      [48 + 11, GLINKSETTINGS, 0, 0, 1 << 24],
      [48 + 35, SLINKSETTINGS, 0, 0, 3 << 24],
      [48 + 12 * 126, SLINKSETTINGS, 0, 0, 127 << 24],
    ];
    for (const [length, ...values] of short)
      assert.equal(none(request(length, ...values.slice(0, length >> 2))), ERRNO.EINVAL, `${values} in ${length}`);
    for (const name of ["", "sixteen-letters!"]) assert.equal(none(request(196, GDRVINFO), name), ERRNO.EINVAL);
    assert.equal(loadBinding().ethtool(9999, Buffer.from("lo"), request(196, GDRVINFO), done), ERRNO.EBADF);
    assert.throws(() => none("text" as unknown as Uint8Array), TypeError);
    assert.throws(() => loadBinding().ethtool(ns, "lo" as unknown as Uint8Array, request(196), done), TypeError);
    await sleep(20);
  });

  it("stays inside of the array where the device has more to tell than there is room", async () => {
    const info = request(16 + 64 * 4, GSSET_INFO, 0, 1 << STATS);
    assert.equal(await ask(device, info), 0);
    const count = words(info)[4] ?? 0;
    assert(count > 1, `${count} statistics`);
    const whole = request(8 + 8 * count, GSTATS, count);
    assert.equal(await ask(device, whole), 0);
    assert.equal(words(whole)[1], count);
    // Older kernels write all of them; 6.18.44 tells that there are none.
    const cut = request(8 + 8, GSTATS, 1);
    const kept = Buffer.from(cut);
    const result = await ask(device, cut);
    assert([EFAULT, ERRNO.EINVAL, 0].includes(result), `result ${result}`);
    if (result < 0) assert.deepEqual(Buffer.from(cut), kept, "an error leaves the array as it was");
  });

  it("does not mind what becomes of the array, and many at once", async () => {
    const arrays = Array.from({ length: times(200) }, () => request(196, GDRVINFO));
    const results = arrays.map((data, i) => {
      const asked = ask(device, data);
      if (i % 2 === 1) structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
      return asked;
    });
    assert.deepEqual(new Set(await Promise.all(results)), new Set([0]));
    for (const [i, data] of arrays.entries()) {
      if (i % 2 === 0) assert.equal(Buffer.from(data.subarray(4, 8)).toString(), "veth");
      else assert.equal(data.length, 0);
    }
  });
});
