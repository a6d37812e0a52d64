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
    inner: [],
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
        joined: {},
        managers: [],
        lasting: undefined,
        unseen: [],
      },
    },
    asked: {
      ...{ ends: "external" in link ? {} : ends, sounds: { up0: { heard, refusals: [], seen } } },
      ...{ duplicates: [], bridged: {}, ways: [], witnessed: {}, unseen: [] },
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

  it("believe entries by hand on a VXLAN that learns nothing or answers for others, until somebody is heard elsewhere", () => {
    const entry = { dev: "vx", mac: "02:00:00:00:00:09", dst: "10.0.0.9", state: "permanent" };
    const told = (link: object, seen: readonly object[] = []): unknown[] => {
      const { view, asked, moved } = host(link, {}, [], seen);
      const tunnels = view.tunnels.map((one) => ({ ...one, remotes: [] }));
      const one = { view: { ...view, tunnels, fdb: [entry] }, asked: { ...asked, ends: {} }, moved } as never;
      return tunnelChecks.flatMap((check) => check(one)).map(({ cause, severity }) => [cause, severity]);
    };
    const elsewhere = { mac: entry.mac, from: "10.0.0.2", vni: 39, packets: 1 };
    for (const link of [{ learning: false }, { proxy: true, l2miss: true }]) deepEqual(told(link), []);
    deepEqual(told({ learning: false }, [elsewhere]), [["stale-entry", "warning"]]);
    deepEqual(told({ proxy: true }, [elsewhere]), [["stale-entry", "error"]]);
    deepEqual(told({}), [
      ["no-flood-entry", "error"],
      ["stale-entry", "warning"],
    ]);
  });

  it("ask for no bridge where VNIs come with each frame", () => {
    const alone = (link: object): string[] => {
      const { view, ...rest } = host({ ...link, master: undefined }, {}, []);
      return bridgeChecks.flatMap((check) => check({ ...rest, view } as never)).map(({ cause }) => cause);
    };
    deepEqual(alone({}), ["vxlan-not-in-bridge"]);
    deepEqual(alone({ external: true }), []);
  });

  it("say which network card spoils checksums: this host's, or that of who sends", () => {
    const ends = (end: object) => ({
      vx: [{ remote: "10.0.0.2", answers: true, whole: 1500, largest: 1500, macs: new Map(), asked: 3, ...end }],
    });
    const given = host({}, {}, [{ ...HEARD, vni: 39 }]);
    const told = (one: Case): unknown[] =>
      [...underlayChecks, ...tunnelChecks]
        .flatMap((check) => check(one))
        .map(({ cause, severity, subject }) => [cause, severity, subject]);
    deepEqual(told({ ...given, asked: { ...given.asked, ends: ends({ summed: 2 }) } as never }), [
      ["checksum-offload", "error", "up0"],
    ]);
    deepEqual(told({ ...given, moved: { "Udp.InCsumErrors": 4 } }), [["checksum-offload", "error", "10.0.0.2"]]);
  });

  it("name a group that is flooded to and was not joined, and keep silent where that is not known", () => {
    const { view, ...rest } = host({}, {}, []);
    const tunnels = view.tunnels.map((one) => ({ ...one, remotes: [], group: "239.1.1.39" }));
    const told = (joined: object): string[] =>
      causes({ ...rest, asked: { ...rest.asked, ends: {} }, view: { ...view, tunnels, joined } } as never);
    deepEqual(told({ up0: ["224.0.0.1"] }), ["group-not-joined"]);
    for (const joined of [{ up0: ["224.0.0.1", "239.1.1.39"] }, {}, { up0: ["ff02::1"] }]) deepEqual(told(joined), []);
  });

  it("name a chain of the bridge that drops, and doubt what only some frames meet", () => {
    const rules = (match: object): object => ({
      ...{ family: "bridge", name: "filter" },
      chains: [{ name: "FORWARD", hook: "forward", rules: [{ match, action: "drop" }] }],
    });
    const told = (match: object, bridged: object = {}): unknown[] => {
      const given = host({}, {}, [{ ...HEARD, vni: 39 }]);
      const { view, asked } = given;
      const one = { ...given, view: { ...view, tables: [rules(match)] }, asked: { ...asked, bridged } } as never;
      return bridgeChecks.flatMap((check) => check(one)).map(({ cause, severity }) => [cause, severity]);
    };
    deepEqual(told({ oifname: "vx" }), [["bridge-filtered", "error"]]);
    deepEqual(told({ oifname: "vx", protocol: "udp" }), []);
    deepEqual(told({ oifname: "vx", protocol: "udp" }, { vx: { asked: 2, answered: 0 } }), [
      ["bridge-filtered", "warning"],
    ]);
    const witnessed = { vx: { syns: 0, frames: 0, bundles: 0, entered: 5, left: 0 } };
    const given = host({}, {}, [{ ...HEARD, vni: 39 }]);
    const lost = { ...given, asked: { ...given.asked, witnessed } };
    deepEqual(
      bridgeChecks.flatMap((check) => check(lost)).map(({ cause, severity }) => [cause, severity]),
      [["bridge-filtered", "warning"]],
    );
    deepEqual(told({ oifname: "another" }, { vx: { asked: 2, answered: 2 } }), []);
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
