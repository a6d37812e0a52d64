/** A namespace for each test with a bridge, a VXLAN and a veth pair; our services and iproute2 side by side in it. */
import { Addresses } from "../../lib/addresses/addresses.ts";
import { Links } from "../../lib/links/links.ts";
import { Fdb } from "../../lib/neighbors/fdb.ts";
import { Neighbors } from "../../lib/neighbors/neighbors.ts";
import { Routes } from "../../lib/routes/routes.ts";
import { Connection } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

/** What a test works with. */
export interface Scene extends AsyncDisposable {
  readonly connection: Connection;
  readonly links: Links;
  readonly addresses: Addresses;
  readonly routes: Routes;
  readonly neighbors: Neighbors;
  readonly fdb: Fdb;
  /** Runs lines of shell in the namespace; returns what they printed. */
  sh(script: string): Promise<string>;
  /** What `ip -json` or `bridge -json` prints. */
  json(command: string): Promise<Record<string, unknown>[]>;
}

const LINKS = `
ip link set lo up
ip link add name d0 type veth peer name d1
ip link add name br0 type bridge
ip link add name vx0 type vxlan id 39 dstport 4789
ip link set d1 master br0
ip link set vx0 master br0
bridge link set dev d1 learning off
for link in br0 d1 vx0 d0; do ip link set $link addrgenmode none; ip link set $link up; done
ip address add 192.0.2.1/24 dev d0
ip address add 2001:db8::1/64 dev d0 nodad
`;

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

/** Opens a scene; it is gone at the end of the block. */
export async function scene(): Promise<Scene> {
  const namespace = await TestNamespace.create();
  const connection = Connection.open({ protocol: 0, netns: namespace.fd });
  const links = new Links(connection);
  const sh = (script: string): Promise<string> => run(namespace, script);
  await sh(LINKS);
  const flush4 = async (): Promise<void> => {
    await sh("ip route flush cache");
  };
  return {
    connection,
    links,
    addresses: new Addresses(connection, links),
    routes: new Routes(connection, links, flush4),
    neighbors: new Neighbors(connection, links),
    fdb: new Fdb(connection, links),
    sh,
    json: async (command) => JSON.parse((await sh(command)) || "[]") as Record<string, unknown>[],
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await namespace[Symbol.asyncDispose]();
    },
  };
}

/** Without properties that are undefined. */
export function given(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
/** In an order that does not depend on who told it. */
export function sorted(list: readonly object[]): object[] {
  return list
    .map((one) => [JSON.stringify(Object.entries(one).sort()), one] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}
