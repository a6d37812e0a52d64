import { deepEqual } from "node:assert/strict";
import { bridgeChecks } from "../../lib/doctor/checks/bridge.ts";
import type { Case } from "../../lib/doctor/checks/check.ts";
import { tunnelChecks } from "../../lib/doctor/checks/tunnel.ts";
import { underlayChecks } from "../../lib/doctor/checks/underlay.ts";

const UP = { up: true, carrier: true, operstate: "up", mtu: 1500 };
const vxlan = { ...UP, name: "vx", index: 3, kind: "vxlan", mtu: 1450, master: "br", port: { state: "forwarding" } };
const bridge = { ...UP, name: "br", index: 4, kind: "bridge", mac: "00:00:5e:00:01:01" };
const underlay = { ...UP, name: "up0", index: 2 };

/** A host with one tunnel to 10.0.0.2, from where this was heard. */
function host(link: object, port: object, heard: readonly object[], seen: readonly object[] = []): Case {
  const own = { ...vxlan, ...link, port: { ...vxlan.port, ...port } };
  const tunnel = {
    link: own,
    vni: 39,
    dstport: 4789,
    remotes: ["10.0.0.2"],
    learned: [],
    underlay,
    family: 4,
    overhead: 50,
  };
  const ends = { vx: [{ remote: "10.0.0.2", answers: true, whole: 1500, largest: 1500, macs: new Map(), asked: 1 }] };
  return {
    view: {
      ...{
        links: [own, bridge, underlay],
        addresses: [],
        routes: [],
        fdb: [],
        neighbors: [],
        tunnels: [tunnel],
        sysctls: {},
      },
      ...{
        tables: [],
        chains: [],
        ways: { "10.0.0.2": {} },
        counters: {},
        managers: [],
        lasting: undefined,
        unseen: [],
      },
    },
    asked: {
      ...{ ends: "external" in link ? {} : ends, sounds: { up0: { heard, refusals: [], seen } } },
      ...{ duplicates: [], ways: [], witnessed: {}, unseen: [] },
    },
    moved: {},
  } as unknown as Case;
}
const causes = (given: Case): string[] =>
  [...underlayChecks, ...tunnelChecks, ...bridgeChecks].flatMap((check) => check(given)).map(({ cause }) => cause);
const HEARD = { from: "10.0.0.2", to: "10.0.0.1", dport: 4789, vni: 10, packets: 3 };
const TWIN = { mac: bridge.mac, from: "10.0.0.2", vni: 39, packets: 1 };

describe("checks of the doctor", () => {
  it("name another VNI, but not where VNIs come with each frame", () => {
    deepEqual(causes(host({}, {}, [HEARD])), ["vni-mismatch"]);
    deepEqual(causes(host({ external: true }, {}, [HEARD])), []);
  });

  it("name bridges with one MAC address, but not where a control plane has gateways so", () => {
    const well = { ...HEARD, vni: 39 };
    deepEqual(
      causes(host({}, {}, [well], [TWIN])).filter((one) => one === "duplicate-mac"),
      ["duplicate-mac"],
    );
    const evpn = causes(host({ learning: false }, { neighSuppress: true }, [well], [TWIN]));
    deepEqual(
      evpn.filter((one) => one === "duplicate-mac"),
      [],
    );
  });

  it("say of wrong checksums what is known, and only where there is a tunnel", () => {
    const given = { ...host({}, {}, []), moved: { "Udp.InCsumErrors": 2 } };
    const checksum = underlayChecks
      .flatMap((check) => check(given))
      .filter(({ cause }) => cause === "checksum-offload");
    deepEqual(
      checksum.map(({ severity, evidence }) => [severity, evidence]),
      [["warning", ["Udp.InCsumErrors moved by 2 meanwhile"]]],
    );
    const none = { ...given, view: { ...given.view, tunnels: [] } };
    deepEqual(
      underlayChecks.flatMap((check) => check(none)),
      [],
    );
  });
});
