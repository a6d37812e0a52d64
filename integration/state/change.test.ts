/** Changes that are refused, drift that is found, links that are made again: what a kernel is left with. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { derive } from "../../lib/fabric/fabric.ts";
import { type Applied, ApplyError, type ApplyOptions, apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { needs } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "./kit.ts";

const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));
const founding = async (): Promise<Desired> => desiredOf(derive(await readSource("examples/two-hosts.yaml"), "bm1"));

async function planFor({ host }: Machine, desired: Desired): Promise<Plan> {
  return plan(await observe(host, desired), desired);
}
async function bring(machine: Machine, desired: Desired, options?: ApplyOptions): Promise<Applied> {
  return apply(machine.host, await planFor(machine, desired), options);
}
async function failure(promise: Promise<unknown>): Promise<ApplyError> {
  try {
    await promise;
  } catch (error) {
    ok(error instanceof ApplyError, String(error));
    return error;
  }
  throw new Error("it was not refused");
}

describe("a host", () => {
  let hosts: Scene;
  let bm1: Machine;
  before(function () {
    needs(this, "ip", "bridge", "nft");
  });
  beforeEach(async () => {
    hosts = await scene();
    bm1 = hosts.bm1;
  });
  afterEach(async () => {
    await hosts[Symbol.asyncDispose]();
  });

  /** What somebody does behind our back, and what verify says of it: object, subject, field, wanted, found. */
  const COMMENT = "all from br-vm to ens34f0";
  const OUT = 'forward: iifname "br-vm" oifname "ens34f0" accept';
  const HANDLE = `nft -a list chain inet linkwright forward | sed -n 's/.*comment "${COMMENT}" # handle //p'`;
  const DRIFTS: readonly (readonly [name: string, script: string, ...findings: string[]])[] = [
    ["an MTU", "ip link set vxlan0 mtu 1400", "link vxlan0 mtu 1450 1400", "link br-vm mtu 1450 1400"],
    ["a link that is down", "ip link set br-vm down", "link br-vm up true false"],
    [
      "a port that left",
      "ip link set vxlan0 nomaster",
      "link vxlan0 master br-vm undefined",
      "link br-vm mtu 1450 1500",
    ],
    ["a far end", "ip link set vxlan0 type vxlan remote 192.168.0.99", "link vxlan0 remote 192.168.0.24 192.168.0.99"],
    [
      "a far end too many",
      "bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.168.0.99",
      "fdb 00:00:00:00:00:00 dst 192.168.0.99 on vxlan0 dst undefined 192.168.0.99",
    ],
    [
      "a far end that is flooded twice",
      "bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.168.0.24",
      "fdb 00:00:00:00:00:00 dst 192.168.0.24 on vxlan0 dst undefined 192.168.0.24",
    ],
    [
      "a far end that is gone though the link names it",
      "bridge fdb delete 00:00:00:00:00:00 dev vxlan0 dst 192.168.0.24 via ens34f0",
      "fdb 00:00:00:00:00:00 dst 192.168.0.24 via ens34f0 on vxlan0 dst 192.168.0.24 undefined",
    ],
    [
      "an address",
      "ip address delete 12.12.139.1/24 dev br-vm",
      "address 12.12.139.1/24 on br-vm address 12.12.139.1/24 undefined",
      "address 12.12.139.1/24 on br-vm dev br-vm undefined",
    ],
    [
      "a sysctl",
      "echo 1 > /proc/sys/net/ipv4/conf/vxlan0/rp_filter",
      "sysctl net.ipv4.conf.vxlan0.rp_filter value 0 1",
    ],
    [
      "a table",
      "nft delete table inet linkwright",
      "nftables inet linkwright chain forward: type filter hook forward priority filter; policy accept; undefined",
      `nftables inet linkwright rule ${OUT} undefined`,
    ],
    [
      "a rule too many",
      "nft add rule inet linkwright forward drop",
      "nftables inet linkwright rule undefined forward: drop",
    ],
    [
      "a rule that does something else under the same comment",
      `nft replace rule inet linkwright forward handle $(${HANDLE}) iifname br-vm oifname ens34f0 drop comment '"${COMMENT}"'`,
      `nftables inet linkwright rule ${OUT} ${OUT.replace("accept", "drop")}`,
    ],
    [
      "a rule with another comment",
      `nft replace rule inet linkwright forward handle $(${HANDLE}) iifname br-vm oifname ens34f0 accept comment x`,
      `nftables inet linkwright rule ${OUT} comment "${COMMENT}" ${OUT} comment "x"`,
    ],
    [
      "a rule that is gone",
      `nft delete rule inet linkwright forward handle $(${HANDLE})`,
      `nftables inet linkwright rule ${OUT} undefined`,
    ],
    [
      "a rule in another place",
      `nft delete rule inet linkwright forward handle $(${HANDLE}); nft add rule inet linkwright forward iifname br-vm oifname ens34f0 accept comment '"${COMMENT}"'`,
      `nftables inet linkwright rule ${OUT.replace(":", ", place 1:")} ${OUT.replace(":", ", place 3:")}`,
    ],
    [
      "a policy",
      "nft chain inet linkwright forward '{ policy drop; }'",
      "nftables inet linkwright chain forward: type filter hook forward priority filter; policy accept; forward: type filter hook forward priority filter; policy drop;",
    ],
    ["a link that is gone", "ip link delete vxlan0", "link vxlan0 vni 39 undefined"],
  ];
  for (const [name, script, ...expected] of DRIFTS)
    it(`has drifted: ${name}`, async () => {
      const desired = await founding();
      await bring(bm1, desired);
      const whole = (await verify(bm1.host, desired)).counts.same;
      await bm1.sh(script);
      const { ok: good, differences, counts } = await verify(bm1.host, desired);
      equal(good, false);
      // The entry of `remote` is told for itself only where the link has it and the entry is gone.
      const own = name === "a far end that is gone though the link names it" ? 1 : 0;
      equal(counts.same + counts.differ + counts.missing, whole + own);
      const told = differences.map(
        ({ object, subject, field, wanted, found }) => `${object} ${subject} ${field} ${wanted} ${found}`,
      );
      for (const one of expected)
        ok(
          told.some((line) => line.startsWith(one)),
          `${one}\n${told.join("\n")}`,
        );
      ok(differences.every(({ outcome }) => outcome === "drifted"));
      await bring(bm1, desired);
      ok((await verify(bm1.host, desired)).ok);
    });

  it("floods to each far end once, from a list to one remote and back", async () => {
    await bm1.sh("ip link add eth9 type veth peer name eth8; ip link set eth9 up; ip link set eth8 up");
    const flood = async (): Promise<string[]> =>
      (await bm1.json("bridge -json fdb show dev v"))
        .filter(({ mac }) => mac === "00:00:00:00:00:00")
        .map(({ dst, viaIf = "-" }) => `${dst} ${viaIf}`)
        .sort();
    const wanted = (rest: string): Desired => document(`links:\n  v: { kind: vxlan, vni: 7, ${rest} }`);
    const steps: readonly (readonly [rest: string, ...flood: string[]])[] = [
      ["dev: ens34f0, remotes: [192.168.0.24, 192.168.0.25]", "192.168.0.24 -", "192.168.0.25 -"],
      ["dev: ens34f0, remote: 192.168.0.24", "192.168.0.24 ens34f0"],
      ["dev: ens34f0, remotes: [192.168.0.24, 192.168.0.25]", "192.168.0.24 ens34f0", "192.168.0.25 -"],
      ["dev: ens34f0, remotes: [192.168.0.25]", "192.168.0.25 -"],
      ["dev: eth9, remote: 192.168.0.25", "192.168.0.25 -"],
      ["dev: ens34f0, remote: 192.168.0.24", "192.168.0.24 ens34f0"],
      ["dev: eth9, remote: 192.168.0.24", "192.168.0.24 eth9"],
      ["dev: eth9, remote: 192.168.0.25", "192.168.0.25 eth9"],
    ];
    for (const [rest, ...expected] of steps) {
      const before = await flood().catch(() => []);
      const next = await planFor(bm1, wanted(rest));
      await apply(bm1.host, next);
      deepEqual(await flood(), expected, rest);
      equal((await verify(bm1.host, wanted(rest))).ok, true, rest);
      deepEqual((await planFor(bm1, wanted(rest))).steps, [], rest);
      ok(before.length > 0 || next.steps.length > 0);
    }
    await bm1.sh("bridge fdb append 00:00:00:00:00:00 dev v dst 192.168.0.98 extern_learn");
    deepEqual((await planFor(bm1, wanted("dev: eth9, remote: 192.168.0.25"))).steps, []);
  });

  it("has drifted: a route, and forwarding entries", async () => {
    const desired = document(`links:
  v: { kind: vxlan, vni: 7, dev: ens34f0, local: 192.168.0.23, remotes: [192.168.0.24, 192.168.0.25] }
routes: [{ dst: 10.9.0.0/16, via: 192.168.0.24 }]
fdb: [{ mac: "02:00:00:00:00:07", dev: v, dst: 192.168.0.24 }]
neighbors: [{ address: 192.168.0.77, dev: ens34f0, mac: "02:00:00:00:00:77" }]`);
    await bring(bm1, desired);
    deepEqual((await planFor(bm1, desired)).steps, []);
    const [route] = await bm1.json("ip -json -details route show 10.9.0.0/16");
    deepEqual([route?.["gateway"], String(route?.["protocol"])], ["192.168.0.24", "139"]);
    await bm1.sh(`
      ip route replace 10.9.0.0/16 via 192.168.0.25
      bridge fdb delete 00:00:00:00:00:00 dev v dst 192.168.0.25
      bridge fdb append 00:00:00:00:00:00 dev v dst 192.168.0.66
      bridge fdb delete 02:00:00:00:00:07 dev v
      ip neighbor delete 192.168.0.77 dev ens34f0`);
    const { differences } = await verify(bm1.host, desired);
    const subjects = differences.map(({ object, subject }) => `${object} ${subject}`);
    deepEqual([...new Set(subjects)].sort(), [
      "fdb 00:00:00:00:00:00 dst 192.168.0.25 on v",
      "fdb 00:00:00:00:00:00 dst 192.168.0.66 on v",
      "fdb 02:00:00:00:00:07 dst 192.168.0.24 on v",
      "neighbor 192.168.0.77 on ens34f0",
      "route 10.9.0.0/16 via 192.168.0.24",
    ]);
    await bring(bm1, desired);
    deepEqual(await bm1.host.fdb.remotes("v").then((list) => list.sort()), ["192.168.0.24", "192.168.0.25"]);
    ok((await verify(bm1.host, desired)).ok);
  });

  it("is not touched by a document that is wrong for it", async () => {
    await bm1.sh("ip link add taken type bridge");
    const before = await dump(bm1);
    for (const [body, message] of [
      [
        "links: { taken: { kind: vxlan, vni: 1 } }",
        /^f\.yaml:2:25: links\.taken\.kind: taken is there already, and is a bridge, not a vxlan; /,
      ],
      [
        "links: { ens34f0: { kind: bridge } }",
        /^f\.yaml:2:27: links\.ens34f0\.kind: ens34f0 is there already, and is a veth, not a bridge; /,
      ],
      [
        "links: { v: { kind: vxlan, vni: 1, dev: eth7 } }",
        /^f\.yaml:2:41: links\.v\.dev: there is no link eth7, neither in this document nor on this host/,
      ],
      [
        "links: { v: { kind: vxlan, vni: 1, dev: ens34f0, mtu: 1451 } }",
        /^f\.yaml:2:55: links\.v\.mtu: 1451 does not fit into ens34f0: at most 1450 \(1500 − 50: VXLAN over IPv4\)/,
      ],
      [
        "links: { nothere: { mtu: 1400 } }",
        /^f\.yaml:2:10: links\.nothere: there is no link nothere on this host; write its kind to have it made$/,
      ],
      [
        "addresses: [{ address: 192.0.2.1/24, dev: eth7 }]",
        /^f\.yaml:2:43: addresses\[0\]\.dev: there is no link eth7/,
      ],
      [
        "sysctls: { net.ipv4.no_such: 1 }",
        /^f\.yaml:2:12: sysctls\."net\.ipv4\.no_such": this kernel has no sysctl net\.ipv4\.no_such/,
      ],
    ] as const) {
      await rejects(
        async () => await bring(bm1, document(body)),
        (error: unknown) => {
          ok(error instanceof ConfigError);
          match(error.message, message);
          equal(error.message.split("\n").length, 1);
          return true;
        },
      );
      equal(await dump(bm1), before, body);
    }
  });

  it("says who has the address, or the port, that was asked for", async () => {
    await bm1.sh("ip link add two type bridge");
    // Somebody is quicker than what was planned.
    for (const [text, theirs, said] of [
      [
        "addresses: [{ address: 2001:db8::1/64, dev: two }]",
        "ip address add 2001:db8::1/128 dev two nodad",
        /: two has 2001:db8::1\/128 \(EEXIST, at addresses\[0\]/,
      ],
      [
        "links: { v: { kind: vxlan, vni: 5, dstport: 4790 } }",
        "ip link add theirs type vxlan id 7 dstport 4790 gbp; ip link set theirs up",
        /: theirs has dstport 4790 \(EADDRINUSE, at links\.v\)$/,
      ],
    ] as const) {
      const made = await planFor(bm1, document(text));
      await bm1.sh(theirs);
      await rejects(apply(bm1.host, made), said);
    }
    await bm1.sh("ip link delete theirs; ip link delete two");
  });

  it("is as before when a step in the middle is refused", async () => {
    // Somebody else's device has the VNI: nothing in the document is wrong.
    await bm1.sh("ip link add foreign type vxlan id 39 dev ens34f0 dstport 4789");
    const before = await dump(bm1);
    const done: string[] = [];
    const error = await failure(
      bring(bm1, await founding(), { onProgress: ({ step, state }) => done.push(`${state} ${step.id}`) }),
    );
    match(
      error.message,
      /^cannot create link vxlan0 \(step 3 of \d+, undone\): A VXLAN device with the specified VNI already exists: foreign has vni 39 dstport 4789 \(EEXIST, at links\.vxlan0\b.*\)$/i,
    );
    equal(error.code, "ERR_APPLY");
    deepEqual(
      error.done.map(({ id }) => id),
      ["nftables inet linkwright", "link br-vm"],
    );
    deepEqual(
      error.undone.map(({ id }) => id),
      ["link br-vm", "nftables inet linkwright"],
    );
    deepEqual(error.undoFailed, []);
    ok(done.includes("undone link br-vm"));
    equal(await dump(bm1), before);
  });

  it("is as before when it is stopped", async () => {
    const before = await dump(bm1);
    const stop = new AbortController();
    const error = await failure(
      bring(bm1, await founding(), {
        signal: stop.signal,
        onProgress: ({ number, state }) => {
          if (state === "done" && number === 4) stop.abort();
        },
      }),
    );
    equal(error.code, "ERR_ABORTED");
    equal(error.done.length, 4);
    equal(await dump(bm1), before);
  });

  it("is as before when the last of many changes is refused", async () => {
    await bm1.sh(`
      ip link add br0 type bridge
      ip link add v type vxlan id 5 dev ens34f0 remote 192.168.0.24 dstport 4789
      ip link set v master br0 up
      ip link set br0 up
      ip address add 192.0.2.1/24 dev br0
      ip route add 10.9.0.0/16 via 192.0.2.9
      bridge fdb append 00:00:00:00:00:00 dev v dst 192.168.0.30
      nft add table inet linkwright`);
    const before = await dump(bm1);
    const desired = document(`links:
  br0: { kind: bridge, stp: true, ageing: 100, addresses: [192.0.2.2/24] }
  v: { kind: vxlan, vni: 5, remote: 192.168.0.30, ageing: 77, learning: false, mtu: 1400, port: { learning: false } }
routes:
  - { dst: 10.9.0.0/16, via: 192.0.2.8 }
  - { dst: 10.8.0.0/16, via: 203.0.113.1 }
sysctls: { net.ipv4.ip_forward: 1 }
nat: [{ masquerade: 192.0.2.0/24, out: ens34f0 }]`);
    const error = await failure(bring(bm1, desired));
    match(
      error.message,
      /^cannot create route 10\.8\.0\.0\/16 via 203\.0\.113\.1 \(step \d+ of \d+, undone\): .*\(ENETUNREACH, at routes\[1\].*\)$/,
    );
    ok(error.done.length >= 5, error.done.map(({ id }) => id).join());
    equal(await dump(bm1), before);
  });

  it("has its links made again only when that is allowed, with what was on them", async () => {
    const desired = await founding();
    await bring(bm1, desired);
    await bm1.sh(`
      bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.168.0.30 port 4790
      bridge fdb add 02:00:00:00:00:09 dev vxlan0 dst 192.168.0.24
      ip address add 198.51.100.1/24 dev vxlan0
      ip route add 10.7.0.0/16 dev vxlan0`);
    const mac = (await bm1.host.links.get("vxlan0"))?.mac;
    const other: Desired = {
      ...desired,
      links: desired.links.map((link) =>
        link.name === "vxlan0" ? { ...link, options: { ...link.options, vni: 40 } } : link,
      ),
    };
    const before = await dump(bm1);
    const next = await planFor(bm1, other);
    const error = await failure(apply(bm1.host, next));
    match(
      error.message,
      /^link vxlan0 has to be made again: vni cannot change on a live link; it drops traffic through vxlan0, 198\.51\.100\.1\/24, route 10\.7\.0\.0\/16, 2 forwarding entries; allow it with /,
    );
    equal(error.code, "ERR_RECREATE");
    equal(await dump(bm1), before);
    await apply(bm1.host, next, { allowRecreate: true });
    const link = await bm1.host.links.get("vxlan0");
    deepEqual([link?.["vni"], link?.mac, link?.master, link?.mtu, link?.up], [40, mac, "br-vm", 1450, true]);
    deepEqual((await bm1.host.fdb.remotes("vxlan0")).sort(), ["192.168.0.24", "192.168.0.30"]);
    ok((await bm1.sh("bridge fdb show dev vxlan0")).includes("02:00:00:00:00:09 dst 192.168.0.24"));
    ok((await bm1.sh("ip address show dev vxlan0")).includes("198.51.100.1/24"));
    ok((await bm1.sh("ip route show")).includes("10.7.0.0/16 dev vxlan0"));
    deepEqual((await planFor(bm1, other)).steps, []);
  });

  it("keeps a bridge at the MTU that the document says, whatever its ports do", async () => {
    for (const mtu of [1500, 1400, 1300]) {
      const before = document(`links: { br0: { kind: bridge, mtu: ${mtu} } }`);
      await bring(bm1, before);
      const after = document(
        `links: { br0: { kind: bridge, mtu: ${mtu} }, v: { kind: vxlan, vni: 5, dev: ens34f0, master: br0, mtu: 1200 } }`,
      );
      await bring(bm1, after);
      equal((await bm1.host.links.get("br0"))?.mtu, mtu);
      deepEqual((await planFor(bm1, after)).steps, []);
      await bring(bm1, document("links: { v: { state: absent }, br0: { state: absent } }"));
    }
  });

  it("keeps what others made", async () => {
    await bm1.sh(`
      ip link add other type bridge
      ip address add 203.0.113.1/24 dev ens34f0
      nft add table inet filter
      nft add chain inet filter forward '{ type filter hook forward priority 0; policy drop; }'`);
    const before = await dump(bm1);
    const desired = await founding();
    const { warnings } = await planFor(bm1, desired);
    match(
      warnings.join("\n"),
      /chain forward of table inet filter drops at forward whatever it does not accept itself/,
    );
    await bring(bm1, desired);
    await apply(bm1.host, planRemoval(await observe(bm1.host, desired), desired));
    const strip = (text: string): string => text.replace(/^\/proc.*$/gm, "");
    equal(strip(await dump(bm1)), strip(before));
  });
});
