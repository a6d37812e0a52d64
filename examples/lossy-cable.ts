/**
 * A bad cable: netem on one end of a link between two namespaces, and what ping says of it before and after.
 *
 *   npx linkwright sandbox -- node lossy-cable.js      (nothing of the machine is touched)
 */
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Host, NetlinkError, Netns } from "linkwright";

await using here = await Netns.create();
await using there = await Netns.create();
await using near = await Host.open({ netns: here });
await using far = await Host.open({ netns: there });

await near.links.create({ kind: "veth", name: "eth0", peer: { name: "eth0", netns: there } });
for (const [host, address] of [
  [near, "192.0.2.1/24"],
  [far, "192.0.2.2/24"],
] as const) {
  await host.addresses.create({ address, dev: "eth0" });
  await host.links.update("eth0", { up: true });
}

/** The round trip on the average, and how much was lost, as ping tells it. */
async function ping(): Promise<string> {
  const child = here.run("ping", ["-q", "-c", "50", "-i", "0.02", "-W", "1", "192.0.2.2"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await Promise.all([child.stdout === null ? "" : text(child.stdout), once(child, "close")]);
  const [, lost = "100"] = /([\d.]+)% packet loss/.exec(said) ?? [];
  const [, average = "-"] = /= [\d.]+\/([\d.]+)/.exec(said) ?? [];
  return `round trip ${average} ms, ${lost}% lost`;
}

console.log(`good cable: ${await ping()}`);
try {
  await near.qdiscs.create({
    kind: "netem",
    dev: "eth0",
    delay: 0.05,
    jitter: 0.005,
    distribution: "normal",
    loss: 20,
  });
  console.log(`bad cable: ${await ping()}`);
  const { statistics } = (await near.qdiscs.get({ dev: "eth0" })) ?? {};
  console.log(`netem: ${statistics?.packets} packets sent, ${statistics?.drops} dropped`);
} catch (error) {
  if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
  console.log(`no bad cable here: ${error.message}; try: modprobe sch_netem`);
}
