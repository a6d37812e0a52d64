/** What an MTU plan takes from a host whose tunnels go through encryption; the host is made up. */
import { deepEqual } from "node:assert/strict";
import { emptyDesired, linksOf, observedOnPaper } from "../../lib/cli/mtu-source.ts";
import type { Host } from "../../lib/host.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";

const UNDER = { name: "eth0", mtu: 1500 };
const VXLAN = { name: "vxlan0", kind: "vxlan", mtu: 1370, remote: "10.9.0.2" };

/** A host with these routes, `MARK ADDRESS` where a mark leads elsewhere, and these peers of wg0. */
function hostWith(routes: Readonly<Record<string, string>>, endpoints: readonly string[], fwmark = 0): Host {
  const get = async (address: string, { mark }: { mark?: number }) => ({
    dev: routes[mark === undefined ? address : `${mark} ${address}`],
  });
  const peers = endpoints.map((endpoint) => ({ endpoint }));
  return { routes: { get }, wireguard: { get: async () => ({ peers, fwmark }) } } as unknown as Host;
}

async function below(links: readonly { name: string; mtu: number; kind?: string }[], host: Host): Promise<unknown[]> {
  const found = await linksOf(emptyDesired(), { links } as never, host);
  return found.map(({ name, kind, dev, family }) => [name, kind, dev, family]);
}

describe("an MTU plan of a host", () => {
  const wg0 = { name: "wg0", kind: "wireguard", mtu: 1420 };

  it("finds the way to the peers of the WireGuard link that a tunnel is routed through", async () => {
    const host = hostWith({ "10.9.0.2": "wg0", "198.51.100.7": "eth0" }, ["198.51.100.7:51820"]);
    deepEqual(await below([UNDER, wg0, VXLAN], host), [
      ["eth0", "device", undefined, 4],
      ["wg0", "wireguard", "eth0", 4],
      ["vxlan0", "vxlan", "wg0", 4],
    ]);
  });

  it("reckons with IPv6 where one of the peers is there, and asks with the mark of the link", async () => {
    const host = hostWith({ "10.9.0.2": "wg0", "7 2001:db8::7": "eth0" }, ["198.51.100.7:1", "[2001:db8::7]:1"], 7);
    deepEqual((await below([UNDER, wg0, VXLAN], host))[1], ["wg0", "wireguard", "eth0", 6]);
  });

  it("says nothing of what is below where no peer has a place, or leads into the link itself", async () => {
    for (const [routes, ends] of [
      [{ "10.9.0.2": "wg0" }, []],
      [{ "10.9.0.2": "wg0", "198.51.100.7": "wg0" }, ["198.51.100.7:1"]],
    ] as const)
      deepEqual((await below([UNDER, wg0, VXLAN], hostWith(routes, ends)))[1], ["wg0", "wireguard", undefined, 4]);
  });

  it("takes an xfrm link for IPsec over the device that it names", async () => {
    const xfrm0 = { name: "xfrm0", kind: "xfrm", mtu: 1500, dev: "eth0" };
    deepEqual(await below([UNDER, xfrm0, { ...VXLAN, dev: "xfrm0" } as never], hostWith({}, [])), [
      ["eth0", "device", undefined, 4],
      ["xfrm0", "ipsec", "eth0", 4],
      ["vxlan0", "vxlan", "xfrm0", 4],
    ]);
  });

  it("has the peers of a document on paper, and the MTU that the kernel gives WireGuard", async () => {
    const key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    const desired = desiredOf(
      parseSource(`linkwright: 1
links:
  wg0: { kind: wireguard, privateKeyFile: /k, peers: [{ publicKey: "${key}", endpoint: "[2001:db8::7]:1" }] }
  vxlan0: { kind: vxlan, vni: 1, dev: wg0, remote: 10.9.0.2, mtu: auto }
`),
    );
    const links = await linksOf(desired, observedOnPaper(desired, 9000));
    deepEqual(
      links.map(({ name, mtu, dev, family }) => [name, mtu, dev, family]),
      [
        ["wg0", 1420, "underlay", 6],
        ["vxlan0", 1370, "wg0", 4],
        ["underlay", 9000, undefined, 4],
      ],
    );
  });
});
