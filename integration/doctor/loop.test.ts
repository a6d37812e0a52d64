/** Frames that come back by the tunnel that they left by: no guest is there twice for that. */
import { deepEqual, ok } from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { diagnose } from "../../lib/doctor/index.ts";
import { Lab } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { BRISK } from "./matrix.ts";

/** Packets whose checksum is left to the network card: single ones, bundles of several, and TCP that begins. */
const TALK = `
import socket, sys, time
to = sys.argv[1]
one, many = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
many.setsockopt(socket.SOL_UDP, 103, 1000)
print("running", flush=True)
while True:
    one.sendto(b"x" * 100, (to, 9))
    many.sendto(b"y" * 3500, (to, 9))
    tcp = socket.socket()
    tcp.setblocking(False)
    tcp.connect_ex((to, 9))
    time.sleep(0.03)
    tcp.close()
`;

describe("the doctor where frames come around in a loop", function () {
  this.timeout(30_000);
  this.retries(0);

  it("takes none of them for another guest with the same address", async function () {
    needs(this, "python3", "bridge");
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const near = lab.guests.map((one) => lab.guest(one)).find(({ on }) => on === "bm1");
    if (near === undefined) throw new Error("the lab has no guest");
    const mac = String((await near.node.host.links.get("eth0"))?.mac);
    const to = "12.12.139.77";
    await near.node.host.neighbors.create({ address: to, mac: "02:00:00:00:00:77", dev: "eth0" });
    // What bm2 has no port for it sends back by the one that it came by.
    const hairpin = ["link", "set", "dev", "vxlan0", "hairpin", "on"];
    deepEqual(await once(lab.node("bm2").netns.run("bridge", hairpin, { stdio: "ignore" }), "close"), [0, null]);
    const talk = near.node.netns.run("python3", ["-c", TALK, to], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(talk, "close");
    try {
      if (talk.stdout === null) throw new Error("it has no pipe");
      await once(createInterface(talk.stdout), "line");
      const host = lab.host("bm1");
      const isBack = async (): Promise<boolean> =>
        (await host.fdb.list()).some(({ dev, dst, mac: one }) => dev === "vxlan0" && dst !== undefined && one === mac);
      for (let tries = 0; tries < 50 && !(await isBack()); tries++) await sleep(100);
      const { asked } = await diagnose(host, BRISK);
      const back = Object.values(asked.sounds).flatMap(({ seen }) => seen.filter((one) => one.mac === mac));
      ok(
        back.some(({ packets }) => packets > 20),
        JSON.stringify(back),
      );
      deepEqual(asked.clones, []);
    } finally {
      talk.kill();
      await ended;
    }
  });
});
