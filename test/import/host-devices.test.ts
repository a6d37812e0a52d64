/** What devices tell, where some tell nothing: a stand-in answers, as no device here fails otherwise. */
import { deepEqual, rejects } from "node:assert/strict";
import type { Host } from "../../lib/host.ts";
import { devicesOf, queuesOfHost } from "../../lib/import/host-devices.ts";

const failing = (code: string): Host =>
  ({
    qdiscs: { list: async () => Promise.reject(Object.assign(new Error("none"), { code: "EOPNOTSUPP" })) },
    ethtool: { features: async () => Promise.reject(Object.assign(new Error(code), { code })) },
  }) as unknown as Host;
const LINKS = { links: [{ name: "eth0", mtu: 1500, up: true }] };

const devices = async (code: string) => devicesOf(failing(code), LINKS, await queuesOfHost(failing(code)));

describe("features of a running host", () => {
  for (const code of ["EOPNOTSUPP", "ENOENT", "ENODEV", "ERR_INPUT"])
    it(`are none where a device answers ${code}`, async () => {
      deepEqual([...(await devices(code)).bags], [["eth0", {}]]);
    });

  it("are not left out for another error", async () => {
    await rejects(devices("EPERM"), { code: "EPERM" });
  });
});
