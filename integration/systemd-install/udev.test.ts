/** Links that come with a MAC address, so that udev does not give them another: as the kernel says where it is from. */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { NetworkdHost } from "./host.ts";

const DOCUMENT = `
linkwright: 1
links:
  br0: { kind: bridge }
  vm0: { kind: veth, peer: { name: vm0p } }
  mv0: { kind: macvlan, dev: br0, mode: bridge }
  mt0: { kind: macvtap, dev: br0 }
  given: { kind: bridge, mac: "02:00:00:00:00:01" }
`;
const NAMES = ["br0", "vm0", "vm0p", "mv0", "mt0"];
/** NET_ADDR_RANDOM and NET_ADDR_SET: udev changes the former. Source: include/uapi/linux/netdevice.h */
const [DICED, SET] = ["1", "3"];

describe("MAC addresses of new links", function () {
  this.timeout(240_000);
  let host: NetworkdHost;
  before(async function () {
    host = await NetworkdHost.start(this);
  });
  after(async () => await host?.systemd.end());
  afterEach(async () => await host.clean());

  async function tell(what: string): Promise<readonly string[]> {
    const { code, stderr } = await host.on(DOCUMENT, "apply");
    equal(code, 0, stderr);
    const files = NAMES.map((name) => `/sys/class/net/${name}/${what}`);
    return (await host.systemd.must("cat", ...files)).trim().split("\n");
  }

  it("are the kernel's where no udev is at work", async () => {
    deepEqual(
      await tell("addr_assign_type"),
      NAMES.map(() => DICED),
    );
  });

  it("are there from the beginning where it is, the same again, and others on another host", async () => {
    await host.systemd.write("/run/udev/control", "");
    deepEqual(
      await tell("addr_assign_type"),
      NAMES.map(() => SET),
    );
    const first = await tell("address");
    equal((await host.link("given"))?.address, "02:00:00:00:00:01");
    equal(new Set(first).size, NAMES.length);
    await host.clean();
    deepEqual(await tell("address"), first);
    await host.clean();
    await host.systemd.must("hostname", "other");
    for (const [at, mac] of (await tell("address")).entries()) notEqual(mac, first[at]);
    await host.systemd.must("rm", "/run/udev/control");
  });
});
