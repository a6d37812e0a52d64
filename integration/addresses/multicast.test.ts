/** Multicast groups of links: ours beside `ip -json maddress`. */
import { deepEqual, ok } from "node:assert/strict";
import { canonicalIp } from "../../lib/families/lookup.ts";
import { needs } from "../../test/needs.ts";
import { scene, sorted } from "../routes/kit.ts";

const JOIN = `import socket, struct, time
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.9.9.9") + socket.inet_aton("192.0.2.1"))
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff15::77") + struct.pack("i", socket.if_nametoindex("d0")))
print("joined", flush=True)
time.sleep(60)`;

describe("multicast groups of links", () => {
  before(function () {
    needs(this, "ip", "python3");
  });

  it("are told alike, also those that a program has joined", async () => {
    await using here = await scene();
    const pid = (await here.sh(`python3 -c '${JOIN}' > /dev/null 2>&1 & echo $!`)).trim();
    try {
      await here.sh("for i in $(seq 100); do ip maddress show dev d0 | grep -q ff15::77 && break; sleep 0.1; done");
      const ours = await here.addresses.multicast();
      const theirs = (await here.json("ip -json maddress show")).flatMap(({ ifname, maddr }) =>
        (maddr as { family?: string; address?: string }[])
          .filter(({ family }) => family !== undefined)
          .map(({ family, address = "" }) => ({ dev: ifname, family, address: canonicalIp(address) })),
      );
      const told = (family: string): object[] => sorted(theirs.filter((one) => one.family === family));
      deepEqual(sorted(ours.filter(({ family }) => family === "inet6")), told("inet6"));
      ok(ours.some(({ dev, address }) => dev === "d0" && address === "ff15::77"));
      // Linux 6.15 and later tell of those of IPv4.
      const four = await here.addresses.multicast({ family: "inet" }).catch(({ code }) => code as string);
      deepEqual(typeof four === "string" ? four : sorted(four), typeof four === "string" ? "EOPNOTSUPP" : told("inet"));
      deepEqual(
        (await here.addresses.multicast({ dev: "d0", family: "inet6" })).every(({ dev }) => dev === "d0"),
        true,
      );
    } finally {
      await here.sh(`kill ${pid}`);
    }
  });
});
