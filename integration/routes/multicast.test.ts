/** Routes of multicast: ours beside `ip -json mroute`. */
import { deepEqual } from "node:assert/strict";
import { needs, skip } from "../../test/needs.ts";
import { given, scene } from "../routes/kit.ts";

/** A routing daemon of two links, for a minute. */
const DAEMON = `import os, socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
s.setsockopt(0, 200, struct.pack("i", 1))
for vif, name in enumerate(("d0", "br0")):
    s.setsockopt(0, 202, struct.pack("=HBBIII", vif, 8, 1, 0, socket.if_nametoindex(name), 0))
ttls = bytes([255, 3] + [255] * 30)
s.setsockopt(0, 204, socket.inet_aton("192.0.2.9") + socket.inet_aton("239.1.1.1") + struct.pack("=H32s2xIIIi", 0, ttls, 0, 0, 0, 0))
time.sleep(60)`;

describe("routes of multicast", () => {
  before(function () {
    needs(this, "ip", "python3");
  });

  it("are told as ip tells them", async function () {
    await using here = await scene();
    deepEqual(await here.routes.multicast(), []);
    const pid = (await here.sh(`python3 -c '${DAEMON}' > /dev/null 2>&1 & echo $!`)).trim();
    try {
      await here.sh("for i in $(seq 100); do ip mroute show | grep -q 239.1.1.1 && break; sleep 0.1; done");
      const [theirs] = await here.json("ip -json -s mroute show");
      if (theirs === undefined) skip(this, "no routes of multicast here");
      const [ours] = await here.routes.multicast();
      deepEqual(
        given({
          dst: ours?.group,
          src: ours?.source,
          iif: ours?.iif,
          multipath: ours?.oifs.map(({ dev, ttl }) => ({ oif: dev, ttl })),
          packets: Number(ours?.packets),
          bytes: Number(ours?.bytes),
        }),
        given({
          dst: theirs["dst"],
          src: theirs["src"],
          iif: theirs["iif"],
          multipath: theirs["multipath"],
          packets: theirs["packets"],
          bytes: theirs["bytes"],
        }),
      );
      deepEqual(ours?.oifs, [{ dev: "br0", ttl: 3 }]);
      deepEqual(await here.routes.multicast({ table: 99 }), []);
      deepEqual(await here.routes.multicast({ family: "inet6" }), []);
    } finally {
      await here.sh(`kill ${pid}`);
    }
  });
});
