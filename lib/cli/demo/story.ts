/** The story: two servers, a VXLAN between them, and TLS handshakes that time out until the MTU is right. */
import { derive } from "../../fabric/fabric.ts";
import { describeStep, desiredOf, type Source, verify } from "../../state/index.ts";
import { makeChain } from "../../testkit/certificates.ts";
import type { Guest } from "../../testkit/guest.ts";
import type { Lab } from "../../testkit/lab.ts";
import { observePath } from "../observe-path.ts";
import { findFaults } from "../path.ts";
import { counted, fitted, painter } from "../report.ts";
import type { Palette } from "../terminal.ts";
import { drawPaths } from "../tree.ts";
import type { Narrator } from "./narrator.ts";
import { complaints, countingLosses, duration, hearing, PATIENCE, pinged, transferred } from "./trials.ts";

/** What the chapters share. */
export interface Stage {
  readonly lab: Lab;
  readonly source: Source;
  readonly narrator: Narrator;
  readonly palette: Palette;
  /** The guest on the first host, and the one on the second with its address. */
  readonly vm1: Guest;
  readonly vm2: Guest;
  readonly address: string;
  /** Asks the first guest for a TLS handshake with the second. */
  readonly handshake: (timeout?: number) => ReturnType<Guest["tls"]>;
  readonly flight: number;
}

const FITS = 1450;
const WRONG = 1500;
const INTERNET = "203.0.113.80";
/** IP and TCP headers with time stamps: what a segment is longer than its data. */
const HEADERS = 52;

/** Starts what the guests run. */
export async function setStage(lab: Lab, source: Source, narrator: Narrator, palette: Palette): Promise<Stage> {
  const [first, second] = [lab.guest("vm1"), lab.guest("vm2")];
  const [vm1, vm2] = await Promise.all([first.node.worker(), second.node.worker()]);
  const [address = ""] = second.addresses;
  const { root, chain, key, bytes } = makeChain({ addresses: [address], size: 5000 });
  const { port } = await vm2.listenTls({ chain, key });
  const handshake: Stage["handshake"] = (timeout = PATIENCE) => vm1.tls(address, port, timeout, root);
  return { lab, source, narrator, palette, vm1, vm2, address, handshake, flight: bytes };
}

/** Chapter 1: the document, applied on both, and a second time. */
export async function apply({ lab, source, narrator, palette }: Stage): Promise<void> {
  narrator.chapter(
    "One document, two servers",
    "Two servers with one reachable address each, and virtual machines on a bridge on both. The document " +
      "examples/two-hosts.yaml joins the bridges by a VXLAN and lets the machines out. These were its steps on bm1:",
  );
  const hosts = lab.topology.hosts.map((host) => host.name);
  const steps = lab.applied("bm1").plan.steps;
  const width = narrator.room;
  narrator.picture(
    steps.flatMap((step) => describeStep(step, painter(palette)).flatMap((line) => fitted(line, width))),
  );
  for (const name of hosts) {
    const done = lab.applied(name).plan.steps.length;
    const { differences, counts, plan: again } = await verify(lab.host(name), desiredOf(derive(source, name)));
    const figures = `${counted(done, "step")}, ${counted(counts.same, "property")}`;
    narrator.check(`apply on ${name}`, "0 differences", counted(differences.length, "difference"), figures);
    narrator.check(`apply once more on ${name}`, "0 steps", counted(again.steps.length, "step"));
  }
}

/** Chapter 2: which sizes pass. */
export async function sizes({ narrator, vm1, address }: Stage): Promise<void> {
  narrator.chapter(
    "What fits",
    "The cable between the servers takes packets of 1500 bytes. A VXLAN puts 50 around each of the guests' packets: " +
      "Ethernet 14, VXLAN 8, UDP 8, IP 20. So 1500 − 50 = 1450 is what fits, the document's `mtu: auto` has worked it " +
      "out, and the guests have it. Pings that must not be fragmented:",
  );
  for (const [size, expected] of [
    [FITS, "answered"],
    [FITS + 1, "refused by the sender"],
  ] as const) {
    const result = await vm1.ping(address, { size, timeout: PATIENCE });
    narrator.check(`ping of ${size} bytes`, expected, pinged(result), duration(result.ms));
  }
}

/** Chapter 3: TLS between the guests. */
export async function tls({ narrator, handshake, flight }: Stage): Promise<void> {
  narrator.chapter(
    "TLS between the guests",
    `The server's certificates have ${flight} bytes, which it sends in one go: several packets as large as can be.`,
  );
  const result = await handshake();
  narrator.check("TLS handshake", "arrives", transferred(result), duration(result.ms));
}

/** Chapter 4: the way out. */
export async function internet({ lab, narrator, vm1 }: Stage): Promise<void> {
  narrator.chapter(
    "Out to the internet",
    "The internet knows the servers' addresses and no way back to 12.12.139.0/24. Answers come home only because the " +
      "guest's packets leave under its server's own address.",
  );
  const server = await lab.internet.worker();
  const { port } = await server.serve();
  const sources = ["192.168.0.23", "12.12.139.0/24"];
  const [result, [asHost = 0, asGuest = 0]] = await hearing(lab.internet.host, sources, () =>
    vm1.fetch(INTERNET, port, 100_000, PATIENCE),
  );
  narrator.check("100 kB from the internet", "arrives", transferred(result), duration(result.ms));
  const seen = asGuest > 0 ? "the guest" : asHost > 0 ? "192.168.0.23" : "nobody";
  narrator.check("the internet's server hears", "192.168.0.23", seen, `${asHost} packets`);
}

/** Chapter 5: the guests' MTU is left at 1500, as it is by default. */
export async function wrong(stage: Stage): Promise<void> {
  const { lab, narrator, palette, vm1, address } = stage;
  narrator.chapter(
    "The mistake: guests at 1500",
    "Nobody told the guests, so they have the default, 1500. A bridge lets frames through to the VXLAN that are longer " +
      "by a VLAN header, 4 bytes. Up to 1454 the VXLAN gets the packet and can answer that 1450 is the most. From 1455 " +
      "on the bridge drops it: a bridge has no address to answer from, and it counts nothing.",
  );
  await lab.setGuestMtu(WRONG);
  for (const [size, expected] of [
    [FITS, "answered"],
    [FITS + 4, `refused on the way: at most ${FITS}`],
    [FITS + 5, "lost without a word"],
  ] as const) {
    const result = await vm1.ping(address, { size, timeout: PATIENCE / 2 });
    narrator.check(`ping of ${size} bytes`, expected, pinged(result), duration(result.ms));
  }
  const bm2 = lab.host("bm2");
  const before = await complaints(bm2);
  const [, lost] = await countingLosses(bm2, () => hangs(stage));
  const moved = (await complaints(bm2)) - before;
  narrator.check(
    "frames too large for vxlan0",
    "lost",
    lost > 0 ? "lost" : "none",
    `${lost} on bm2, by our own counter`,
  );
  narrator.check("bm2's drop and error counters", "moved by 0", `moved by ${moved}`, "all links, both ways");
  narrator.tell("`linkwright show` on bm2 knows it from the MTUs alone:");
  const style = { palette, width: narrator.room };
  const seen = await paths(lab, "bm2");
  narrator.picture(drawPaths(seen, style));
  narrator.check("links that show warns of", "vm2", lossy(seen) || "none");
}

/** Names of the links whose packets would vanish. */
function lossy(links: Awaited<ReturnType<typeof paths>>): string {
  return findFaults(links)
    .filter(({ severity }) => severity === "lost")
    .map(({ link }) => link)
    .join(", ");
}

async function paths(lab: Lab, name: string) {
  return (await observePath(lab.host(name))).filter((link) => link.kind !== "loopback");
}

/** Both ways to hang. What one case learns of the path would save the next one, and is forgotten between them. */
async function hangs(stage: Stage): Promise<void> {
  const { lab, narrator, vm1, vm2, address, handshake } = stage;
  const { port } = await vm2.serve();
  const ask = (bytes: number) => vm1.fetch(address, port, bytes, PATIENCE);
  narrator.tell(
    `A guest that hands over large chunks to be cut later (GSO) hangs only when one write fills exactly one packet of ` +
      `1455 to 1500 bytes, which is 1403 to 1448 bytes of data and ${HEADERS} of headers: larger chunks reach the VXLAN whole, ` +
      "and it answers what fits.",
  );
  for (const group of [[1402], [1403, 1448], [1449]]) {
    await lab.forgetPaths();
    const results = await Promise.all(group.map(ask));
    for (const [index, result] of results.entries()) {
      const bytes = group[index] ?? 0;
      const expected = bytes === 1403 || bytes === 1448 ? "hangs" : "arrives";
      narrator.check(`one write of ${bytes} bytes`, expected, transferred(result), duration(result.ms));
    }
  }
  narrator.tell("A guest without GSO sends each packet at its final size, and every full one is lost:");
  await lab.setGso(false);
  await lab.forgetPaths();
  const result = await handshake();
  narrator.check("TLS handshake", "hangs", transferred(result), duration(result.ms));
}

/** Chapter 6: the guests' MTU put right. */
export async function right({ lab, narrator, vm1, vm2, address, handshake }: Stage): Promise<void> {
  narrator.chapter("The cure: guests at 1450", "The same guests, still without GSO, with the MTU that fits:");
  await lab.setGuestMtu(FITS);
  await lab.forgetPaths();
  const result = await handshake();
  narrator.check("TLS handshake", "arrives", transferred(result), duration(result.ms));
  const { port } = await vm2.serve();
  const write = await vm1.fetch(address, port, 1448, PATIENCE);
  narrator.check("one write of 1448 bytes", "arrives", transferred(write), duration(write.ms));
}

/** Chapter 7: the path. */
export async function picture({ lab, narrator, palette }: Stage): Promise<void> {
  narrator.chapter(
    "The path, as `linkwright show` draws it",
    "Every hop has room for what the one before it may send.",
  );
  for (const { name } of lab.topology.hosts) {
    const links = await paths(lab, name);
    narrator.picture([palette.strong(name), ...drawPaths(links, { palette, width: narrator.room })]);
    narrator.check(`links of ${name} that show warns of`, "none", lossy(links) || "none");
  }
}
