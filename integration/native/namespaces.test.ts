import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { loadBinding } from "../../native-bindings/index.ts";
import { needs, skip } from "../../test/needs.ts";
import {
  assertApart,
  Connection,
  descriptors,
  dumpLinks,
  ERRNO,
  getLink,
  home,
  inChild,
  listIn,
  newNamespace,
  newVeth,
  poke,
  procId,
  readIn,
  SOL_SOCKET,
  sleep,
  until,
  writeIn,
} from "./kit.ts";

const FORWARD = "/proc/sys/net/ipv4/ip_forward";
const SO_NETNS_COOKIE = 71;

describe("native layer: namespaces", function () {
  this.timeout(30_000);
  before(assertApart);

  let ns = -1;
  beforeEach(async () => {
    ns = await newNamespace();
  });
  afterEach(() => {
    assert.equal(loadBinding().nsClose(ns), 0);
  });

  it("makes one without going there", () => {
    assert.notEqual(readlinkSync(`/proc/self/fd/${ns}`), home());
    const own = loadBinding().nsSelf();
    assert.equal(readlinkSync(`/proc/self/fd/${own}`), home());
    assert.equal(loadBinding().nsClose(own), 0);
  });

  it("closes only descriptors that it made itself", () => {
    const binding = loadBinding();
    const file = openSync("/dev/null", "r");
    assert.equal(binding.nsClose(file), ERRNO.EBADF);
    closeSync(file);
    for (const fd of [-1, -5, 0, 1, 2, 1e6, 2 ** 31 - 1]) assert.equal(binding.nsClose(fd), ERRNO.EBADF);
    const foreign = openSync("/proc/self/ns/net", "r");
    assert.equal(binding.nsClose(foreign), ERRNO.EBADF);
    closeSync(foreign);
    // Closed behind its back, and the number taken by something else.
    const own = binding.nsSelf();
    closeSync(own);
    const other = openSync("/dev/null", "r");
    assert.equal(other, own);
    assert.equal(binding.nsClose(own), ERRNO.EBADF);
    closeSync(other);
  });

  it("opens a namespace file and nothing else", () => {
    const binding = loadBinding();
    const before = descriptors();
    const fd = binding.nsOpen(`/proc/${procId()}/ns/net`);
    assert.equal(readlinkSync(`/proc/self/fd/${fd}`), home());
    assert.equal(binding.nsClose(fd), 0);
    assert.equal(binding.nsOpen("/proc/self/ns/uts"), ERRNO.EINVAL);
    assert.equal(binding.nsOpen("/dev/null"), ERRNO.EINVAL);
    assert.equal(binding.nsOpen("/tmp"), ERRNO.EINVAL);
    assert.equal(binding.nsOpen("/nowhere"), ERRNO.ENOENT);
    assert.throws(() => binding.nsOpen("/proc/self/ns/net\0x"), TypeError);
    assert.equal(descriptors(), before);
  });

  it("opens sockets there", () => {
    const [here, there] = [new Connection(), new Connection({ ns })];
    const cookie = (c: Connection): string => {
      const out = new Uint8Array(8);
      assert.equal(loadBinding().getopt(c.handle, SOL_SOCKET, SO_NETNS_COOKIE, out), 8);
      return Buffer.from(out).toString("hex");
    };
    assert.notEqual(cookie(here), cookie(there));
    assert.equal(there.ask(newVeth(1))[0]?.type, 2);
    const links = (c: Connection): number => c.ask(dumpLinks(2)).filter(({ type }) => type === 16).length;
    assert.equal(links(there), 3);
    here.close();
    there.close();
  });

  it("hears events from there", async () => {
    const c = new Connection({ ns }).monitor();
    poke(5);
    await sleep(20);
    assert.equal(c.events.length, 0);
    poke(1, ns);
    await until(() => c.events.length > 0, "an event");
    assert.equal(await c.exchange(getLink(1)), 1);
    c.close();
  });

  it("reads and writes sysctls of that one only", async () => {
    const before = readFileSync(FORWARD, "utf8");
    assert.equal(await writeIn(ns, FORWARD, "1\n"), 2);
    assert.equal(await readIn(ns, FORWARD), "1\n");
    assert.equal(await writeIn(ns, FORWARD, "0\n"), 2);
    assert.equal(await readIn(ns, FORWARD), "0\n");
    assert.equal(readFileSync(FORWARD, "utf8"), before);
    assert.equal(await readIn(-1, FORWARD), before);
    assert.equal(await writeIn(ns, FORWARD, "zz\n"), ERRNO.EINVAL);
    assert.equal(await readIn(ns, "/proc/sys/net/none"), ERRNO.ENOENT);
    assert.equal(await readIn(ns, FORWARD, 0), "");
  });

  it("lists that one's directories", async () => {
    const conf = "/proc/sys/net/ipv4/conf";
    assert.deepEqual(await listIn(ns, conf), ["all", "default", "lo"]);
    const c = new Connection({ ns });
    c.ask(newVeth(1));
    c.close();
    const names = await listIn(ns, conf);
    assert(Array.isArray(names));
    assert.deepEqual(names.toSorted(), ["all", "default", "lo", "veth0", "veth1"]);
    assert.equal(await listIn(ns, "/proc/sys/net/none"), ERRNO.ENOENT);
    assert.equal(await listIn(ns, FORWARD), -20);
    assert(Array.isArray(await listIn(-1, "/proc/sys")));
  });

  it("reads that one's /proc/net, and no other file at all", async () => {
    const devices = await readIn(ns, "/proc/thread-self/net/dev");
    assert(typeof devices === "string" && /\blo:/.test(devices));
    const bad = [
      "/etc/passwd",
      "/proc/net/dev",
      "/proc/self/net/dev",
      "/proc/sys/../version",
      "/proc/sys/net/..",
      "proc/sys/net",
    ];
    for (const path of bad) {
      assert.equal(await readIn(ns, path), ERRNO.EINVAL, path);
      assert.equal(await writeIn(ns, path, "1"), ERRNO.EINVAL, path);
      assert.equal(await listIn(ns, path), ERRNO.EINVAL, path);
    }
  });

  it("runs a function there, and comes back whatever it does", () => {
    const binding = loadBinding();
    const own = home();
    let child = "";
    const status = binding.nsCall(ns, () => {
      child = spawnSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" }).stdout.trim();
    });
    assert.equal(status, 0);
    assert.equal(child, readlinkSync(`/proc/self/fd/${ns}`));
    assert.throws(
      () =>
        binding.nsCall(ns, () => {
          throw new Error("boom");
        }),
      /boom/,
    );
    assert.equal(home(), own);
    let missing: NodeJS.ErrnoException | undefined;
    binding.nsCall(ns, () => {
      missing = spawnSync("/no/such/program").error;
    });
    assert.equal(missing?.code, "ENOENT");
    assert.equal(
      binding.nsCall(9999, () => assert.fail()),
      ERRNO.EBADF,
    );
    assert.equal(home(), own);
  });

  it("never shows the process in another one while it opens and reads there", () => {
    console.log(`      ${inChild("observer")}`);
  });

  it("starts the pool before a thread moves", () => {
    inChild("primedCall");
    inChild("primedWorker");
  });

  it("moves a worker for good, and gives birth to one inside", () => {
    inChild("enter");
  });

  it("names them as iproute2 does", function () {
    needs(this, "unshare");
    const wrap = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"];
    if (spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs none /run"]).status !== 0)
      skip(this, "no mount namespace here");
    if (inChild("named", { wrap }) !== "with ip") console.log("      without ip: iproute2 not installed");
  });

  it("works without privileges as far as the kernel allows", function () {
    const wrap = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];
    needs(this, "setpriv");
    if (spawnSync("setpriv", [...wrap.slice(1), "true"]).status !== 0)
      skip(this, "setpriv cannot drop capabilities here");
    inChild("unprivileged", { wrap });
  });
});
