/** Two hosts in namespaces, joined by a cable whose ends are both named ens34f0; iproute2 and nft as oracles. */
import { Host } from "../../lib/host.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

/** One host of a scene. */
export interface Machine {
  readonly name: string;
  readonly host: Host;
  readonly namespace: TestNamespace;
  /** Runs lines of shell in the namespace; returns what they printed. */
  sh(script: string): Promise<string>;
  /** What a command prints as JSON: an array, or what `nft -j` writes. */
  json<T = Record<string, unknown>[]>(command: string): Promise<T>;
}
/** Both hosts. */
export interface Scene extends AsyncDisposable {
  readonly bm1: Machine;
  readonly bm2: Machine;
}

function run(namespace: TestNamespace, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = namespace.run("sh", ["-ec", script], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${script}: ${said}`))));
  });
}

async function machine(name: string): Promise<Machine> {
  const namespace = await TestNamespace.create();
  const sh = (script: string): Promise<string> => run(namespace, script);
  // Two dumps of one state must not differ by a duplicate address detection that ended between them.
  await sh("echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad");
  return {
    name,
    namespace,
    host: await Host.open({ netns: namespace }),
    sh,
    json: async (command) => JSON.parse((await sh(command)) || "[]"),
  };
}

/** Opens a scene; it is gone at the end of the block. */
export async function scene(family: 4 | 6 = 4): Promise<Scene> {
  const [bm1, bm2] = [await machine("bm1"), await machine("bm2")];
  const address = (last: number): string => (family === 4 ? `192.168.0.${last}/24` : `fd00:192:168::${last}/64 nodad`);
  await bm1.sh(`ip link add ens34f0 type veth peer name ens34f0 netns ${bm2.namespace.name}`);
  for (const [{ sh }, last] of [[bm1, 23] as const, [bm2, 24] as const])
    await sh(
      `ip link set lo up; ip link set ens34f0 addrgenmode none; ip link set ens34f0 up; ip address add ${address(last)} dev ens34f0`,
    );
  // The kernel finds a carrier in its own time, and routes change with it.
  for (const { sh } of [bm1, bm2]) await sh("until ip link show ens34f0 | grep -q 'state UP'; do sleep 0.01; done");
  return {
    bm1,
    bm2,
    [Symbol.asyncDispose]: async () => {
      for (const { host, namespace } of [bm1, bm2]) {
        host.close();
        await namespace.end();
      }
    },
  };
}

/**
 * Everything that a host is configured to, as text: two equal texts are the same state. Counters, ages and learned
 * neighbors are left out.
 */
export async function dump({ sh }: Machine): Promise<string> {
  const text = await sh(`
    ip -details link show
    ip address show
    ip route show table all
    ip -6 route show table all
    ip rule show
    ip -6 rule show
    ip nexthop show
    ip addrlabel list | sort
    ip neighbor show nud permanent
    ip neighbor show proxy
    ip neighbor show nud all | grep -E 'managed|extern_learn' || true
    ip fou show | sort || true
    bridge fdb show | sort
    bridge -details vlan show || true
    bridge vlan tunnelshow || true
    bridge vni show || true
    bridge -details mdb show | sort || true
    nft list ruleset || true
    grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward | grep -v stable_secret | sort`);
  return (
    text
      .replace(/ (valid|preferred)_lft \S+/g, "")
      .replace(/expires \S+/g, "")
      // What a link's carrier makes of it the kernel says in its own time, up to a second later.
      .replace(/ state (UP|DOWN|UNKNOWN|LOWERLAYERDOWN) /g, " ")
      .replace(/(hello|tcn|topology_change|gc|message_age|forward_delay)_timer\s+[\d.]+/g, "")
      .replace(/packets \d+ bytes \d+/g, "")
  );
}
