/**
 * Embedding: a bridge and a VXLAN made, changed, read and removed through the typed API.
 *
 *   npx linkwright sandbox -- node embed.js      (nothing of the machine is touched)
 */
import { Host, InputError, NetlinkError } from "linkwright";

await using host = await Host.open();

await host.links.create({ kind: "veth", name: "ens34f0", peer: { name: "switch0" }, up: true });
await host.links.create({ kind: "bridge", name: "br-vm", up: true });
await host.links.create({
  kind: "vxlan",
  name: "vxlan0",
  vni: 39,
  dev: "ens34f0",
  remote: "192.168.0.24",
  dstport: 4789,
  master: "br-vm",
  up: true,
});
await host.addresses.create({ address: "12.12.139.1/24", dev: "br-vm" });

// A third host is one more entry; the bridge keeps a full mesh free of loops.
await host.fdb.append({ dev: "vxlan0", mac: "00:00:00:00:00:00", dst: "192.168.0.25" });

for (const { name, kind, mtu, master } of await host.links.list())
  console.log(`${name}: ${kind ?? "hardware"}, MTU ${mtu}${master === undefined ? "" : `, port of ${master}`}`);

try {
  await host.links.create({ kind: "vxlan", name: "vxlan1", vni: 39, dev: "ens34f0", remote: "192.168.0.24" });
} catch (error) {
  if (!(error instanceof NetlinkError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
try {
  await host.links.create({ kind: "vxlan", name: "vxlan1", vni: 2 ** 24 });
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.log(error.message);
}

await host.links.delete("vxlan0");
await host.links.delete("br-vm");
