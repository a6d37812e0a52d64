/** What `ip fou` opens we read, what we open it reads, and tunnels over UDP arrive there. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { FouPort } from "../../lib/fou/words.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { framesDuring } from "../links/frames.ts";
import { type Scene, scene } from "../links/kit.ts";

const CABLE = "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip link set lo up";
const ADDRESSED = `${CABLE}; ip address add 192.0.2.1/24 dev v0; ip address add 2001:db8::1/64 dev v0 nodad`;

/** Ours in the words of `ip -json fou show`. */
const ours = ({ port, family, ipproto, gue, local, peer, peerPort, dev }: FouPort): object => ({
  port,
  ...(gue ? { gue: null } : { ipproto }),
  family,
  ...(local !== undefined && { local }),
  ...(peer !== undefined && { peer }),
  ...(peerPort !== undefined && { peer_port: peerPort }),
  ...(dev !== undefined && { dev }),
});
/** Compares all that `ip` tells; returns it as we read it. */
async function agree({ host, sh }: Scene): Promise<readonly FouPort[]> {
  const ports = await host.fou.list();
  deepEqual(ports.map(ours), JSON.parse(await sh("ip -json fou show")));
  return ports;
}

describe("fou", function () {
  this.timeout(240_000);
  before(async function () {
    needs(this, "ip");
    await using stage = await scene();
    try {
      await stage.host.fou.list();
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "ENOENT") throw error;
      skip(this, "this kernel has no FOU; integration/kernels/run qemu integration/fou");
    }
  });

  it("reads what ip opens", async () => {
    await using stage = await scene(`${ADDRESSED}
ip fou add port 5555 ipproto 4
ip fou add port 5556 gue
ip -6 fou add port 5557 ipproto 41
ip fou add port 5558 ipproto 47 local 127.0.0.1 dev lo
ip fou add port 5559 ipproto 47 local 192.0.2.1 peer 192.0.2.2 peer_port 44
ip -6 fou add port 5560 gue local 2001:db8::1 peer 2001:db8::2 peer_port 44`);
    const ports = await agree(stage);
    equal(ports.length, 6);
    const { fou } = stage.host;
    const bound = { port: 5558, local: "127.0.0.1", dev: "lo" };
    equal((await fou.get(bound))?.ipproto, 47);
    equal(await fou.get({ port: 5558 }), undefined, "it is another one without its address");
    equal((await fou.get({ port: 5557, family: "inet6" }))?.ipproto, 41);
    await fou.delete(bound);
    equal((await agree(stage)).length, 5);
  });

  it("opens what ip reads, and closes it", async () => {
    await using stage = await scene(ADDRESSED);
    const { fou } = stage.host;
    const four = { port: 6001, local: "192.0.2.1", peer: "192.0.2.2", peerPort: 44, dev: "v0" };
    const six = { port: 6002, local: "2001:db8::1" };
    await fou.create({ port: 6000, ipproto: 4 });
    await fou.create({ ...four, ipproto: 47 });
    await fou.create({ ...six, gue: true });
    await fou.create({ port: 6003, gue: true, remcsumNopartial: true });
    equal((await agree(stage)).length, 4);
    deepEqual(await fou.get(four), { ...four, family: "inet", ipproto: 47, gue: false, remcsumNopartial: false });
    equal((await fou.get({ port: 6003 }))?.remcsumNopartial, true);
    for (const name of [{ port: 6000 }, four, six, { port: 6003 }]) await fou.delete(name);
    deepEqual(await agree(stage), []);
  });

  it("tells refusals in the caller's words", async () => {
    await using stage = await scene(ADDRESSED);
    const { sh, host } = stage;
    const { fou } = host;
    await fou.create({ port: 6000, gue: true });
    await rejects(fou.create({ port: 6000, gue: true }), { code: "EADDRINUSE", attribute: "port" });
    await rejects(fou.create({ port: 6001, gue: true, local: "198.51.100.1" }), {
      code: "EADDRNOTAVAIL",
      attribute: "local",
    });
    await rejects(fou.delete({ port: 6001 }), { code: "ENOENT", attribute: "port" });
    await rejects(fou.delete({ port: 6000, family: "inet6" }), { code: "ENOENT" });
    await rejects(fou.create({ port: 6002, gue: true, local: "192.0.2.1", dev: "nope" }), { path: ["nope"] });
    await sh("! ip fou add port 6002 gue dev v0"); // as is refused before it is sent
    equal((await agree(stage)).length, 1);
  });

  it("brings packets of tunnels over UDP from one host to another", async function () {
    needs(this, "ping", "python3");
    await using near = await scene(CABLE);
    await using far = await scene();
    await near.links.move("v1", far.netns);
    const ends = [
      { at: near, dev: "v0", local: "192.0.2.1", remote: "192.0.2.2", number: 1 },
      { at: far, dev: "v1", local: "192.0.2.2", remote: "192.0.2.1", number: 2 },
    ];
    const TUNNELS = [
      { kind: "ipip", encap: "fou", what: { ipproto: 4 }, encapDport: 5555, inside: "198.51.100" },
      { kind: "gre", encap: "gue", what: { gue: true }, encapDport: 5556, inside: "203.0.113" },
    ] as const;
    for (const { at, dev, local, remote, number } of ends) {
      await at.links.update(dev, { up: true });
      await at.host.addresses.create({ address: `${local}/24`, dev });
      for (const { kind, encap, what, encapDport, inside } of TUNNELS) {
        await at.host.fou.create({ port: encapDport, ...what });
        const over = { encap, encapSport: 7777, encapDport, encapCsum: true };
        await at.links.create({ kind, name: encap, local, remote, ...over, up: true }).catch((error: unknown) => {
          if (!(error instanceof NetlinkError) || !["EINVAL", "EOPNOTSUPP"].includes(error.code)) throw error;
          skip(this, "the tunnels of this kernel are not over UDP; integration/kernels/run qemu integration/fou");
        });
        await at.host.addresses.create({ address: `${inside}.${number}/24`, dev: encap });
      }
    }
    for (const { encap, encapDport, inside } of TUNNELS) {
      const frames = await framesDuring(near, "v0", `ping -n -c 2 -i 0.2 -W 5 ${inside}.2`);
      const packets = frames.filter((frame) => frame.slice(24, 28) === "0800");
      ok(packets.length >= 4, `${packets.length} packets`);
      const ports = [7777, encapDport].map((port) => port.toString(16).padStart(4, "0")).join("");
      // Behind 14 bytes of Ethernet: the protocol of IPv4, and the ports of UDP.
      for (const packet of packets) deepEqual([packet.slice(46, 48), packet.slice(68, 76)], ["11", ports]);
      // The second byte of the header of GUE: GRE is behind it.
      if (encap === "gue") for (const packet of packets) equal(packet.slice(86, 88), "2f");
    }
  });
});
