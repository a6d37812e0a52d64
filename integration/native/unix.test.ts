/** Connections to unix sockets, with who made them. */
import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadBinding, type SocketHandle } from "../../native-bindings/index.ts";
import { ERRNO, sleep } from "./kit.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;

describe("native layer: connections to unix sockets", () => {
  const native = loadBinding();
  const directory = mkdtempSync(join(tmpdir(), "linkwright-unix-"));
  after(() => rmSync(directory, { recursive: true }));

  function listening(path: string): SocketHandle {
    const socket = native.open(AF_UNIX, SOCK_STREAM, 0, -1);
    assert(typeof socket !== "number");
    assert.equal(
      native.bind(socket, Buffer.concat([Buffer.from(new Uint16Array([AF_UNIX]).buffer), Buffer.from(path)])),
      0,
    );
    assert.equal(native.listen(socket, 4), 0);
    return socket;
  }

  it("says who made each, and gives a descriptor that does not block", async () => {
    const path = join(directory, "who");
    const socket = listening(path);
    const peer = new Uint32Array(3);
    const bytes = new Uint8Array(peer.buffer);
    assert.equal(native.accept(socket, bytes), ERRNO.EAGAIN);
    const client = connect(path);
    await new Promise((resolve) => client.once("connect", resolve));
    const fd = native.accept(socket, bytes);
    assert(fd > 2);
    assert.deepEqual([...peer], [process.pid, process.geteuid?.(), process.getegid?.()]);
    assert.equal(native.accept(socket, bytes), ERRNO.EAGAIN);
    closeSync(fd);
    client.destroy();
    assert.equal(native.close(socket), 0);
    assert.equal(native.accept(socket, bytes), ERRNO.EBADF);
    assert.equal(native.listen(socket, 4), ERRNO.EBADF);
  });

  it("names another process by its own number", async () => {
    const path = join(directory, "other");
    const socket = listening(path);
    const peer = new Uint32Array(3);
    const program = `require("node:net").connect(${JSON.stringify(path)}, () => process.exit(0))`;
    const { pid } = spawnSync(process.execPath, ["-e", program]);
    await sleep(1);
    const fd = native.accept(socket, new Uint8Array(peer.buffer));
    assert(fd > 2);
    assert.equal(peer[0], pid);
    closeSync(fd);
    native.close(socket);
  });

  it("takes no connection where there is no room for who made it, and no other kind of argument", () => {
    const socket = listening(join(directory, "room"));
    for (const size of [0, 11, 13]) assert.equal(native.accept(socket, new Uint8Array(size)), ERRNO.EINVAL);
    for (const wrong of [undefined, "", 7, new Uint32Array(3)])
      assert.throws(() => native.accept(socket, wrong as never), TypeError);
    for (const wrong of [undefined, "", 1.5, {}]) assert.throws(() => native.listen(socket, wrong as never), TypeError);
    native.close(socket);
    const datagrams = native.open(AF_UNIX, 2, 0, -1);
    assert(typeof datagrams !== "number");
    assert(native.listen(datagrams, 4) < 0);
    assert(native.accept(datagrams, new Uint8Array(12)) < 0);
    native.close(datagrams);
  });
});
