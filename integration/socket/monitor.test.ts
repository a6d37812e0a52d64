import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { Netns } from "../../lib/netns/netns.ts";
import { Connection, command, Monitor } from "../../lib/socket/index.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
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

  it("tells every one of 1000 changes", async () => {
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
    await using monitor = listen({ held: true, buffer: 4096 });
    await connection.batch(Array.from({ length: 500 }, (_, n) => link(`b${n}`)));
    const first = monitor.take();
    for (let n = 0; n < 100 && !first.some(({ type }) => type === "resync"); n++) {
      await sleep(20);
      first.push(...monitor.take());
    }
    assert(
      first.some(({ type }) => type === "resync"),
      "no word of the loss",
    );
    assert(first.length < 500);
    await connection.batch([link("later")]);
    for await (const event of monitor)
      if (event.type !== "resync" && event.is(newlink) && event.value.attrs.ifname === "later") break;
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
