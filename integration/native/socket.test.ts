import assert from "node:assert";
import { loadBinding, META } from "../../native-bindings/index.ts";
import {
  assertApart,
  attribute,
  Connection,
  dumpLinks,
  ERRNO,
  getLink,
  inChild,
  int,
  netlinkAddress,
  newVeth,
  OPTION,
  poke,
  readInt,
  SOL_NETLINK,
  SOL_SOCKET,
  setAlias,
} from "./kit.ts";

describe("native layer: sockets", () => {
  before(assertApart);

  it("binds to a port of the kernel's choice, another one for each socket", () => {
    const [a, b] = [new Connection(), new Connection()];
    assert(a.port > 0 && b.port > 0);
    assert.notEqual(a.port, b.port);
    const out = new Uint8Array(4);
    assert.equal(loadBinding().address(a.handle, out), 12, "the real length, also where it did not fit");
    a.close();
    b.close();
  });

  it("sets options and reads them back", () => {
    const c = new Connection();
    for (const option of [OPTION.EXT_ACK, OPTION.CAP_ACK, OPTION.STRICT, OPTION.PKTINFO]) {
      const out = int(-1);
      assert.equal(loadBinding().getopt(c.handle, SOL_NETLINK, option, out), 4);
      assert.equal(readInt(out), 1);
      assert.equal(c.set(option, 0), 0);
      assert.equal(loadBinding().getopt(c.handle, SOL_NETLINK, option, out), 4);
      assert.equal(readInt(out), 0);
    }
    assert.equal(c.set(999, 1), ERRNO.ENOPROTOOPT);
    c.close();
  });

  it("gets one link and a dump", () => {
    const c = new Connection();
    const one = c.ask(getLink(7));
    assert.deepEqual(
      one.map(({ type, sequence }) => [type, sequence]),
      [[16, 7]],
    );
    const all = c.ask(dumpLinks(8));
    assert.equal(all.at(-1)?.type, 3);
    assert(all.every(({ sequence }) => sequence === 8));
    c.close();
  });

  it("hears that a strict dump is refused, in DONE", () => {
    const c = new Connection();
    const last = c.ask(dumpLinks(9, attribute(999, new Uint8Array(4)))).at(-1);
    assert(last?.type === 3);
    assert.equal(readInt(last.body), ERRNO.EINVAL);
    c.close();
  });

  it("tells the real length of a datagram that did not fit", () => {
    const c = new Connection({ slots: 1, slot: 64 });
    assert.equal(loadBinding().send(c.handle, getLink(1), null), 32);
    assert.equal(c.receive(), 1);
    assert((c.meta[META.LENGTH] ?? 0) > 64);
    assert((c.meta[META.FLAGS] ?? 0) & 0x20);
    c.close();
  });

  it("receives nothing, and never more than slab and meta hold", () => {
    const binding = loadBinding();
    const c = new Connection();
    assert.equal(c.receive(), ERRNO.EAGAIN);
    for (const slot of [0, c.slab.length + 1, 2 ** 32 - 1]) {
      assert.equal(binding.recv(c.handle, c.slab, slot, c.meta), ERRNO.EINVAL);
    }
    assert.equal(binding.recv(c.handle, c.slab, 64, new Uint32Array(4)), ERRNO.EINVAL);
    assert.equal(binding.recv(c.handle, new Uint8Array(0), 1, c.meta), ERRNO.EINVAL);
    for (let i = 1; i <= 40; i++) binding.send(c.handle, getLink(i), null);
    const guarded = new Uint32Array(3 * META.WORDS).fill(0xabababab);
    assert.equal(binding.recv(c.handle, c.slab, 8192, guarded.subarray(0, 2 * META.WORDS + 4)), 2);
    assert.deepEqual([...guarded.subarray(2 * META.WORDS)], Array(META.WORDS).fill(0xabababab));
    const slab = new Uint8Array(8192 * 2 + 100).fill(0xcd);
    assert.equal(binding.recv(c.handle, slab.subarray(0, 8192 * 2 + 50), 8192, new Uint32Array(500)), 2);
    assert(slab.subarray(8192 * 2).every((byte) => byte === 0xcd));
    const wide = new Uint32Array(64 * META.WORDS);
    assert.equal(binding.recv(c.handle, new Uint8Array(64 * 8192), 8192, wide), 32, "a batch is 32");
    assert.equal(binding.recv(c.handle, new Uint8Array(64 * 8192), 8192, wide), 4);
    c.close();
  });

  it("takes views with an offset", () => {
    const c = new Connection();
    const padded = new Uint8Array(48);
    padded.set(getLink(5), 8);
    assert.equal(loadBinding().send(c.handle, padded.subarray(8, 40), netlinkAddress()), 32);
    const slab = new Uint8Array(9000);
    const meta = new Uint32Array(10);
    assert.equal(loadBinding().recv(c.handle, slab.subarray(500), 8192, meta.subarray(5)), 1);
    assert.equal(slab[500 + 4], 16);
    assert.deepEqual([...meta.subarray(0, 5)], [0, 0, 0, 0, 0]);
    assert.equal(meta[5 + META.PORT], 0);
    c.close();
  });

  it("reports the group of an event, and its namespace where asked", () => {
    const c = new Connection();
    c.set(OPTION.MEMBERSHIP, 1);
    poke();
    assert(c.receive() >= 1);
    assert.equal(c.meta[META.GROUP], 1);
    assert.equal(c.meta[META.NSID], 0xffffffff);
    assert.equal(c.set(OPTION.ALL_NSID, 1), 0);
    c.close();
  });

  it("speaks to other families by raw addresses", () => {
    const binding = loadBinding();
    const [a, b] = [binding.open(2, 2, 0, -1), binding.open(2, 2, 0, -1)];
    assert(typeof a === "object" && typeof b === "object");
    const c = new Connection();
    assert.equal(readInt(c.ask(setAlias(1, "up"))[0]?.body ?? int(-1)), 0);
    c.close();
    const address = new Uint8Array(16);
    new DataView(address.buffer).setUint8(0, 2);
    address.set([127, 0, 0, 1], 4);
    assert.equal(binding.bind(a, address), 0);
    assert.equal(binding.address(a, address), 16);
    assert.equal(binding.connect(b, address), 0);
    assert.equal(binding.send(b, new Uint8Array([1, 2, 3]), null), 3);
    const [slab, meta] = [new Uint8Array(64), new Uint32Array(5)];
    assert.equal(binding.recv(a, slab, 64, meta), 1);
    assert.equal(meta[META.LENGTH], 3);
    assert.equal(meta[META.PORT], 0xffffffff);
    assert.deepEqual([...slab.subarray(0, 3)], [1, 2, 3]);
    assert.equal(binding.bind(a, new Uint8Array(200)), ERRNO.EINVAL);
    assert.equal(binding.send(b, new Uint8Array(3), new Uint8Array(200)), ERRNO.EINVAL);
    binding.close(a);
    binding.close(b);
  });

  it("fails with the kernel's own error", () => {
    const binding = loadBinding();
    assert.equal(binding.open(16, 3, 1000, -1), -93);
    assert.equal(binding.open(12345, 3, 0, -1), -97);
    assert.equal(binding.open(16, 3, 0, 9999), ERRNO.EBADF);
    assert.equal(binding.open(16, 3, 0, -7), ERRNO.EBADF);
    const c = new Connection();
    assert.equal(binding.bind(c.handle, netlinkAddress(c.port + 1)), ERRNO.EINVAL);
    assert.equal(binding.getopt(c.handle, SOL_SOCKET, 9999, new Uint8Array(4)), ERRNO.ENOPROTOOPT);
    assert.equal(c.ask(newVeth(3))[0]?.type, 2);
    c.close();
  });

  it("refuses every closed handle", () => {
    const binding = loadBinding();
    const c = new Connection();
    assert.equal(c.close(), 0);
    assert.equal(c.close(), ERRNO.EBADF);
    assert.equal(c.receive(), ERRNO.EBADF);
    assert.equal(binding.send(c.handle, getLink(1), null), ERRNO.EBADF);
    assert.equal(
      binding.watch(c.handle, () => {}),
      ERRNO.EBADF,
    );
    assert.equal(c.set(1, 1), ERRNO.EBADF);
    assert.equal(binding.getopt(c.handle, 1, 1, int(0)), ERRNO.EBADF);
    assert.equal(binding.bind(c.handle, netlinkAddress()), ERRNO.EBADF);
    assert.equal(binding.connect(c.handle, netlinkAddress()), ERRNO.EBADF);
    assert.equal(binding.address(c.handle, new Uint8Array(12)), ERRNO.EBADF);
    assert.equal(binding.ref(c.handle), ERRNO.EBADF);
    assert.equal(binding.unref(c.handle), ERRNO.EBADF);
  });

  it("answers wrong arguments with a TypeError, never with a crash", function () {
    this.timeout(60_000);
    console.log(`      ${inChild("wrongArguments")}`);
  });

  it("returns the right error of 800,000 failing calls under garbage collection", function () {
    this.timeout(60_000);
    console.log(`      ${inChild("errno")}`);
  });
});
