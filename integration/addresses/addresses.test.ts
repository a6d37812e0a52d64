import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Address, AddressConfig } from "../../lib/addresses/words.ts";
import { needs } from "../../test/needs.ts";
import { type Scene, scene, sorted } from "../routes/kit.ts";
import { addressesOf, asIp } from "./oracle.ts";

/** Both tell the same of every address. */
async function agree({ addresses, json }: Scene): Promise<readonly Address[]> {
  // A second may end between the two readings.
  for (let attempt = 0; ; attempt++) {
    const ours = await addresses.list();
    const theirs = addressesOf(await json("ip -json -details address show"));
    try {
      equal(ours.consistent, true);
      deepEqual(sorted(ours.map(asIp)), sorted(theirs));
      return ours;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

const OURS: readonly AddressConfig[] = [
  { address: "12.12.139.1/24", dev: "br0" },
  { address: "12.12.139.2/24", dev: "br0" },
  { address: "12.12.140.1/24", dev: "br0", broadcast: "+", label: "br0:1" },
  { address: "12.12.141.1/31", dev: "br0", metric: 77 },
  { address: "10.9.0.1/32", dev: "br0", peer: "10.9.0.2", scope: "link" },
  { address: "10.8.0.1/16", dev: "d1", validLifetime: 1000, preferredLifetime: 500 },
  { address: "10.7.0.1/16", dev: "d1", validLifetime: 1000, noprefixroute: true },
  { address: "127.0.0.9/8", dev: "lo" },
  { address: "2001:db8:1::1/64", dev: "br0", nodad: true },
  { address: "2001:db8:2::1/128", dev: "br0", peer: "2001:db8:2::2", nodad: true },
  { address: "2001:db8:3::1/64", dev: "br0", nodad: true, validLifetime: 1000, preferredLifetime: 0 },
  { address: "2001:db8:4::1/64", dev: "br0", nodad: true, home: true, mngtmpaddr: true, noprefixroute: true },
  { address: "fe80::9/64", dev: "br0", nodad: true, metric: 5 },
];
const THEIRS = [
  "12.12.139.1/24 dev br0 brd +",
  "12.12.140.1/24 brd 12.12.140.9 dev br0 label br0:x metric 9",
  "10.9.0.1 peer 10.9.0.2/24 dev br0 scope site",
  "10.8.0.1/16 dev br0 valid_lft 900 preferred_lft 800 noprefixroute",
  "2001:db8:1::1/64 dev br0 nodad",
  "2001:db8:2::1 peer 2001:db8:2::/64 dev br0 nodad",
  "2001:db8:3::1/64 dev br0 nodad valid_lft 900 preferred_lft forever home".replace("forever", "900"),
];

describe("addresses beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    for (const config of OURS) await here.addresses.create(config);
    const found = await agree(here);
    for (const { address, dev } of OURS)
      equal(found.filter((one) => one.address === address && one.dev === dev).length, 1, address);
    for (const config of [...OURS].reverse()) await here.addresses.delete(config);
    deepEqual(
      (await agree(here)).filter(({ dev }) => dev === "br0"),
      [],
    );
    await here.sh(THEIRS.map((line) => `ip address add ${line}`).join("\n"));
    const again = await agree(here);
    equal(again.filter(({ dev }) => dev === "br0").length, THEIRS.length);
    equal(again.find(({ peer }) => peer === "10.9.0.2")?.address, "10.9.0.1/24");
  });

  it("are selected by link and family", async () => {
    await using here = await scene();
    const all = await here.addresses.list();
    deepEqual(
      (await here.addresses.list({ dev: "d0" })).map(({ address }) => address),
      ["192.0.2.1/24", "2001:db8::1/64"],
    );
    deepEqual(
      (await here.addresses.list({ family: "inet6" })).map(({ address }) => address),
      all.filter(({ family }) => family === "inet6").map(({ address }) => address),
    );
    await rejects(here.addresses.list({ dev: "absent" }), /absent/);
  });

  it("are replaced in place", async () => {
    await using here = await scene();
    const config = { address: "12.12.139.1/24", dev: "br0" };
    await here.addresses.replace(config);
    await here.addresses.replace({ ...config, validLifetime: 100, metric: 7 });
    const [now] = await here.addresses.list({ dev: "br0" });
    deepEqual([now?.validLifetime, now?.metric], [100, 7]);
    await here.addresses.replace(config);
    equal((await here.addresses.list({ dev: "br0" }))[0]?.validLifetime, "forever");
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const config = { address: "12.12.139.1/24", dev: "br0" };
    await here.addresses.create(config);
    await rejects(here.addresses.create(config), {
      name: "NetlinkError",
      code: "EEXIST",
      request: "RTM_NEWADDR",
      attribute: "address",
      message: /^cannot add address 12\.12\.139\.1\/24 to br0: .*\(EEXIST, at address\)$/,
    });
    await rejects(here.addresses.delete({ ...config, address: "10.0.0.1/8" }), {
      code: "EADDRNOTAVAIL",
      message: /^cannot delete address 10\.0\.0\.1\/8 from br0: .*\(EADDRNOTAVAIL, at address\)$/,
    });
    await here.sh("sysctl -qw net.ipv6.conf.br0.disable_ipv6=1 || echo 1 > /proc/sys/net/ipv6/conf/br0/disable_ipv6");
    await rejects(here.addresses.create({ address: "2001:db8:9::1/64", dev: "br0" }), {
      message: /^cannot add address 2001:db8:9::1\/64 to br0: .*(IPv6 is disabled|permission denied)/i,
    });
  });

  it("are made many at once, each with its own refusal", async () => {
    await using here = await scene();
    const many = Array.from({ length: 1000 }, (_, i) => ({ address: `10.${i >> 8}.${i & 255}.1/24`, dev: "br0" }));
    deepEqual((await here.addresses.batch("create", many)).filter(Boolean), []);
    const results = await here.addresses.batch("create", [{ address: "11.0.0.1/8", dev: "br0" }, ...many.slice(0, 2)]);
    deepEqual(
      results.map((error) => error?.code),
      [undefined, "EEXIST", "EEXIST"],
    );
    equal(results[2]?.message.startsWith("cannot add address 10.0.1.1/24 to br0: "), true);
    equal((await agree(here)).filter(({ dev }) => dev === "br0").length, 1001);
    await rejects(here.addresses.batch("create", [many[5] ?? { address: "", dev: "" }, { address: "1", dev: "br0" }]), {
      code: "ERR_INPUT",
      path: ["1", "address"],
    });
  });
});
