/** What others change is told, with who did it, and put right. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { kill } from "node:process";
import { type GuardOptions, guard, type Report } from "../../lib/drift/guard.ts";
import { derive } from "../../lib/fabric/fabric.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";
import { Reconciler } from "../../lib/systemd/reconcile.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { needs } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "../state/kit.ts";
import { directory, eventually } from "../transaction/kit.ts";

describe("a host that is watched", function () {
  this.timeout(30_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  let desired: Desired;
  let over: AbortController;
  let reports: AsyncGenerator<Report, undefined>;
  beforeEach(async function () {
    needs(this, "ip", "bridge", "nft");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
    desired = desiredOf(derive(await readSource("examples/two-hosts.yaml"), "bm1"));
    await transact(bm1.host, desired, { directory: place.path });
    over = new AbortController();
  });
  afterEach(async () => {
    over.abort();
    for await (const _ of reports);
    await hosts[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const paces = { shortest: 200, longest: 800, retry: 800, calm: 60_000 };
  function watch(options: GuardOptions = {}): void {
    reports = guard(bm1.host, desired, { directory: place.path, paces, ...options, signal: over.signal });
  }
  /** The document with a gateway that is on none of its networks: the kernel refuses that each time. */
  const unreachable = (): Promise<Desired> =>
    changed((text) => `${text}\nroutes: [{ dst: 203.0.113.0/24, via: 203.0.113.1, dev: br-vm }]\n`);
  /** The document with another VNI, which takes a new link: that is not allowed. */
  const unallowed = (): Promise<Desired> => changed((text) => text.replace("vni: 39", "vni: 40"));
  async function changed(change: (text: string) => string): Promise<Desired> {
    const text = change(await readFile("examples/two-hosts.yaml", "utf8"));
    return desiredOf(derive(parseSource(text, "two-hosts.yaml"), "bm1"));
  }
  /** The next report, which has to be of this type. */
  async function next<T extends Report["type"]>(type: T): Promise<Extract<Report, { type: T }>> {
    const { value } = await reports.next();
    equal(
      value?.type,
      type,
      JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one)),
    );
    return value as Extract<Report, { type: T }>;
  }
  const fields = ({ verification }: Extract<Report, { type: "drift" }>): string[] =>
    verification.differences.map(({ object, subject, field }) => `${object} ${subject} ${field}`);

  it("is told of what differs and of when it does so no more, and of nothing else", async () => {
    watch();
    await next("ok");
    // Not in the document.
    await bm1.sh("ip link add other type bridge; ip link set br-vm mtu 1400");
    deepEqual(fields(await next("drift")), ["link br-vm mtu"]);
    await bm1.sh("ip link set br-vm mtu 1450");
    await next("ok");
  });

  it("is told who it was, where the kernel says so", async () => {
    watch();
    await next("ok");
    await bm1.sh("nft delete table inet linkwright");
    const { suspects } = await next("drift");
    match(suspects[0]?.who ?? "", /^nft \(process \d+\)$/);
    equal(suspects[0]?.because, "seen");
  });

  it("is told who started the program that did it", async () => {
    // As Docker has iptables do its work; this one stays until it was looked at.
    await symlink("/bin/sh", join(place.path, "dockerd"));
    watch();
    await next("ok");
    const script = "(echo address delete 12.12.139.1/24 dev br-vm; sleep 30) | ip -batch -";
    const child = bm1.namespace.run(join(place.path, "dockerd"), ["-c", script], { stdio: "ignore", detached: true });
    try {
      const { suspects } = await next("drift");
      match(suspects[0]?.who ?? "", /^Docker, by ip \(process \d+\)$/);
      match(suspects[0]?.cure ?? "", /daemon\.json/);
    } finally {
      kill(-(child.pid ?? 0), "SIGKILL");
      await once(child, "close");
    }
  });

  it("is told who changed an address, by number where the program has ended", async () => {
    watch();
    await next("ok");
    await bm1.sh("ip address delete 12.12.139.1/24 dev br-vm");
    const { suspects } = await next("drift");
    match(suspects[0]?.who ?? "", /^(ip|a program that has ended) \(process \d+\)$/);
  });

  it("is put right", async () => {
    watch({ reconcile: true });
    await next("ok");
    await bm1.sh("ip link del vxlan0");
    ok(fields(await next("drift")).length > 5);
    const { steps, contested } = await next("repaired");
    ok(steps > 0 && !contested);
    equal((await bm1.host.links.get("vxlan0"))?.mtu, 1450);
  });

  it("is put right more and more seldom where somebody keeps undoing it", async () => {
    watch({ reconcile: true });
    await next("ok");
    const times: number[] = [];
    for (let round = 0; round < 4; round++) {
      await bm1.sh("ip link set br-vm mtu 1400");
      await next("drift");
      const { contested } = await next("repaired");
      equal(contested, round > 1);
      times.push(performance.now());
    }
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    ok((pauses[2] ?? 0) > 700, `${pauses}`);
  });

  it("has rounds that succeed only where nothing is left to put right, or that is refused", async () => {
    const counts = { rounds: 0, successes: 0 };
    const counting: GuardOptions = {
      reconcile: true,
      interval: 0.1,
      onRound: () => void counts.rounds++,
      onSuccess: () => void counts.successes++,
    };
    desired = await unreachable();
    watch(counting);
    await next("drift");
    for (let failures = 0; failures < 3; failures++) match(String((await next("failed")).error), /203\.0\.113\.0/);
    equal(counts.successes, 0);
    ok(counts.rounds >= 3, String(counts.rounds));
    const no = (): never => {
      throw new Error("not yours");
    };
    const refusals = [
      [counting, /made again/],
      [{ ...counting, planCheck: async () => no }, /not yours/],
    ] as const;
    desired = await unallowed();
    for (const [options, why] of refusals) {
      over.abort();
      for await (const _ of reports);
      over = new AbortController();
      counts.successes = 0;
      watch(options);
      await next("drift");
      for (let failures = 0; failures < 2; failures++) match(String((await next("failed")).error), why);
      ok(counts.successes > 0);
    }
    await bm1.sh("ip -d link show vxlan0 | grep -q 'vxlan id 39 '");
  });

  it("is kept by a service that feeds the watchdog by such rounds, and says when it reads its document again", async () => {
    watch();
    const told: string[] = [];
    let wanted = desired;
    const service = new Reconciler(bm1.host, {
      read: async () => wanted,
      tell: (...lines) => void told.push(lines.map((line) => line.replace(/\d+$/, "N")).join(" ")),
      watchdog: 0.3,
      directory: place.path,
      paces,
    });
    const fed = (): number => told.filter((line) => line === "WATCHDOG=N").length;
    const running = service.run();
    try {
      await eventually(async () => fed() >= 3, true);
      match(told[0] ?? "", /^READY=N STATUS=as the document says/);
      wanted = await unreachable();
      service.reload();
      await eventually(async () => service.status.state, "failed");
      const reloading = "RELOADING=N MONOTONIC_USEC=N STATUS=reads its document again";
      const since = told.slice(told.indexOf(reloading) + 1);
      match(since[0] ?? reloading, /^READY=N STATUS=/);
      const [before, rounds] = [fed(), service.status.rounds];
      await eventually(async () => service.status.rounds > rounds + 3, true);
      equal(fed(), before);
      wanted = desired;
      service.reload();
      await eventually(async () => fed() > before, true);
    } finally {
      service.stop();
      await running;
    }
    equal(told.at(-1), "STOPPING=N");
  });

  it("is looked at again where no change is told, as of a sysctl", async () => {
    watch({ interval: 0.3 });
    await next("ok");
    await bm1.sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
    deepEqual(fields(await next("drift")), ["sysctl net.ipv4.ip_forward value"]);
  });
});
