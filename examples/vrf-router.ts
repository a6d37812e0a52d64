/**
 * A VRF router: the networks of two guests in a routing table of their own, apart from the host's.
 *
 *   npx linkwright sandbox -- node vrf-router.js      (nothing of the machine is touched)
 */
import { once } from "node:events";
import { Host, NetlinkError, Netns } from "linkwright";

const TABLE = 10;
await using host = await Host.open();

/** Puts a guest on a port of the VRF. */
async function connect(netns: Netns, port: string, router: string, address: string): Promise<void> {
  await host.links.create({ kind: "veth", name: port, peer: { name: "eth0", netns }, master: "red", up: true });
  await host.addresses.create({ address: `${router}/24`, dev: port });
  await using guest = await Host.open({ netns });
  await guest.links.update("eth0", { up: true });
  await guest.addresses.create({ address: `${address}/24`, dev: "eth0" });
  await guest.routes.create({ dst: "default", via: router });
}

async function main(): Promise<void> {
  await host.links.create({ kind: "vrf", name: "red", table: TABLE, up: true });
  // What the VRF's table does not know is unreachable, and not looked up in the host's own tables.
  await host.routes.create({ dst: "default", type: "unreachable", table: TABLE, metric: 4_278_198_272 });
  await host.sysctls.set("net.ipv4.ip_forward", 1);

  await using one = await Netns.create();
  await using other = await Netns.create();
  await connect(one, "to-one", "10.1.0.1", "10.1.0.2");
  await connect(other, "to-other", "10.2.0.1", "10.2.0.2");
  // A network behind the other guest, by a nexthop that routes may share.
  await host.nexthops.create({ id: 2, via: "10.2.0.2", dev: "to-other" });
  await host.routes.create({ dst: "192.168.2.0/24", nhid: 2, table: TABLE });

  const rules = await host.rules.list({ family: "inet" });
  console.log(`rule ${rules.find(({ l3mdev }) => l3mdev)?.priority}: packets of a VRF ask its table`);
  for (const { type, dst, via, dev } of await host.routes.list({ table: TABLE, family: "inet" }))
    if (type === "unicast") console.log(`table ${TABLE}: ${dst} ${via === undefined ? "" : `via ${via} `}dev ${dev}`);
  const { via } = await host.routes.get("192.168.2.7", { vrf: "red" });
  console.log(`in red, 192.168.2.7 is behind ${via}`);
  const outside = await host.routes.get("10.1.0.2").catch((error: Error) => error);
  if (outside instanceof Error) console.log(`outside of it: ${outside.message}`);

  const ping = one.run("ping", ["-c", "1", "-W", "5", "10.2.0.2"], { stdio: "ignore" });
  const [status] = await once(ping, "close");
  console.log(status === 0 ? "one guest reaches the other" : "one guest does not reach the other");
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NetlinkError) || error.code !== "EOPNOTSUPP") throw error;
  console.log(`no VRF here: ${error.message}; try: modprobe vrf`);
}
