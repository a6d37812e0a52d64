/** Duplicate address detection awaited: on a cable whose far end has the address, or has not, or is not there. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Addresses } from "../../lib/addresses/addresses.ts";
import type { Listen } from "../../lib/addresses/dad.ts";
import { Links } from "../../lib/links/links.ts";
import { Connection, Monitor } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";
import { scene } from "../routes/kit.ts";

/** Two namespaces with a cable between them; the far one has 2001:db8:d::7. */
async function cable(): Promise<
  AsyncDisposable & { addresses: Addresses; links: Links; sh(script: string): Promise<void> }
> {
  const near = await TestNamespace.create();
  const far = await TestNamespace.create();
  const run = (script: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = near.run("sh", ["-ec", script], { stdio: "ignore" });
      child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${script}: ${code}`))));
    });
  await run(`
    ip link add near type veth peer name far
    ip link set far netns ${far.name}
    ip -n ${far.name} link set far up
    ip -n ${far.name} address add 2001:db8:d::7/64 dev far nodad
    ip link set near up`);
  const connection = Connection.open({ protocol: 0, netns: near.fd });
  const links = new Links(connection);
  const listen: Listen = (options) => Monitor.open({ protocol: 0, netns: near.fd, ...options });
  return {
    links,
    addresses: new Addresses(connection, links, listen),
    sh: run,
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await near.end();
      await far.end();
    },
  };
}

describe("duplicate address detection", function () {
  this.timeout(30_000);
  before(function () {
    needs(this, "ip");
  });

  it("is waited for until the address can be used", async () => {
    await using here = await cable();
    const config = { address: "2001:DB8:d::8/64", dev: "near" };
    const start = performance.now();
    await here.addresses.create(config, { dad: "wait" });
    ok(performance.now() - start > 300, "there was something to wait for");
    const [found] = await here.addresses.list({ dev: "near", scope: "global" });
    deepEqual([found?.address, found?.tentative, found?.dadfailed], ["2001:db8:d::8/64", undefined, undefined]);
  });

  it("rejects where another host has the address", async () => {
    await using here = await cable();
    await rejects(here.addresses.create({ address: "2001:db8:d::7/64", dev: "near" }, { dad: "wait" }), {
      name: "DadError",
      code: "ERR_DAD_FAILED",
      message: /^address 2001:db8:d::7\/64 on near: another host has this address; .* \(ERR_DAD_FAILED\)$/,
    });
    const failed = await here.addresses.list({ dadfailed: true });
    deepEqual(
      failed.map(({ address }) => address),
      ["2001:db8:d::7/64"],
    );
    equal(await here.addresses.flush({ dadfailed: true }), 1);
    const limited = { address: "2001:db8:d::7/64", dev: "near", validLifetime: 100 };
    await rejects(here.addresses.create(limited, { dad: "wait" }), { code: "ERR_DAD_REMOVED" });
  });

  it("ends at its deadline and with its signal", async () => {
    await using here = await cable();
    await here.sh("ip link set near down");
    await here.sh("ip link set near up; ip link set near carrier off 2>/dev/null || true");
    await here.addresses.create({ address: "2001:db8:e::1/64", dev: "near" });
    await here.sh("ip link set near down");
    const config = { address: "2001:db8:d::9/64", dev: "near" };
    await rejects(here.addresses.create(config, { dad: "wait", timeout: 300 }), {
      code: "ERR_DAD_TIMEOUT",
      message: /duplicates were still looked for after 300 ms/,
    });
    const reason = new Error("enough");
    const left = new AbortController();
    setTimeout(() => left.abort(reason), 100);
    await rejects(here.addresses.replace(config, { dad: "wait", signal: left.signal }), reason);
  });

  it("is over at once for what has none", async () => {
    await using here = await cable();
    await here.addresses.create({ address: "2001:db8:d::8/64", dev: "near", nodad: true }, { dad: "wait" });
    await here.addresses.create({ address: "192.0.2.1/24", dev: "near" }, { dad: "wait" });
    await rejects(here.addresses.create({ address: "192.0.2.1/24", dev: "near" }, { dad: "wait" }), { code: "EEXIST" });
    await using other = await scene();
    await rejects(other.addresses.create({ address: "2001:db8:d::8/64", dev: "d0" }, { dad: "wait" }), {
      code: "ERR_INPUT",
      path: ["dad"],
    });
  });
});

describe("addresses", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are flushed by what a filter names, and only so", async () => {
    await using here = await scene();
    for (let i = 1; i < 5; i++) await here.addresses.create({ address: `12.12.139.${i}/24`, dev: "br0" });
    await here.addresses.create({ address: "12.12.140.1/24", dev: "br0", scope: "link", label: "br0:1" });
    await here.addresses.create({ address: "12.12.141.1/24", dev: "br0", validLifetime: 100 });
    await here.addresses.create({ address: "2001:db8:1::1/64", dev: "br0", nodad: true });
    const left = async (): Promise<string[]> =>
      (await here.addresses.list({ dev: "br0" })).map(({ address }) => address).sort();
    equal(await here.addresses.flush({ dev: "br0", scope: "link" }), 1);
    equal(await here.addresses.flush({ dynamic: true }), 1);
    equal(await here.addresses.flush({ dev: "br0", family: "inet6" }), 1);
    equal((await left()).length, 4);
    await here.addresses.flush({ dev: "br0" });
    deepEqual(await left(), []);
    equal((await here.addresses.list({ dev: "d0" })).length, 2);
    await rejects(here.addresses.flush({}), { code: "ERR_INPUT" });
  });

  it("tell who made them", async () => {
    await using here = await scene();
    await here.addresses.create({ address: "12.12.139.1/24", dev: "br0", protocol: 77 });
    const [found] = await here.addresses.list({ dev: "br0", protocol: 77 });
    equal(found?.protocol, 77);
    equal(found?.broadcast, "12.12.139.255");
    await here.addresses.create({ address: "12.12.140.1/24", dev: "br0", broadcast: "none" });
    equal((await here.addresses.list({ dev: "br0" })).find((one) => one.protocol === undefined)?.broadcast, undefined);
  });
});
