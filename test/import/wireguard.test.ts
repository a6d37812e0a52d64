/** WireGuard links of a running host: everything but the keys. */
import { deepEqual, match } from "node:assert/strict";
import { wireguardOf } from "../../lib/import/host-devices.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";

const KEY = (letter: string): string => `${letter.repeat(42)}A=`;
const HOST: Observed = {
  links: [{ name: "wg0", kind: "wireguard", mtu: 1420, up: true }],
  wireguard: {
    wg0: {
      publicKey: KEY("C"),
      listenPort: 51_820,
      fwmark: 0,
      peers: [
        {
          publicKey: KEY("D"),
          presharedKey: "a digest",
          endpoint: "192.0.2.7:51820",
          persistentKeepalive: 25,
          allowedIps: ["10.0.0.2/32", "2001:db8::/64"],
        },
        { publicKey: KEY("E"), persistentKeepalive: 0, allowedIps: [] },
      ],
    },
  },
};

describe("import of WireGuard", () => {
  it("says peers and port, and of keys where they belong; what it says changes nothing", () => {
    const { bag, remark } = wireguardOf(HOST, "wg0");
    deepEqual(bag, {
      listenPort: 51_820,
      peers: [
        {
          publicKey: KEY("D"),
          endpoint: "192.0.2.7:51820",
          persistentKeepalive: 25,
          allowedIps: ["10.0.0.2/32", "2001:db8::/64"],
        },
        { publicKey: KEY("E") },
      ],
    });
    match(remark, /privateKeyFile: \/etc\/wireguard\/wg0\.key/);
    match(remark, /1 of its peers have a preshared key/);
    const text = JSON.stringify({ linkwright: 1, links: { wg0: { kind: "wireguard", ...bag } } });
    deepEqual(plan(HOST, desiredOf(parseSource(text))).steps, []);
  });

  it("says that peers are hidden from this user", () => {
    const { bag, remark } = wireguardOf({ links: HOST.links }, "wg0");
    deepEqual(bag, {});
    match(remark, /root only/);
  });
});
