/** Probes between hosts in namespaces, with what may be wrong between them. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Host } from "../../lib/host.ts";
import { Netns } from "../../lib/netns/netns.ts";
import {
  type ConnectionState,
  describeResult,
  type Probe,
  type ProbeResult,
  runProbes,
} from "../../lib/probe/index.ts";
import { needs } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "../state/kit.ts";
import { session } from "./session.ts";

/** What is said of one probe; the milliseconds of an answer are left out. */
async function asked(host: Host, probe: Probe): Promise<ProbeResult & { readonly text: string }> {
  const [result] = await runProbes(host, [{ timeout: 0.6, ...probe }]);
  ok(result !== undefined);
  return { ...result, text: describeResult(result).replace(/ in [\d.]+ ms/, "") };
}

/** A bridge over a VXLAN to the other host, with an address in 12.12.139.0/24. */
async function overlay({ sh }: Machine, remote: string, address: string): Promise<void> {
  await sh(`
    ip link add br-vm type bridge; ip link set br-vm addrgenmode none; ip link set br-vm up
    ip address add ${address}/24 dev br-vm
    ip link add vxlan0 type vxlan id 39 dev ens34f0 remote ${remote} dstport 4789
    ip link set vxlan0 addrgenmode none master br-vm; ip link set vxlan0 up`);
}
async function withOverlay(step: (scene: Scene) => Promise<void>): Promise<void> {
  await using hosts = await scene();
  await overlay(hosts.bm1, "192.168.0.24", "12.12.139.1");
  await overlay(hosts.bm2, "192.168.0.23", "12.12.139.2");
  await step(hosts);
}
/** Frames longer than that are lost on arrival, as by a switch that says nothing. */
const LOSE_LARGE = (most: number): string => `
  nft add table netdev hole
  nft 'add chain netdev hole in { type filter hook ingress device ens34f0 priority 0; }'
  nft add rule netdev hole in ip length '>' ${most} drop`;

describe("probe: ping", () => {
  before(function () {
    needs(this, "ip");
  });

  it("goes through the overlay at its full MTU, and no byte further", () =>
    withOverlay(async ({ bm1: { host } }) => {
      const full = await asked(host, { ping: "12.12.139.2", size: "auto", from: "br-vm", name: "bm2" });
      equal(full.text, "ping bm2 12.12.139.2: 1450 bytes with DF from br-vm: answered");
      ok(full.ok);
      const { ms, ...evidence } = full.evidence as { ms: number };
      ok(ms > 0 && ms < 600);
      deepEqual(evidence, { size: 1450, df: true, sent: 1, received: 1 });
      const more = await asked(host, { ping: "12.12.139.2", size: 1451, from: "br-vm" });
      equal(more.ok, false);
      deepEqual(more.evidence, { size: 1451, df: true, sent: 0, received: 0, error: "EMSGSIZE", mtu: 1450 });
      equal(
        more.text,
        "ping 12.12.139.2: 1451 bytes with DF from br-vm: too large to leave this host, which knows of an MTU of 1450",
      );
      ok((await asked(host, { ping: "12.12.139.2", size: 1451, df: false })).ok);
      // Without a link to leave by, the routes say whose MTU it is; a source address does not change that.
      for (const probe of [
        { ping: "12.12.139.2", size: "auto" },
        { ping: "192.168.0.24", size: "auto", from: "192.168.0.23" },
      ] as const) {
        const { ok: fine, evidence: found } = await asked(host, probe);
        deepEqual([fine, (found as { size: number }).size], [true, probe.ping === "192.168.0.24" ? 1500 : 1450]);
      }
    }));

  it("names an MTU black hole: large packets are lost without a word, small ones are not", function () {
    needs(this, "nft");
    return withOverlay(async ({ bm1, bm2 }) => {
      await bm2.sh(LOSE_LARGE(1400));
      const over = await asked(bm1.host, { ping: "12.12.139.2", size: "auto", from: "br-vm" });
      deepEqual(over.evidence, { size: 1450, df: true, sent: 3, received: 0, small: true });
      match(over.text, /1450 bytes with DF from br-vm: lost without a word, although small packets are answered/);
      const under = await asked(bm1.host, { ping: "192.168.0.24", size: 1500, retries: 0 });
      deepEqual(under.evidence, { size: 1500, df: true, sent: 1, received: 0, small: true });
      ok((await asked(bm1.host, { ping: "12.12.139.2", size: 1350, from: "br-vm" })).ok);
    });
  });

  it("tells a dead peer from a black hole, and gives up in time", () =>
    withOverlay(async ({ bm1, bm2 }) => {
      await bm1.sh("ip neighbor replace 12.12.139.2 lladdr 02:00:00:00:00:02 dev br-vm");
      await bm2.sh("ip link set vxlan0 down");
      const start = performance.now();
      const dead = await asked(bm1.host, { ping: "12.12.139.2", size: "auto", from: "br-vm" });
      ok(performance.now() - start < 1500);
      deepEqual([dead.ok, (dead.evidence as { small?: boolean }).small], [false, false]);
      match(dead.text, /no answer, not to small packets either$/);
      const nowhere = await asked(bm1.host, { ping: "203.0.113.1" });
      deepEqual(nowhere.evidence, { size: 84, df: false, sent: 0, received: 0, error: "ENETUNREACH" });
      for (const from of ["10.9.9.9", "no-link"]) {
        const wrong = await asked(bm1.host, { ping: "12.12.139.2", from });
        match(wrong.text, from === "no-link" ? /no such link \(ENODEV\)/ : /does not have the source address/);
      }
    }));

  it("hears of a router that takes less, over IPv4 and IPv6", async () => {
    await using hosts = await scene(6);
    const { bm1, bm2 } = hosts;
    // bm2 routes to a network of its own behind a smaller link.
    await bm2.sh(`
      ip link add small type veth peer name far; ip link set small mtu 1400; ip link set small up; ip link set far up
      ip address add fd00:9::1/64 dev small nodad; ip address add 10.9.0.1/24 dev small
      ip address add 10.8.0.2/24 dev ens34f0
      ip neighbor add fd00:9::2 lladdr 02:00:00:00:00:09 dev small; ip neighbor add 10.9.0.2 lladdr 02:00:00:00:00:09 dev small
      echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv4/ip_forward`);
    await bm1.sh(`
      ip address add 10.8.0.1/24 dev ens34f0
      ip route add 10.9.0.0/24 via 10.8.0.2; ip -6 route add fd00:9::/64 via fd00:192:168::24`);
    for (const ping of ["10.9.0.2", "fd00:9::2"]) {
      const { text, evidence } = await asked(bm1.host, { ping, size: 1500, retries: 0 });
      equal((evidence as { fragNeeded?: number }).fragNeeded, 1400);
      match(text, /a router on the way takes at most 1400 bytes$/);
    }
  });
});

describe("probe: gateway", () => {
  before(function () {
    needs(this, "ip");
  });

  it("is asked by ARP, and is dead when nobody has its address", async () => {
    await using hosts = await scene();
    const { bm1, bm2 } = hosts;
    const none = await asked(bm1.host, { gateway: true });
    deepEqual([none.ok, none.text], [false, "gateway: there is no default route"]);
    await bm1.sh("ip route add default via 192.168.0.24");
    // Many gateways answer no echo requests.
    await bm2.sh("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
    const alive = await asked(bm1.host, { gateway: true });
    const [{ address: mac }] = (await bm2.json("ip -json link show ens34f0")) as [{ address: string }];
    equal(alive.text, `gateway: 192.168.0.24 on ens34f0 answers ARP from ${mac}`);
    ok(alive.ok);
    equal((await asked(bm1.host, { gateway: "inet6" })).text, "gateway inet6: there is no default route of inet6");
    ok((await asked(bm1.host, { gateway: "192.168.0.24" })).ok);
    await bm2.sh("ip address flush dev ens34f0");
    const dead = await asked(bm1.host, { gateway: true });
    deepEqual([dead.ok, dead.text], [false, "gateway: 192.168.0.24 on ens34f0: no answer"]);
    // The kernel would have sent to it for a while: it had its address.
    await bm1.sh("ip link set ens34f0 down");
    ok(!(await asked(bm1.host, { gateway: true })).ok);
  });

  it("is asked by neighbor discovery over IPv6, link-local or not", async () => {
    await using hosts = await scene(6);
    const { bm1, bm2 } = hosts;
    await bm2.sh("echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all; ip address add fe80::24/64 dev ens34f0 nodad");
    await bm1.sh("ip address add fe80::23/64 dev ens34f0 nodad");
    for (const via of ["fd00:192:168::24", "fe80::24"]) {
      await bm1.sh(`ip -6 route replace default via ${via} dev ens34f0`);
      const { ok: fine, text } = await asked(bm1.host, { gateway: true });
      ok(fine, text);
      match(text, new RegExp(`^gateway: ${via} on ens34f0 answers neighbor discovery from [0-9a-f:]{17}$`));
    }
    await bm1.sh("ip -6 route replace default via fe80::99 dev ens34f0");
    equal((await asked(bm1.host, { gateway: true })).text, "gateway: fe80::99 on ens34f0: no answer");
  });

  it("needs one of several equal ones, of each family, and of the best metric", async () => {
    await using hosts = await scene();
    const { bm1 } = hosts;
    await bm1.sh("ip route add default nexthop via 192.168.0.99 nexthop via 192.168.0.24");
    await bm1.sh("ip route add default via 192.168.0.98 metric 100");
    const { ok: fine, evidence } = await asked(bm1.host, { gateway: true });
    ok(fine);
    deepEqual(
      (evidence as { gateways: { via?: string; answered?: string }[] }).gateways.map(({ via, answered }) => [
        via,
        answered !== undefined,
      ]),
      [
        ["192.168.0.99", false],
        ["192.168.0.24", true],
      ],
    );
    await bm1.sh("ip address add fd00::1/64 dev ens34f0 nodad; ip -6 route add default via fd00::99");
    ok(!(await asked(bm1.host, { gateway: true })).ok);
    ok((await asked(bm1.host, { gateway: "inet" })).ok);
  });

  it("is a link where there is nobody to ask", async () => {
    await using hosts = await scene();
    const { bm1 } = hosts;
    await bm1.sh(
      "ip link add wan0 type veth peer name far0; ip link set far0 up; ip link set wan0 arp off up; ip route add default dev wan0",
    );
    equal((await asked(bm1.host, { gateway: true })).text, "gateway: wan0 is up and has nobody to ask");
    await bm1.sh("ip address add 10.7.0.1/24 dev wan0; ip route replace default via 10.7.0.2");
    equal((await asked(bm1.host, { gateway: true })).text, "gateway: 10.7.0.2 on wan0: no answer");
    await bm1.sh("ip link set wan0 down; ip route add default via 192.168.0.24 metric 5");
    ok((await asked(bm1.host, { gateway: true })).ok);
  });
});

describe("probe: tcp", () => {
  before(function () {
    needs(this, "ip", "nft");
  });

  it("takes a refusal for an answer, and silence for none", async () => {
    await using hosts = await scene();
    const { bm1, bm2 } = hosts;
    await using guest = await bm2.namespace.guest();
    const { port } = await guest.serve();
    equal((await asked(bm1.host, { tcp: `192.168.0.24:${port}` })).text, `tcp 192.168.0.24:${port}: open`);
    const refused = await asked(bm1.host, { tcp: "192.168.0.24:9" });
    deepEqual([refused.ok, refused.evidence], [true, { answer: "refused" }]);
    equal((await asked(bm1.host, { tcp: "192.168.0.24:9", open: true })).ok, false);
    ok((await asked(bm1.host, { tcp: `192.168.0.24:${port}`, open: true, from: "ens34f0" })).ok);
    await bm2.sh(
      "nft add table ip f; nft 'add chain ip f in { type filter hook input priority 0; }'; nft add rule ip f in tcp dport 10 drop",
    );
    const silent = await asked(bm1.host, { tcp: "192.168.0.24:10" });
    deepEqual([silent.ok, silent.evidence], [false, { error: "ETIMEDOUT" }]);
    ok(silent.ms > 500 && silent.ms < 1500, String(silent.ms));
    const nobody = await asked(bm1.host, { tcp: "203.0.113.1:22" });
    deepEqual([nobody.ok, nobody.evidence], [false, { error: "ENETUNREACH" }]);
  });

  it("speaks IPv6, to a link-local address by its link", async () => {
    await using hosts = await scene(6);
    const { bm1, bm2 } = hosts;
    await bm2.sh("ip address add fe80::24/64 dev ens34f0 nodad");
    await bm1.sh("ip address add fe80::23/64 dev ens34f0 nodad");
    ok((await asked(bm1.host, { tcp: "[fd00:192:168::24]:9" })).ok);
    ok((await asked(bm1.host, { tcp: "[fe80::24]:9", from: "ens34f0" })).ok);
    ok((await asked(bm1.host, { ping: "fe80::24", from: "ens34f0", size: "auto" })).ok);
  });
});

describe("probe: ssh client", () => {
  before(function () {
    needs(this, "ip", "nft");
  });

  /** Lets nothing new in on bm2, as a firewall before a client does; `and` is one more rule. */
  const firewall = (and = ""): string => `
    nft add table ip f; nft 'add chain ip f in { type filter hook input priority 0; }'
    nft add rule ip f in icmp type echo-request drop; nft add rule ip f in 'tcp flags & (syn | ack) == syn' drop
    ${and}`;

  it("answers by the way, while its connection is silent", () =>
    session(async ({ bm1, bm2 }, client) => {
      const alive = await asked(bm1.host, { sshClient: client });
      ok(alive.ok, alive.text);
      match(alive.text, /^ssh client: 192\.168\.0\.24 port \d+ by ens34f0: its connection is silent; it answers /);
      // Behind a firewall nothing but the connection gets through, and it is silent: nobody can know.
      await bm2.sh(firewall());
      const silent = await asked(bm1.host, { sshClient: client });
      deepEqual([silent.ok, /its connection is silent; it answers nothing else$/.test(silent.text)], [false, true]);
    }));

  it("acknowledges what is written to its session, whatever a firewall keeps from it", () =>
    session(async ({ bm1, bm2 }, client, say) => {
      await bm2.sh(firewall());
      const [result] = await runProbes(bm1.host, [{ sshClient: client, timeout: 2 }], { starting: say });
      ok(result?.ok === true && result.ms < 1000);
      match(describeResult(result), /by ens34f0: it acknowledges what its connection sends$/);
      const { before, after } = result.evidence as Record<"before" | "after", ConnectionState>;
      deepEqual([before.state, after.bytesAcked - before.bytesAcked, after.unacked], ["established", 6, 0]);
      // As ss tells it.
      const told = await bm1.sh(`ss -Htin state established sport = :${client.localPort}`);
      const word = (name: string): number => Number(new RegExp(`\\b${name}:(\\d+)`).exec(told)?.[1]);
      deepEqual(
        [after.rto, after.pathMtu, after.bytesAcked, after.segmentsIn],
        ["rto", "pmtu", "bytes_acked", "segs_in"].map(word),
      );
      match(told, new RegExp(`${client.local}\\]?:${client.localPort}\\s+\\S*${client.address}\\]?:${client.port}\\s`));
    }));

  it("does not hear us when the way to it is cut, although it answers otherwise", () =>
    session(async ({ bm1, bm2 }, client, say) => {
      await bm2.sh(`
        nft add table ip f; nft 'add chain ip f in { type filter hook input priority 0; }'
        nft add rule ip f in tcp sport ${client.localPort} drop`);
      const [result] = await runProbes(bm1.host, [{ sshClient: client, timeout: 3 }], { starting: say });
      ok(result?.ok === false);
      match(
        describeResult(result),
        /its connection has sent 1 segments again \d times without an answer; it answers an echo request/,
      );
    }));

  it("that is no client leaves nothing to ask", async () => {
    await using hosts = await scene();
    const none = await asked(hosts.bm1.host, { sshClient: { address: "192.168.0.24", port: 50022, localPort: 22 } });
    match(none.text, /this namespace has no connection of it; it answers/);
    ok(none.ok);
    await hosts.bm1.sh("ip address flush dev ens34f0");
    const lost = await asked(hosts.bm1.host, { sshClient: { address: "192.168.0.24", port: 50022, localPort: 22 } });
    deepEqual(
      [lost.ok, lost.text],
      [false, "ssh client: 192.168.0.24 port 50022: there is no route to it (ENETUNREACH)"],
    );
  });
});

describe("probe: dns", () => {
  it("asks the server that it is told", async () => {
    await using hosts = await scene();
    const refused = await asked(hosts.bm1.host, { dns: "www.example.org", server: "192.168.0.24" });
    deepEqual([refused.ok, refused.evidence], [false, { servers: ["192.168.0.24"], error: "ECONNREFUSED" }]);
  });
});

describe("probes", () => {
  before(function () {
    needs(this, "ip");
  });

  it("run at once, in order of the list, and end in the time for all", async () => {
    await using hosts = await scene();
    const many: Probe[] = Array.from({ length: 60 }, (_, i) => ({
      ping: `192.168.0.${i + 24}`,
      retries: 0,
      timeout: 300,
    }));
    const start = performance.now();
    const results = await runProbes(hosts.bm1.host, many, { timeout: 700 });
    ok(performance.now() - start < 3000);
    deepEqual(
      results.map(({ probe, ok: fine }) => [(probe as { ping: string }).ping, fine]),
      many.map((one, i) => [(one as { ping: string }).ping, i === 0]),
    );
  });

  it("stop when they are told to, and leave nothing under way", async () => {
    await using hosts = await scene();
    const signal = AbortSignal.timeout(50);
    const probes: Probe[] = [
      { ping: "192.168.0.99", size: 1500 },
      { gateway: "192.168.0.99" },
      { tcp: "192.168.0.99:1" },
    ];
    const start = performance.now();
    await rejects(
      runProbes(hosts.bm1.host, [...probes, { sshClient: { address: "192.168.0.99", port: 1, localPort: 22 } }], {
        signal,
      }),
      { name: "TimeoutError" },
    );
    ok(performance.now() - start < 1000);
    await rejects(runProbes(hosts.bm1.host, probes, { signal }), { name: "TimeoutError" });
  });

  it("refuse what is none before anything is sent", async () => {
    await using hosts = await scene();
    await rejects(runProbes(hosts.bm1.host, [{ gateway: true }, { ping: "bm2" }]), {
      name: "InputError",
      message: /^probes\.1\.ping: expected an IPv4 or IPv6 address, got "bm2"/,
    });
    await rejects(runProbes(hosts.bm1.host, [{ peers: true } as never]), /probesOf/);
  });

  it("leave this thread in its own namespace", async () => {
    using before = Netns.current();
    await using hosts = await scene();
    await asked(hosts.bm1.host, { ping: "192.168.0.24" });
    using after = Netns.current();
    ok(before.equals(after));
  });
});
