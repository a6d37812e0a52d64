/**
 * A bond with two VLANs on it, between two namespaces with two cables: pings go through each VLAN, also when one of the
 * cables is down.
 *
 *   npx linkwright sandbox -- node bond-with-vlans.js      (nothing of the machine is touched)
 */
import { once } from "node:events";
import { Host, NetlinkError, Netns } from "linkwright";

const CABLES = ["eth0", "eth1"];
const VLANS = [10, 20];

/** One end: both cables are ports of the bond, and each VLAN on it has an address. */
async function setUp(host: Host, last: number): Promise<void> {
  await host.links.create({ kind: "bond", name: "bond0", mode: "active-backup", miimon: 50, up: true });
  // A bond takes only links that are off, as new ones are, and switches them on.
  for (const name of CABLES) await host.links.update(name, { master: "bond0" });
  for (const id of VLANS) {
    await host.links.create({ kind: "vlan", name: `bond0.${id}`, dev: "bond0", id, up: true });
    await host.addresses.create({ address: `10.0.${id}.${last}/24`, dev: `bond0.${id}` });
  }
}

await using here = await Netns.create();
await using there = await Netns.create();
await using near = await Host.open({ netns: here });
await using far = await Host.open({ netns: there });

/** Whether the other end answers in each VLAN. */
async function ping(): Promise<void> {
  for (const id of VLANS) {
    const child = here.run("ping", ["-c", "1", "-W", "5", `10.0.${id}.2`], { stdio: "ignore" });
    const [status] = await once(child, "close");
    console.log(`VLAN ${id}: 10.0.${id}.2 ${status === 0 ? "answers" : "does not answer"}`);
  }
}
/** The cable in use, once it is another one. The bond looks at their carriers every 50 ms. */
async function active(before?: string): Promise<string> {
  await using watch = near.watch({ links: true, signal: AbortSignal.timeout(10_000), held: true });
  do {
    const { activeSlave } = (await near.links.get("bond0")) ?? {};
    if (typeof activeSlave === "string" && activeSlave !== before) return activeSlave;
  } while (!(await watch.next()).done);
  throw new Error("bond0 has no cable");
}

try {
  for (const name of CABLES) await near.links.create({ kind: "veth", name, peer: { name, netns: there } });
  await setUp(near, 1);
  await setUp(far, 2);

  const first = await active();
  console.log(`bond0 goes by ${first}`);
  await ping();
  await far.links.update(first, { up: false });
  console.log(`${first} is down: bond0 goes by ${await active(first)}`);
  await ping();
} catch (error) {
  if (!(error instanceof NetlinkError) || error.code !== "EOPNOTSUPP") throw error;
  const module = error.message.includes("bond0.") ? "8021q" : "bonding";
  console.log(`no bond with VLANs here: ${error.message}; try: modprobe ${module}`);
}
