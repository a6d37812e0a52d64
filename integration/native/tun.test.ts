import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { loadBinding } from "../../native-bindings/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { answer, assertApart, descriptors, ERRNO, inChild, listIn, newNamespace, sleep, times } from "./kit.ts";

/** Source: include/uapi/linux/if_tun.h (IFF_*). */
const TUN = 0x1;
const TAP = 0x2;
const MULTI_QUEUE = 0x100;
const NO_PI = 0x1000;
const ONE_QUEUE = 0x2000;
const VNET_HDR = 0x4000;
const NOBODY = 0xffff_ffff;

describe("native layer: tun and tap", function () {
  this.timeout(30_000);
  before(function () {
    assertApart();
    try {
      accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    } catch {
      skip(this, "no access to /dev/net/tun; modprobe tun, and run as root");
    }
  });

  let ns = -1;
  beforeEach(async () => {
    ns = await newNamespace();
  });
  afterEach(() => {
    loadBinding().nsClose(ns);
  });

  const make = (name: string, flags: number, owner = NOBODY, group = NOBODY, fd = ns): Promise<number> =>
    answer<number>((done) => loadBinding().tunNew(fd, name, flags, owner, group, done));
  const devices = async (fd = ns): Promise<string[]> =>
    ((await listIn(fd, "/proc/sys/net/ipv4/conf")) as string[])
      .filter((name) => !["all", "default", "lo"].includes(name))
      .sort();

  /** What `ip` tells of a device there. */
  function ip(name: string): Record<string, unknown> {
    let said = "[]";
    loadBinding().nsCall(ns, () => {
      said = spawnSync("ip", ["-json", "-d", "link", "show", "dev", name], { encoding: "utf8" }).stdout;
    });
    const [link] = JSON.parse(said) as { linkinfo?: { info_data?: Record<string, unknown> } }[];
    assert(link?.linkinfo?.info_data, `ip tells nothing of ${name}: ${said}`);
    return link.linkinfo.info_data;
  }

  it("makes devices that stay, with all that was asked for", async function () {
    needs(this, "ip");
    assert.equal(await make("tap0", TAP | NO_PI), 0);
    const plain = { type: "tap", pi: false, vnet_hdr: false, multi_queue: false, persist: true };
    assert.deepEqual(ip("tap0"), plain);
    assert.equal(await make("tun0", TUN | VNET_HDR | MULTI_QUEUE | ONE_QUEUE, 0, 0), 0);
    const { user, group, ...rest } = ip("tun0");
    assert.deepEqual([user, group], ["root", "root"]);
    const all = {
      type: "tun",
      pi: true,
      vnet_hdr: true,
      multi_queue: true,
      numqueues: 0,
      numdisabled: 0,
      persist: true,
    };
    assert.deepEqual(rest, all);
  });

  it("makes them in the namespace that the descriptor meant at the time of the call, and nowhere else", async () => {
    const before = await devices(-1);
    const making = make("tap0", TAP);
    assert.equal(loadBinding().nsClose(ns), 0);
    const other = await newNamespace(); // most likely the same number
    assert.equal(await making, 0);
    assert.deepEqual(await devices(other), []);
    assert.deepEqual(await devices(-1), before);
    loadBinding().nsClose(other);
    ns = await newNamespace();
    // -1 is where the caller is when it calls.
    let inside: Promise<number> | undefined;
    loadBinding().nsCall(ns, () => {
      inside = make("tap1", TAP, NOBODY, NOBODY, -1);
    });
    assert.equal(await inside, 0);
    assert.deepEqual(await devices(), ["tap1"]);
    assert.deepEqual(await devices(-1), before);
  });

  it("never takes a device that is there already", async () => {
    assert.equal(await make("tap0", TAP), 0);
    assert.equal(await make("tap0", TAP), ERRNO.EEXIST);
    assert.equal(await make("tap0", TUN), ERRNO.EEXIST);
    assert.equal(await make("lo", TAP), ERRNO.EEXIST);
    assert.deepEqual(await devices(), ["tap0"]);
  });

  it("leaves nothing behind where the owner is refused", function () {
    needs(this, "unshare");
    const wrap = ["unshare", "-Urn"];
    if (spawnSync("unshare", ["-Urn", "test", "-w", "/dev/net/tun"]).status !== 0) skip(this, "no user namespace here");
    inChild("tunRefused", { wrap });
  });

  it("says at once what it does not take, and never calls back", async () => {
    const done = () => assert.fail();
    const none = (name: string, flags: number, fd = ns): number =>
      loadBinding().tunNew(fd, name, flags, NOBODY, NOBODY, done);
    for (const flags of [0, TUN | TAP, NO_PI, TAP | 0x8000, TAP | 0x10, TAP | 0x10000, TAP + 2 ** 31])
      assert.equal(none("tap0", flags), ERRNO.EINVAL, `flags ${flags}`);
    for (const name of ["tap%d", "sixteen-letters-", "x".repeat(4000)])
      assert.equal(none(name, TAP), ERRNO.EINVAL, name);
    assert.equal(none("tap0", TAP, 9999), ERRNO.EBADF);
    const wrong = loadBinding().tunNew as (...args: unknown[]) => unknown;
    for (const list of [
      [ns, "", TAP, NOBODY, NOBODY, done],
      [ns, "a\0b", TAP, NOBODY, NOBODY, done],
      [ns, "tap0", -1, NOBODY, NOBODY, done],
      [ns, "tap0", TAP, -1, NOBODY, done],
      [ns, "tap0", TAP, NOBODY, 2 ** 32, done],
      [ns, "tap0", TAP, NOBODY, NOBODY, undefined],
      [ns, "tap0", TAP, NOBODY, done],
    ])
      assert.throws(() => wrong(...list), TypeError);
    await sleep(20);
    assert.equal(await make("../tap", TAP), ERRNO.EINVAL);
    assert.equal(await make("a b", TAP), ERRNO.EINVAL);
    assert.deepEqual(await devices(), []);
  });

  it("keeps no descriptor", async () => {
    await make("tap0", TAP);
    const before = descriptors();
    const results = await Promise.all(Array.from({ length: times(100) }, (_, i) => make(`t${i}`, i % 2 ? TAP : TUN)));
    assert(results.every((status) => status === 0));
    assert.equal((await devices()).length, results.length + 1);
    assert.equal(descriptors(), before);
  });
});
