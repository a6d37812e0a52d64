/**
 * A WireGuard tunnel between two hosts, here two namespaces with a cable between them, and a ping through it.
 *
 *   npx linkwright sandbox -- node wireguard-pair.js      (nothing of the machine is touched)
 */
import { once } from "node:events";
import { generateWireguardKey, Host, NetlinkError, Netns, wireguardPublicKey } from "linkwright";

/** One end of the tunnel. */
interface Side {
  /** Where the other end finds it. */
  readonly outside: string;
  /** What it is called in the tunnel. */
  readonly inside: string;
  readonly privateKey: string;
}
const PORT = 51820;
const near: Side = { outside: "192.0.2.1", inside: "10.0.0.1", privateKey: generateWireguardKey() };
const far: Side = { outside: "192.0.2.2", inside: "10.0.0.2", privateKey: generateWireguardKey() };

async function setUp(host: Host, mine: Side, theirs: Side): Promise<void> {
  await host.addresses.create({ address: `${mine.outside}/24`, dev: "eth0" });
  await host.links.update("eth0", { up: true });
  await host.links.create({ kind: "wireguard", name: "wg0", mtu: 1420 });
  await host.wireguard.set("wg0", {
    privateKey: mine.privateKey,
    listenPort: PORT,
    peers: [
      {
        publicKey: wireguardPublicKey(theirs.privateKey),
        endpoint: `${theirs.outside}:${PORT}`,
        allowedIps: [theirs.inside],
      },
    ],
  });
  await host.addresses.create({ address: `${mine.inside}/24`, dev: "wg0" });
  await host.links.update("wg0", { up: true });
}

await using here = await Netns.create();
await using there = await Netns.create();
await using one = await Host.open({ netns: here });
await using other = await Host.open({ netns: there });

await one.links.create({ kind: "veth", name: "eth0", peer: { name: "eth0", netns: there } });
try {
  await setUp(one, near, far);
  await setUp(other, far, near);

  const ping = here.run("ping", ["-c", "1", "-W", "5", far.inside], { stdio: "ignore" });
  const [status] = await once(ping, "close");
  console.log(status === 0 ? `${far.inside} answers through the tunnel` : `${far.inside} does not answer`);

  const device = await one.wireguard.get("wg0");
  for (const { endpoint, latestHandshake, rxBytes, txBytes } of device?.peers ?? [])
    console.log(
      `${endpoint}: ${latestHandshake ? "shook hands" : "silent"}, received ${rxBytes}, sent ${txBytes} bytes`,
    );
} catch (error) {
  if (!(error instanceof NetlinkError) || error.code !== "EOPNOTSUPP") throw error;
  console.log(`no tunnel here: ${error.message}; try: modprobe wireguard`);
}
