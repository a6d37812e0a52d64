/** What the document does not name stays with a link that is made again, and comes back with one that was removed. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";
import { isExact } from "../../lib/transaction/back.ts";
import { RevertedError } from "../../lib/transaction/reverted.ts";
import { type TransactOptions, transact } from "../../lib/transaction/transaction.ts";
import { planFor } from "../../lib/transaction/wanted.ts";
import { needs, skip } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "../state/kit.ts";
import { difference, directory } from "./kit.ts";

const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));

/** Values that no link has by itself, in each of the four groups; of some the kernel tells a second unit. */
const SYSCTLS: Readonly<Record<string, string>> = {
  "ipv4/conf/vx0/rp_filter": "2",
  "ipv4/conf/vx0/arp_ignore": "3",
  "ipv4/conf/vx0/forwarding": "1",
  "ipv6/conf/vx0/accept_ra": "0",
  "ipv6/conf/vx0/router_solicitations": "0",
  "ipv6/conf/vx0/router_solicitation_interval": "7",
  "ipv6/conf/vx0/hop_limit": "99",
  "ipv4/neigh/vx0/base_reachable_time_ms": "45500",
  "ipv4/neigh/vx0/unres_qlen_bytes": "77777",
  "ipv4/neigh/vx0/gc_stale_time": "33",
  "ipv6/neigh/vx0/retrans_time_ms": "1252",
};

/** A routing daemon for multicast that has one link, until it is told to end. */
const ROUTER = `
import socket, struct, sys
try:
    net = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    net.setsockopt(socket.IPPROTO_IP, 200, struct.pack("i", 1))
    by_index = 8
    net.setsockopt(socket.IPPROTO_IP, 202, struct.pack("=HBBIiI", 0, by_index, 1, 0, socket.if_nametoindex(sys.argv[1]), 0))
except OSError as error:
    sys.exit(f"{error}")
print("ready", flush=True)
sys.stdin.read()`;

describe("a link that is made again", function () {
  this.timeout(60_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  let options: TransactOptions;
  beforeEach(async function () {
    needs(this, "ip", "bridge", "tc", "ethtool");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
    options = { directory: place.path, allowRecreate: true };
    await bm1.sh(`
      ip link add br0 type bridge
      ip link add vx0 type vxlan id 5 dev ens34f0 remote 192.168.0.24 dstport 4789
      ip link set vx0 master br0 up`);
    for (const [key, value] of Object.entries(SYSCTLS)) await bm1.sh(`echo ${value} >/proc/sys/net/${key}`);
  });
  afterEach(async () => {
    await hosts[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** Everything of the host, with what another dump leaves out. */
  const everything = async (): Promise<string> =>
    // A link that is made again has another number.
    (await dump(bm1)).replace(/^\d+: /gm, "") +
    (await bm1.sh(`
      grep -s . /proc/sys/net/ipv4/neigh/*/* /proc/sys/net/ipv6/neigh/*/*
      for link in $(ls /proc/sys/net/ipv4/conf | grep -vE '^(all|default)$'); do ethtool -k $link; tc -d qdisc show dev $link; done`));
  const sysctls = async (name = "vx0"): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for (const key of Object.keys(SYSCTLS))
      found[key] = (await bm1.sh(`cat /proc/sys/net/${key.replace("vx0", name)}`)).trim();
    return found;
  };
  /** Applies it, finds it done, and has it taken back. */
  async function takenBack(desired: Desired, look: () => Promise<void>, mode: "apply" | "remove" = "apply") {
    const before = await everything();
    let round = 0;
    const probe = async () => {
      if (++round > 1) return [];
      await look();
      return [{ ok: false, text: "take it back" }];
    };
    await rejects(transact(bm1.host, desired, { ...options, mode, probe }), (error) => {
      ok(error instanceof RevertedError && error.message.startsWith("take it back"), String(error));
      ok(isExact(error.wayBack), error.message);
      return true;
    });
    deepEqual(difference(before, await everything()), []);
  }

  const OTHER = "links: { vx0: { kind: vxlan, vni: 6, dev: ens34f0, remote: 192.168.0.24, master: br0, mtu: auto } }";

  it("has the sysctls that it had, and the plan does not count them as lost", async () => {
    const desired = document(OTHER);
    const { plan } = await planFor(bm1.host, { desired, mode: "apply" });
    deepEqual(plan.steps[0]?.drops, ["traffic through vx0"]);
    deepEqual(await sysctls(), SYSCTLS);
    await transact(bm1.host, desired, options);
    equal((await bm1.json("ip -j -d link show vx0"))[0]?.["operstate"], "UNKNOWN");
    deepEqual(await sysctls(), SYSCTLS);
  });

  it("has those of the document, and the others as they were", async () => {
    const named = `${OTHER}\nsysctls: { net.ipv4.conf.vx0.rp_filter: 1, net.ipv4.conf.default.arp_ignore: 1 }`;
    const wanted = { ...SYSCTLS, "ipv4/conf/vx0/rp_filter": "1" };
    await takenBack(document(named), async () => deepEqual(await sysctls(), wanted));
    deepEqual(await sysctls(), SYSCTLS);
  });

  it("has them again after it was taken back, and so have a removed link and what stands on it", async () => {
    await takenBack(document(OTHER), async () => deepEqual(await sysctls(), SYSCTLS));
    await bm1.sh(
      "ip link set vx0 nomaster; ip link add mv0 link vx0 type macvlan mode bridge; echo 2 >/proc/sys/net/ipv6/conf/mv0/accept_ra",
    );
    const gone = "links: { vx0: { kind: vxlan, state: absent }, mv0: { kind: macvlan, state: absent } }";
    await takenBack(document(gone), async () => {
      equal(await bm1.sh("ls /proc/sys/net/ipv4/conf | grep -cE 'vx0|mv0' || true"), "0\n");
    });
    const described = "links: { vx0: { kind: vxlan, vni: 5 }, mv0: { kind: macvlan, dev: vx0 } }";
    await takenBack(document(described), async () => undefined, "remove");
  });

  it("has them where a routing daemon for multicast runs on it, which nobody else can say", async function () {
    needs(this, "python3");
    const daemon = bm1.namespace.run("python3", ["-c", ROUTER, "vx0"], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(daemon, "exit");
    try {
      const [first] = await Promise.race([once(daemon.stdout ?? daemon, "data"), ended]);
      if (!String(first).startsWith("ready")) skip(this, "this kernel routes no multicast");
      equal(await bm1.sh("cat /proc/sys/net/ipv4/conf/vx0/mc_forwarding"), "1\n");
      await transact(bm1.host, document(OTHER), options);
      deepEqual(await sysctls(), SYSCTLS);
    } finally {
      daemon.stdin?.end();
      await ended;
    }
  });

  it("comes back with the bridge that it was in, and that was removed", async () => {
    await bm1.sh("ip link set br0 address 02:00:00:00:00:0b type bridge ageing_time 12300");
    const described = "links: { br0: { kind: bridge }, vx0: { kind: vxlan, vni: 5 } }";
    await takenBack(
      document(described),
      async () => equal(await bm1.sh("ip -br link | grep -cE 'br0|vx0' || true"), "0\n"),
      "remove",
    );
  });

  it("keeps what its device was told, and its queue", async () => {
    await bm1.sh("ethtool -K vx0 gso off gro off; tc qdisc add dev vx0 root handle 8: pfifo limit 20");
    const told = () => bm1.sh("ethtool -k vx0; tc -d qdisc show dev vx0");
    const before = await told();
    await takenBack(document(OTHER), async () => equal(await told(), before));
    const queue = OTHER.replace("mtu: auto", "qdisc: { kind: pfifo, limit: 30 }, ethtool: { features: { gso: on } }");
    await takenBack(document(queue), async () => {
      const now = await told();
      match(now, /^generic-segmentation-offload: on/m);
      match(now, /^generic-receive-offload: off/m);
      match(now, /^qdisc pfifo 8: root refcnt \d+ limit 30p/m);
    });
    await takenBack(document(OTHER.replace("mtu: auto", "qdisc: { state: absent }")), async () => {
      match(await told(), /^qdisc noqueue 0: root/m);
    });
  });

  it("is not made again where its queues could not be put back", async () => {
    const planned = () => planFor(bm1.host, { desired: document(OTHER), mode: "apply" });
    await bm1.sh(
      "tc qdisc add dev vx0 root handle 1: tbf rate 1mbit burst 10kb limit 20kb; tc qdisc add dev vx0 parent 1:1 handle 2: pfifo_head_drop",
    );
    await rejects(
      planned(),
      /f\.yaml:2:\d+: links\.vx0: vx0 has tbf, with what is in it, .*tc qdisc delete dev vx0 root/,
    );
    await bm1.sh(
      "tc qdisc delete dev vx0 root; tc qdisc add dev vx0 clsact; tc filter add dev vx0 ingress bpf bytecode '1,6 0 0 0'",
    );
    await rejects(planned(), /vx0 has a queue for what comes in, .*tc qdisc delete dev vx0 ingress/);
  });

  it("has both ends of a cable back as they were", async () => {
    await bm1.sh(`
      ip link add v0 type veth peer name v1
      ip link set v0 up
      ip link set v1 up
      until ip link show v1 | grep -q 'state UP'; do sleep 0.01; done
      ethtool -K v1 gso off
      tc qdisc add dev v1 root handle 9: pfifo limit 40
      echo 2 >/proc/sys/net/ipv4/conf/v0/rp_filter
      echo 3 >/proc/sys/net/ipv4/conf/v1/arp_ignore`);
    await takenBack(document("links: { v0: { kind: veth, state: absent } }"), async () => {
      equal(await bm1.sh("ls /proc/sys/net/ipv4/conf | grep -cE '^v[01]$' || true"), "0\n");
    });
  });

  it("has both ends of a cable back where one is made again, with what stood on the other", async () => {
    await bm1.sh(`
      ip link add va type veth peer name vb
      ip link set va up
      ip link set vb up alias guests
      until ip link show vb | grep -q 'state UP'; do sleep 0.01; done
      ip address add 192.0.2.2/24 dev vb
      ip route add 198.51.100.0/24 dev vb
      echo 2 >/proc/sys/net/ipv4/conf/vb/rp_filter
      ip link add m7 link vb type macvlan mode bridge
      ip link add vc type veth peer name vd
      ip link set vc up
      ip link set vd master br0 up
      until ip link show vd | grep -q "state UP"; do sleep 0.01; done
      bridge link set dev vd hairpin on`);
    const told = async () =>
      (
        await bm1.sh(`
        until ip link show vb | grep -q 'state UP'; do sleep 0.01; done
        ip -br -d link show vb | sed 's/^vb[^ ]*//'
        ip link show vb | grep alias
        ip -br address show vb
        ip route show dev vb
        cat /proc/sys/net/ipv4/conf/vb/rp_filter
        bridge -d link show dev vd | grep -oE 'master br0|hairpin on'`)
      ).replace(/fe80:\S+/g, "");
    const before = await told();
    const described = document(`
links:
  m7: { kind: macvlan, dev: vb }
  va: { kind: veth, numTxQueues: 3, peer: { name: vb } }
  vc: { kind: veth, numTxQueues: 3, peer: { name: vd } }
  vd: { master: br0, up: true }`);
    await takenBack(described, async () => {
      equal(await told(), before);
      equal((await bm1.json("ip -j -d link show va"))[0]?.["num_tx_queues"], 3);
      equal((await bm1.json("ip -j -d link show m7"))[0]?.["link"], "vb");
    });
    const { plan } = await planFor(bm1.host, { desired: described, mode: "apply" });
    const drops = plan.steps.find(({ id }) => id === "link va")?.drops;
    deepEqual(drops?.slice(0, 4), [
      "traffic through va",
      "traffic through vb",
      "192.0.2.2/24",
      "route 198.51.100.0/24",
    ]);
  });
});
