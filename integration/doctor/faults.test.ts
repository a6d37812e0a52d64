import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { diagnose } from "../../lib/doctor/index.ts";
import { udpPacket } from "../../lib/doctor/vtep.ts";
import type { Host } from "../../lib/host.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { placeOf } from "../../lib/netns/netns.ts";
import { ping } from "../../lib/probe/ping.ts";
import { AF, openIn, SOCK_RAW, socketAddress } from "../../lib/probe/sockets.ts";
import { breakCard } from "../../lib/testkit/bad-card.ts";
import { inject } from "../../lib/testkit/faults.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { loadBinding } from "../../native-bindings/index.ts";
import { OTHERS, pairOf } from "./healthy.ts";
import {
  BRISK,
  causeOf,
  chatter,
  FAULTS,
  type FaultName,
  findings,
  inTurns,
  isNamed,
  NOTES,
  UNDERLAYS,
  type Underlay,
  whyNot,
} from "./matrix.ts";

/** What depends on the kind of underlay; `npm run test:doctor` tries all of them on each. */
const ELSEWHERE: Readonly<Record<Exclude<Underlay, "IPv4 unicast">, readonly FaultName[]>> = {
  "IPv6 unicast": ["family-mismatch", "stale-entry", "vxlan-filtered-here", "underlay-mtu", "checksum-offload"],
  "IPv4 list": ["one-way-remote", "one-way-remote-away", "wrong-remote", "peer-silent"],
  "IPv6 list": ["one-way-remote", "one-way-remote-away"],
  "IPv4 multicast": ["vni-mismatch", "family-mismatch", "multicast-silent", "multicast-one-way", "group-not-joined"],
  "IPv6 multicast": ["local-missing", "duplicate-mac", "group-not-joined"],
  "IPv6 guests": FAULTS.filter((fault) => whyNot(fault, "IPv6 guests") === undefined),
};
const ONCE: readonly FaultName[] = [...ELSEWHERE["IPv6 unicast"], "peer-silent", "managed-by-other", "not-persistent"];
const TRIED: Readonly<Record<Underlay, readonly FaultName[]>> = {
  ...ELSEWHERE,
  "IPv4 unicast": FAULTS.filter((fault) => !ONCE.includes(fault)),
};

// Nothing here is tried again: a verdict that is wrong now and then is wrong.
describe("the doctor", function () {
  this.timeout(120_000);
  this.retries(0);

  for (const underlay of Object.keys(UNDERLAYS) as Underlay[]) {
    it(`finds nothing wrong with healthy hosts, ${underlay}`, async () => {
      deepEqual(await findings(underlay, undefined), []);
    });

    it(`names what is wrong first, with evidence and a way to mend it, ${underlay}`, async () => {
      const faults = TRIED[underlay].filter((one) => whyNot(one, underlay) === undefined);
      const all = await inTurns(faults, async (fault) => ({ fault, found: await findings(underlay, fault) }));
      const named = all.map(({ fault, found }) => [fault, found[0]?.cause ?? "nothing"]);
      deepEqual(
        named,
        faults.map((fault) => [fault, causeOf(fault)]),
      );
      for (const { fault, found } of all) ok(isNamed(fault, found), fault);
      for (const { found } of all)
        for (const { cause, evidence, fix, severity, subject, text } of found.slice(0, 1)) {
          ok(evidence.length > 0 && fix !== "" && subject !== "" && text !== "");
          ok(severity !== "note" || NOTES.includes(cause));
        }
    });
  }
});

it("the doctor says nothing of a host that has left, though it was learned of", async function () {
  this.timeout(30_000);
  this.retries(0);
  const [document] = UNDERLAYS["IPv6 list"];
  await using lab = await Lab.up(document);
  const { plan, host } = { plan: lab.topology.hosts.find(({ name }) => name === "bm3"), host: lab.host("bm1") };
  const dst = plan?.address.split("/")[0] ?? "";
  const ended = chatter(lab);
  const learned = async (): Promise<boolean> =>
    (await host.fdb.list({ dev: "vx-vm" })).filter((one) => one.dst === dst).length > 1;
  while (!(await learned())) await sleep(50);
  for (const name of ["bm1", "bm2"]) await lab.host(name).fdb.delete({ mac: ZERO_MAC, dev: "vx-vm", dst });
  await lab.host("bm3").links.delete("vx-vm");
  const { findings } = await diagnose(host, BRISK);
  await ended();
  ok((await host.fdb.list({ dev: "vx-vm" })).some((one) => one.dst === dst));
  deepEqual(findings, []);
});

/** Lets the other host of a pair send through its VXLAN while the doctor listens. */
async function talk(lab: Lab, kind: keyof typeof OTHERS): Promise<void> {
  const near = { flannel: "10.244.1.0", swarm: "10.0.1.1", steered: undefined }[kind];
  const often = { df: true, count: 3, interval: 200, timeout: 400 };
  if (near !== undefined) await ping(placeOf(lab.host("h2").netns), near, often);
}

describe("the doctor on hosts of other programs", function () {
  this.timeout(30_000);
  this.retries(0);

  for (const kind of Object.keys(OTHERS) as (keyof typeof OTHERS)[])
    it(`finds nothing wrong with ${kind}`, async () => {
      await using lab = await pairOf(kind);
      const looking = diagnose(lab.host("h1"), BRISK);
      await talk(lab, kind);
      const { findings, unseen } = await looking;
      deepEqual(
        findings.filter(({ severity }) => severity !== "note"),
        [],
      );
      ok(kind === "steered" || unseen.some((one) => one.includes("entries by hand")), unseen.join());
    });

  it("believes what was heard, not who is on a list, of an entry that leads astray", async () => {
    await using lab = await pairOf("flannel");
    const { fdb } = lab.host("h1");
    const mac = String((await lab.host("h2").links.get("flannel.1"))?.mac);
    await fdb.replace({ mac, dev: "flannel.1", dst: "10.9.8.77", state: "permanent" });
    const looking = diagnose(lab.host("h1"), BRISK);
    await talk(lab, "flannel");
    const { findings } = await looking;
    deepEqual(
      findings.filter(({ severity }) => severity !== "note").map(({ cause, severity }) => [cause, severity]),
      [["stale-entry", "warning"]],
    );
  });
});

/** When the counters are there. */
async function later(send: () => Promise<void>): Promise<void> {
  await sleep(500);
  await send();
}

/** Sends packets whose UDP checksum is wrong, to a port that has nothing to do with VXLAN. */
function sendBroken(from: Host, [local, to]: readonly [string, string]): void {
  const native = loadBinding();
  const socket = openIn(placeOf(from.netns), AF[4], SOCK_RAW, 17);
  native.connect(socket, socketAddress(to, 0));
  const packet = udpPacket(local, to, 5353, Buffer.from("not a question"));
  packet[packet.length - 1] = ~(packet.at(-1) ?? 0) & 0xff;
  for (let i = 0; i < 3; i++) equal(native.send(socket, packet, null) > 0, true);
  native.close(socket);
}

describe("the doctor and checksums", function () {
  this.timeout(30_000);
  this.retries(0);

  it("does not hide what is wrong behind wrong checksums of something else", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    await inject(lab, "vxlan-filtered-away", "bm1");
    const ended = chatter(lab);
    try {
      const looking = diagnose(lab.host("bm1"), BRISK);
      await later(async () => sendBroken(lab.host("bm2"), ["192.168.0.24", "192.168.0.23"]));
      const { findings, asked } = await looking;
      const [sound] = Object.values(asked.sounds);
      ok((sound?.heard.length ?? 0) > 0);
      deepEqual(sound?.spoiled, [], "sums that are left to a network card are not wrong");
      deepEqual(
        findings.map(({ cause, severity }) => [cause, severity]),
        [
          ["vxlan-filtered-away", "error"],
          ["checksum-offload", "note"],
        ],
      );
    } finally {
      await ended();
    }
  });

  it("are spoiled by a card of the lab's own at each port, until it is taken out", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const { host } = lab.underlay;
    const tables = async (): Promise<string[]> => (await host.nftables.list()).map(({ name }) => name).sort();
    const before = await tables();
    const cards = await Promise.all(
      lab.topology.hosts.map(({ port, address }) =>
        breakCard({ host, port, address: address.split("/")[0] ?? "", dstport: 4789 }),
      ),
    );
    deepEqual(await tables(), [...before, ...lab.topology.hosts.map(({ port }) => `bad-card-${port}`)].sort());
    const [near, far] = lab.guests.map((name) => lab.guest(name));
    const worker = await near?.node.worker();
    const call = async (timeout: number): Promise<number | undefined> =>
      (await worker?.ping(far?.addresses[0] ?? "", { timeout, count: 2 }))?.received;
    equal(await call(400), 0);
    for (const card of cards) await card[Symbol.asyncDispose]();
    deepEqual(await tables(), before);
    ok(((await call(3000)) ?? 0) > 0);
    await rejects(breakCard({ host, port: "nowhere", address: "192.0.2.1", dstport: 4789 }), /no port nowhere/);
  });
});

it("the doctor says of a host that is hidden from its guests' network that guests are not concerned", async function () {
  this.timeout(30_000);
  this.retries(0);
  await using lab = await Lab.up("examples/two-hosts.yaml");
  const host = lab.host("bm1");
  const rules = [{ match: { oifname: "vxlan0" }, action: "drop" }] as const;
  await host.nftables.replace({
    ...{ family: "bridge", name: "hide" },
    chains: [{ name: "out", hook: "output", rules }],
  });
  const { findings } = await diagnose(host, BRISK);
  deepEqual(
    findings.map(({ cause, severity, subject }) => [cause, severity, subject]),
    [["bridge-filtered", "warning", "bridge hide out"]],
  );
});

describe("the doctor with --witness", function () {
  this.timeout(60_000);
  this.retries(0);

  it("convicts a rule that it has no words for, where packets of guests come to the filters and none passes", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const host = lab.host("bm1");
    await host.sysctls.set("net.bridge.bridge-nf-call-iptables", 1);
    const odd = {
      match: { protocol: "icmp" },
      limit: { rate: 1000, per: "second", burst: 1000 },
      action: "drop",
    } as const;
    await host.nftables.replace({
      ...{ family: "ip", name: "odd" },
      chains: [{ name: "forward", hook: "forward", rules: [odd] }],
    });
    const ended = chatter(lab);
    try {
      const doubted = await diagnose(host, BRISK);
      deepEqual(
        doubted.findings.map(({ cause, severity }) => [cause, severity]),
        [["bridge-netfilter", "warning"]],
      );
      const sure = await diagnose(host, { ...BRISK, listen: 2500, witness: true });
      deepEqual([sure.findings[0]?.cause, sure.findings[0]?.severity], ["bridge-netfilter", "error"]);
      ok(sure.findings[0]?.evidence.some((one) => one.includes("none passed them")));
    } finally {
      await ended();
    }
  });

  it("misses no multicast that rules drop", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const host = lab.host("bm1");
    await host.sysctls.set("net.bridge.bridge-nf-call-iptables", 1);
    const rules = [{ match: { daddr: "224.0.0.0/4" }, action: "drop" }] as const;
    const odd = { match: { protocol: "tcp", dport: 25 }, action: "drop" } as const;
    await host.nftables.replace({
      ...{ family: "ip", name: "ours" },
      chains: [{ name: "forward", hook: "forward", rules: [...rules, odd] }],
    });
    await host.nftables.replace({
      ...{ family: "bridge", name: "ours" },
      chains: [
        {
          ...{ name: "forward", hook: "forward", priority: -310 },
          rules: [{ match: { daddr: "224.0.0.0/4", family: "ip" }, counter: true }],
        },
        {
          ...{ name: "late", hook: "forward", priority: 10 },
          rules: [{ match: { daddr: "224.0.0.0/4", family: "ip" }, action: "drop" }],
        },
      ],
    });
    const near = lab.guest(lab.guests.find((name) => lab.guest(name).on === "bm1") ?? "");
    const worker = await near.node.worker();
    const call = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await worker.ping("224.0.0.251", { timeout: 200, count: 1 }).catch(() => undefined);
    };
    const [{ findings, asked }] = await Promise.all([
      diagnose(host, { ...BRISK, listen: 2000, witness: true }),
      later(call),
    ]);
    const counted = (await host.nftables.get("bridge", "ours"))?.chains[0]?.rules[0];
    ok(counted !== undefined && "counter" in counted && typeof counted.counter === "object");
    ok(counted.counter.packets >= 3, "multicast came by");
    deepEqual([asked.witnessed["vxlan0"]?.entered, asked.witnessed["vxlan0"]?.left], [0, 0]);
    deepEqual(
      findings.map(({ cause, severity }) => [cause, severity]),
      [["bridge-netfilter", "warning"]],
    );
  });

  it("counts what guests offer and send that is too large, and leaves nothing behind", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const [near, far] = lab.guests.map((name) => lab.guest(name));
    ok(near !== undefined && far !== undefined);
    const host = lab.host(near.on);
    const to = far.addresses[0] ?? "";
    const listening = await (await near.node.worker()).serve();
    const send = async (): Promise<void> => {
      const worker = await near.node.worker();
      // The bundles come second: who sends them is told the MTU.
      await worker.ping(to, { size: 1500, df: false, timeout: 300 }).catch(() => undefined);
      await (await far.node.worker()).fetch(near.addresses[0] ?? "", listening.port, 100_000);
    };
    const look = async () =>
      (await Promise.all([diagnose(host, { ...BRISK, listen: 1500, witness: true }), later(send)]))[0];
    const tables = await host.nftables.list();
    deepEqual((await look()).findings, []);
    await lab.setGuestMtu(1500);
    const { findings, asked } = await look();
    deepEqual(
      findings.map(({ cause }) => cause),
      ["guest-mtu", "gso-masking"],
    );
    ok((asked.witnessed["vxlan0"]?.bundles ?? 0) >= 1, JSON.stringify(asked.witnessed));
    ok((asked.witnessed["vxlan0"]?.syns ?? 0) >= 1, JSON.stringify(asked.witnessed));
    ok((asked.witnessed["vxlan0"]?.frames ?? 0) >= 1, JSON.stringify(asked.witnessed));
    ok(findings[0]?.evidence.some((one) => one.includes("handshakes")));
    deepEqual(await host.nftables.list(), tables);
  });
});
