/**
 * A change that undoes itself: a document applied with time to confirm, looked at, and then kept or taken back.
 *
 *   npx linkwright sandbox -- node careful-apply.js      (nothing of the machine is touched)
 */
import { Host, runProbes } from "linkwright";
import { confirm, desiredOf, parseSource, RevertedError, revert, transact } from "linkwright/document";

const DOCUMENT = `
linkwright: 1
links:
  br-vm: { kind: bridge, mtu: 1450, addresses: [12.12.139.1/24] }
`;

await using host = await Host.open();
const desired = desiredOf(parseSource(DOCUMENT, "careful-apply.yaml"));

// What is not good for anything is taken back at once.
try {
  const probe = async () =>
    (await runProbes(host, [{ ping: "12.12.139.99", timeout: 0.5, retries: 0 }])).map(({ ok, probe }) => ({
      ok,
      text: `nobody answers at ${"ping" in probe ? probe.ping : ""}`,
    }));
  await transact(host, desired, { probe });
} catch (error) {
  if (!(error instanceof RevertedError)) throw error;
  console.log(error.message);
}
console.log(`br-vm is ${(await host.links.get("br-vm")) === undefined ? "gone" : "there"}`);

// What nobody confirms is taken back after a minute, also where this program is killed.
const { state, plan } = await transact(host, desired, { confirm: 60 });
console.log(`${plan.steps.length} steps done, ${state}`);
await revert(host);
console.log(`taken back: br-vm is ${(await host.links.get("br-vm")) === undefined ? "gone" : "there"}`);

await transact(host, desired, { confirm: 60 });
await confirm(host);
console.log(`kept: br-vm has MTU ${(await host.links.get("br-vm"))?.mtu}`);
