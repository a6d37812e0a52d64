/** Fabrics in a lab: documents applied while traffic goes on. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { derive } from "../../lib/fabric/fabric.ts";
import type { Host } from "../../lib/host.ts";
import { VLAN_ALLOWANCE } from "../../lib/mtu/encapsulation.ts";
import { apply, desiredOf, observe, planRemoval, type Source } from "../../lib/state/index.ts";
import { type Lab, makeChain } from "../../lib/testkit/index.ts";
import { type Applied, applyShare } from "../../lib/testkit/lab-apply.ts";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** The file of an example. */
export const example = (name: string): string => join(root, "examples", `${name}.yaml`);
/** Its text. */
export const textOf = (name: string): string => readFileSync(example(name), "utf8");

/** Bytes that go through in each direction. */
const BULK = 10 * 1024 * 1024;
/** A transfer may take long on a machine that does other work. */
const PATIENCE = 30_000;

/** What a program says as JSON, in a named node of a lab. */
export function ask<T>(node: string, ...command: readonly string[]): T {
  const { stdout, stderr, status } = spawnSync("nsenter", [`--net=/run/netns/${node}`, ...command], {
    encoding: "utf8",
  });
  equal(status, 0, `${command.join(" ")}: ${stderr}`);
  return JSON.parse(stdout === "" ? "[]" : stdout) as T;
}

/** Applies a host's share, which shall then be so. */
export const applyTo = (host: Host, source: Source, name: string): Promise<Applied> =>
  applyShare(host, derive(source, name));

/** Takes away what a document describes on a host. */
export async function removeFrom(host: Host, source: Source, name: string): Promise<void> {
  const desired = desiredOf(derive(source, name));
  await apply(host, planRemoval(await observe(host, desired), desired), { source: desired.source });
}

/** The first address of a guest. */
export function addressOf(lab: Lab, guest: string): string {
  const [address = ""] = lab.guest(guest).addresses;
  return address;
}

/** A guest's thread. */
export const workerOf = (lab: Lab, guest: string) => lab.guest(guest).node.worker();

/**
 * Packets of `mtu` bytes get through and a guest sends none that is larger, a TLS handshake succeeds whose certificates fill
 * several packets, and 10 MB go there and come back; the latter also where guests cut what they send into packets themselves.
 */
export async function exchange(lab: Lab, from: string, to: string, mtu: number, bulk = BULK): Promise<void> {
  const [client, server] = [await workerOf(lab, from), await workerOf(lab, to)];
  const address = addressOf(lab, to);
  equal((await client.ping(address, { size: mtu, timeout: 5000 })).received, 1, `${from} to ${to}`);
  const larger = await client.ping(address, { size: mtu + 1 });
  deepEqual([larger.received, larger.error], [0, "EMSGSIZE"]);
  const { root: ca, chain, key } = makeChain({ addresses: [address], size: 5000 });
  const { port } = await server.listenTls({ chain, key });
  const echo = await server.echoTcp();
  for (const gso of [true, false]) {
    for (const guest of [from, to]) await lab.setGso(gso, guest);
    const shaken = await client.tls(address, port, PATIENCE, ca);
    ok(shaken.ok, shaken.error);
    const sent = await client.sendTcp(address, echo.port, bulk, PATIENCE);
    deepEqual([sent.error, sent.received], [undefined, bulk], gso ? "with GSO" : "without GSO");
  }
  for (const guest of [from, to]) await lab.setGso(true, guest);
}

/**
 * Guests that are told too much: of what is larger than `mtu`, a VXLAN answers for what its bridge still lets through, a VLAN
 * header more than fits, and the rest is lost. Leaves them with an MTU of 1500.
 */
export async function exceed(lab: Lab, from: string, to: string, mtu: number): Promise<void> {
  await lab.setGuestMtu(1500);
  const worker = await workerOf(lab, from);
  const told: unknown[] = [];
  const sizes = [mtu, mtu + 1, mtu + VLAN_ALLOWANCE, mtu + VLAN_ALLOWANCE + 1];
  for (const size of sizes) {
    await lab.forgetPaths();
    const lost = size > mtu + VLAN_ALLOWANCE;
    const timeout = lost ? 1500 : 5000;
    const { received, fragNeeded } = await worker.ping(addressOf(lab, to), { size, timeout });
    told.push([size, received, fragNeeded]);
  }
  const answers = [undefined, mtu, mtu, undefined];
  deepEqual(
    told,
    sizes.map((size, at) => [size, size === mtu ? 1 : 0, answers[at]]),
  );
}

/** Keeps guests pinging each other while something is done. @returns how many requests were sent, and lost. */
export async function whilePinging(
  lab: Lab,
  pairs: readonly (readonly [from: string, to: string])[],
  work: () => Promise<unknown>,
): Promise<{ sent: number; lost: number }> {
  let busy = true;
  const streams = pairs.map(async ([from, to]) => {
    const [worker, address] = [await workerOf(lab, from), addressOf(lab, to)];
    let [sent, lost] = [0, 0];
    // Enough also where the work is quick.
    while (busy || sent < 40) {
      const found = await worker.ping(address, { count: 20, interval: 5, timeout: 5000 });
      sent += found.sent;
      lost += found.sent - found.received;
    }
    return { sent, lost };
  });
  try {
    await work();
  } finally {
    busy = false;
  }
  const all = await Promise.all(streams);
  return all.reduce((sum, one) => ({ sent: sum.sent + one.sent, lost: sum.lost + one.lost }), { sent: 0, lost: 0 });
}

/** Waits until something is so. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  patience = PATIENCE,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`after ${patience} ms there was no ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
