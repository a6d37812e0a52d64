import assert from "node:assert";
import { Netns } from "../../lib/netns/netns.ts";
import { Connection, command, Monitor } from "../../lib/socket/index.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, Writer, writeMessage } from "../../lib/wire/index.ts";
import { load } from "../../test/needs.ts";
import { dellink, newlink } from "../../test/socket/kinds.ts";

const link = (ifname: string) =>
  command(newlink, { header: {}, attrs: { ifname, linkinfo: { info: { kind: "veth" } } } }, NLM_F_CREATE | NLM_F_EXCL);
const GROUP_LINK = 1;

describe("socket: monitor of a real kernel", () => {
  let netns: Netns;
  let connection: Connection;
  before(() => assertSandboxed());
  beforeEach(async () => {
    netns = await Netns.create();
    connection = Connection.open({ protocol: 0, netns: netns.fd });
  });
  afterEach(() => {
    connection.close();
    netns.close();
  });
  const listen = (more = {}) =>
    Monitor.open({ protocol: 0, netns: netns.fd, groups: [GROUP_LINK], kinds: [newlink, dellink], ...more });

  it("tells every one of 1000 changes", async function () {
    load(this);
    await using monitor = listen({ held: true });
    await connection.batch(Array.from({ length: 1000 }, (_, n) => link(`b${n}`)));
    const seen = new Set<string | undefined>();
    for await (const event of monitor) {
      assert.notEqual(event.type, "resync");
      if (event.type !== "resync" && event.is(newlink)) seen.add(event.value.attrs.ifname);
      if (seen.size === 1000) break;
    }
  });

  it("says after an overrun that changes were lost, and tells later ones", async () => {
    await using monitor = listen({ held: true, buffer: 65_536 });
    const sender = KernelTransport.open({ protocol: 0, netns: netns.fd });
    const out = new Writer();
    for (let n = 1; n <= 500; n++) {
      // On this thread, and with no turn for the reader in between.
      out.truncate(0);
      writeMessage(out, newlink, { header: { index: 1, flags: n & 1, change: 1 } }, NLM_F_REQUEST, n);
      assert.equal(sender.send(out.finish()), out.length);
    }
    sender.close();
    assert.equal((await monitor.next()).value?.type, "resync");
    await connection.request(newlink, { header: { index: 1 }, attrs: { mtu: 1400 } });
    for await (const event of monitor) {
      assert.notEqual(event.type, "resync");
      if (event.type !== "resync" && event.is(newlink) && event.value.attrs.mtu === 1400) break;
    }
  });

  it("does not hold the process", async () => {
    const script = `
      import { Monitor } from ${JSON.stringify(new URL("../../lib/socket/index.js", import.meta.url).href)};
      const monitor = Monitor.open({ protocol: 0, groups: [1], kinds: [] });
      monitor.next();`;
    const child = netns.run(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    assert.equal(code, 0);
  });
});
