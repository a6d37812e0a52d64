import { deepEqual, equal, match } from "node:assert/strict";
import { bridgeChecks } from "../../lib/doctor/checks/bridge.ts";
import type { Case } from "../../lib/doctor/checks/check.ts";
import { tunnelChecks } from "../../lib/doctor/checks/tunnel.ts";
import { underlayChecks } from "../../lib/doctor/checks/underlay.ts";
import { quoted } from "../../lib/doctor/finding.ts";
import { machineMacs } from "../../lib/doctor/machine-mac.ts";

const UP = { up: true, carrier: true, operstate: "up", mtu: 1500 };
const vxlan = { ...UP, name: "vx", index: 3, kind: "vxlan", mtu: 1450, master: "br", port: { state: "forwarding" } };
const bridge = { ...UP, name: "br", index: 4, kind: "bridge", mac: "00:00:5e:00:01:01" };
const underlay = { ...UP, name: "up0", index: 2 };

const guest = { ...UP, kind: "veth", mtu: 1450, master: "br", port: { state: "forwarding" } };
const guests = ["ga", "gb"].map((name, at) => ({ ...guest, name, index: 5 + at, mac: `02:00:00:00:00:0${name[1]}` }));

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
        links: [own, bridge, underlay, ...guests],
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
      ...{ ends: "external" in link ? {} : ends, sounds: { up0: { heard, refusals: [], seen, spoiled: [] } } },
      ...{ duplicates: [], clones: [], claimed: [], bridged: {}, ways: [], witnessed: {}, overheard: {}, unseen: [] },
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

  it("say of a bridge's MAC address whether systemd made it of the machine's id", () => {
    const id = "0123456789abcdef0123456789abcdef";
    const told = (mac: string, machineId?: string, port = "br"): unknown[] => {
      const { view, ...rest } = host({}, {}, [{ ...HEARD, vni: 39 }], [{ ...TWIN, mac }]);
      const links = view.links.map((one) => (["br", port].includes(one.name) ? { ...one, mac } : one));
      const lasting = { files: {}, made: [], networkd: {}, networkManager: [], ignored: [], machineId };
      return bridgeChecks
        .flatMap((check) => check({ ...rest, view: { ...view, links, lasting } } as never))
        .map(({ text, evidence, fix }) => [
          /same id|of its port|not known/.exec(text)?.[0],
          evidence.length,
          /machine-id/.test(fix),
        ]);
    };
    const made = machineMacs(id, "br").map(({ mac }) => mac);
    for (const mac of made) deepEqual(told(mac, id), [["same id", 3, true]]);
    deepEqual(told(bridge.mac, id), [["not known", 3, false]]);
    deepEqual(told(bridge.mac), [["not known", 2, false]]);
    deepEqual(told("02:00:00:00:00:0a", id), [["of its port", 3, false]]);
    deepEqual(told("02:00:00:00:00:0a"), [["of its port", 2, false]]);
    const ofPort = machineMacs(id, "ga")[0]?.mac ?? "";
    deepEqual(told(ofPort, id), [["not known", 3, false]]);
    deepEqual(told(ofPort, id, "ga"), [["same id", 3, true]]);
  });

  it("convict two guests with one address on different hosts, and doubt one that answers by two cards", () => {
    const told = (by: readonly object[], addresses = ["192.0.2.11"]): unknown[] => {
      const { asked, ...rest } = host({}, {}, [{ ...HEARD, vni: 39 }]);
      const claimed = addresses.map((address, at) => {
        return { address, dev: "br", by: at === 0 ? by : [by[0], { mac: `02:00:00:00:01:0${at}`, from: "10.0.0.2" }] };
      });
      return bridgeChecks
        .flatMap((check) => check({ ...rest, asked: { ...asked, claimed } } as never))
        .map(({ cause, severity, subject }) => [cause, severity, subject]);
    };
    const [a, b] = [{ mac: "02:00:00:00:00:01" }, { mac: "02:00:00:00:00:02" }];
    const sure = [["duplicate-ip", "error", "192.0.2.11"]];
    const doubt = [["duplicate-ip", "warning", "192.0.2.11"]];
    deepEqual(
      told([
        { ...a, port: "ga" },
        { ...b, from: "10.0.0.2" },
      ]),
      sure,
    );
    deepEqual(
      told([
        { ...a, from: "10.0.0.3" },
        { ...b, from: "10.0.0.2" },
      ]),
      sure,
    );
    deepEqual(
      told([
        { ...a, port: "ga" },
        { ...b, port: "gb" },
      ]),
      doubt,
    );
    deepEqual(
      told([
        { ...a, from: "10.0.0.2" },
        { ...b, from: "10.0.0.2" },
      ]),
      doubt,
    );
    deepEqual(told([{ ...a, port: "ga" }, b]), doubt);
    // Who answers for many answers in their place.
    const proxied = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];
    deepEqual(
      told(
        [
          { ...a, port: "ga" },
          { ...b, from: "10.0.0.2" },
        ],
        proxied,
      ),
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
    const moved = { "Udp.InCsumErrors": 4 };
    const spoiled = { from: "10.0.0.2", dport: 4789, vni: 39, packets: 3, of: 3 };
    const heard = (one: object, counted = moved): unknown[] => {
      const sounds = { up0: { ...given.asked.sounds["up0"], spoiled: [{ ...spoiled, ...one }] } };
      return told({ ...given, moved: counted, asked: { ...given.asked, sounds } } as never);
    };
    deepEqual(heard({}), [["checksum-offload", "error", "10.0.0.2"]]);
    // A packet that a cable damaged, and what is for others, is no reason to be silent.
    const filtered = ["vxlan-filtered-away", "error", "10.0.0.2"];
    const stray = ["checksum-offload", "note", "checksums"];
    for (const one of [{ packets: 1 }, { vni: 7 }, { dport: 5353 }]) deepEqual(heard(one), [stray, filtered]);
    deepEqual(told({ ...given, moved }), [stray, filtered]);
    deepEqual(heard({}, {} as typeof moved), [filtered]);
  });

  describe("of lists of far ends", () => {
    const LISTED = { remote: "10.0.0.2", answers: true, macs: new Map([["10.1.0.2", "02:00:00:00:00:02"]]), asked: 3 };
    const OTHER = { ...LISTED, remote: "10.0.0.3", macs: new Map([["10.1.0.3", "02:00:00:00:00:03"]]) };
    const FROM = { ...HEARD, from: OTHER.remote, vni: 39 };
    const told = (ends: readonly object[], heard: readonly object[] = [], changes: object = {}): unknown[] => {
      const { view, asked, moved } = host({}, {}, heard);
      const tunnels = view.tunnels.map((one) => ({ ...one, ...changes }));
      const given = { view: { ...view, tunnels }, asked: { ...asked, ends: { vx: ends } }, moved } as never;
      return tunnelChecks
        .flatMap((check) => check(given))
        .map(({ cause, severity, subject }) => [cause, severity, subject]);
    };
    const well = { ...LISTED, floods: true };

    it("name a host that sends broadcasts here and gets none", () => {
      deepEqual(told([well, { ...OTHER, floods: true }]), [["one-way-remote", "error", "10.0.0.3"]]);
      deepEqual(told([well, { ...OTHER, floods: true }], [], { remotes: ["10.0.0.2", "10.0.0.3"] }), []);
    });

    it("doubt one that is heard and whose broadcasts do not come, or that nobody can be asked behind", () => {
      const doubted = [["one-way-remote", "warning", "10.0.0.3"]];
      deepEqual(told([well, { ...OTHER, floods: false }], [FROM]), doubted);
      deepEqual(told([well, { ...OTHER, macs: new Map(), asked: 0 }], [FROM]), doubted);
    });

    it("are silent of one that has left, and of a second address of one that is listed", () => {
      deepEqual(told([well, { ...OTHER, macs: new Map(), asked: 3 }]), []);
      deepEqual(told([well, { ...OTHER, floods: false }]), []);
      deepEqual(told([well, { ...OTHER, macs: LISTED.macs, floods: true }], [FROM]), []);
    });

    it("name a far end whose list this host is missing in", () => {
      deepEqual(told([{ ...LISTED, floods: false }]), [["one-way-remote", "warning", "10.0.0.2"]]);
      deepEqual(told([LISTED]), []);
      deepEqual(told([{ ...LISTED, floods: false }], [], { group: "239.1.1.39" }), []);
    });
  });

  it("name the other version of IP where it comes to this host itself, whoever else is well", () => {
    const wide = { ...HEARD, from: "fd00::2", vni: 39 };
    const told = (to: string, addresses: readonly string[], more: readonly object[] = []): string[] => {
      const { view, asked, moved } = host({}, {}, [{ ...wide, to }]);
      const tunnels = [...view.tunnels.map((one) => ({ ...one, remotes: [], group: "239.1.1.39" })), ...more];
      const own = addresses.map((address) => ({ address, dev: "up0" }));
      const given = { view: { ...view, tunnels, addresses: own }, asked: { ...asked, ends: {} }, moved } as never;
      return tunnelChecks.flatMap((check) => check(given)).map(({ cause }) => cause);
    };
    const [given] = host({}, {}, []).view.tunnels;
    deepEqual(told("fd00::1", ["fd00::1/64"]), ["family-mismatch"]);
    deepEqual(told("ff05::39", ["fd00::1/64"]), []);
    deepEqual(told("fd00::1", ["fd00::1/64"], [{ ...given, family: 6, group: "ff05::39" }]), []);
  });

  it("name a guest behind a tap whose packets are too large, and doubt one whose TCP offers such segments", () => {
    const { view, asked, moved } = host({}, {}, []);
    const links = [...view.links, { ...guest, kind: "tun", name: "tap1", index: 9 }];
    const way = { mac: "02:00:00:00:00:09", to: "02:00:00:00:00:02", tunnel: "vx", size: 1500, packets: 2 };
    const told = (overheard: object, sysctls: object = {}): unknown[] => {
      const given = { view: { ...view, links, sysctls }, asked: { ...asked, overheard }, moved } as never;
      return bridgeChecks
        .flatMap((check) => check(given))
        .map(({ cause, severity, subject }) => [cause, severity, subject]);
    };
    const heard = (offers: readonly object[], oversize: readonly object[]): object => ({ tap1: { offers, oversize } });
    const cuts = { "net.bridge.bridge-nf-call-iptables": "1" };
    const sure = [["guest-mtu", "error", "tap1"]];
    deepEqual(told(heard([], [])), []);
    deepEqual(told(heard([{ ...way, mtu: 1500 }], [])), [["guest-mtu", "warning", "tap1"]]);
    deepEqual(told(heard([], [{ ...way, whole: false }])), sure);
    deepEqual(
      told(heard([{ ...way, mtu: 1500, tunnel: "another" }], [{ ...way, whole: true, tunnel: "another" }])),
      [],
    );
    deepEqual(told(heard([], [{ ...way, whole: false }]), cuts), []);
    deepEqual(told(heard([], [{ ...way, whole: true }]), cuts), sure);
  });

  it("tell what may be typed: a sysctl of a VLAN, a route that is longer than what refuses, names in quotes", () => {
    const { view, ...rest } = host({}, {}, []);
    const told = (changes: object): string[] =>
      underlayChecks
        .flatMap((check) => check({ ...rest, view: { ...view, ...changes } } as never))
        .map(({ fix }) => fix);
    const vlan = { ...underlay, name: "eth0.100" };
    const tunnels = view.tunnels.map((one) => ({ ...one, underlay: vlan }));
    const sysctls = { "net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.eth0/100.rp_filter": "1" };
    deepEqual(told({ tunnels, sysctls, ways: { "10.0.0.2": { dev: "other" } } }), [
      "sysctl -w net.ipv4.conf.eth0/100.rp_filter=2, or route 10.0.0.2 by eth0.100",
    ]);
    const to = (...routes: object[]): string => told({ routes, ways: {} })[0]?.split(/[,;] or/)[0] ?? "";
    const [whole, one] = ["10.0.0.0/8", "10.0.0.2"].map((dst) => {
      return { type: "unreachable", dst, table: "main", family: "inet" };
    });
    const add = "ip route add 10.0.0.2 dev up0, with via ROUTER where a router is between";
    deepEqual(
      [to(), to(whole as object), to(whole as object, one as object)],
      [add, add, "ip route del unreachable 10.0.0.2"],
    );
    const well = { type: "unicast", dst: "10.0.0.0/24", table: "main", family: "inet" };
    match(to(well, { ...one, table: 77 }), /^look at ip rule list/);
    equal(
      quoted("ip link set dev a;reboot up; ip link set dev br-a;reboot up", ["a;reboot", "up0"]),
      "ip link set dev 'a;reboot' up; ip link set dev br-'a;reboot' up",
    );
    equal(quoted("ip link set dev eth0.5 up", ["eth0.5"]), "ip link set dev eth0.5 up");
  });

  it("name a group that is flooded to and was not joined, and keep silent where that is not known", () => {
    const { view, ...rest } = host({}, {}, []);
    const tunnels = view.tunnels.map((one) => ({ ...one, remotes: [], group: "239.1.1.39" }));
    const told = (joined: object): string[] =>
      causes({ ...rest, asked: { ...rest.asked, ends: {} }, view: { ...view, tunnels, joined } } as never);
    deepEqual(told({ up0: ["224.0.0.1"] }), ["group-not-joined"]);
    for (const joined of [{ up0: ["224.0.0.1", "239.1.1.39"] }, {}, { up0: ["ff02::1"] }]) deepEqual(told(joined), []);
  });

  describe("of chains of the bridge family", () => {
    interface Changes {
      readonly hook?: string;
      readonly bridged?: object;
      readonly witnessed?: object;
      readonly addresses?: readonly object[];
    }
    const LOST = { vx: { syns: 0, frames: 0, bundles: 0, entered: 5, left: 0 } };
    const SILENT = { vx: { asked: 2, answered: 0 } };
    const found = (rule: object | undefined, { hook = "forward", addresses = [], ...asks }: Changes = {}) => {
      const { view, asked, moved } = host({}, {}, [{ ...HEARD, vni: 39 }]);
      const rules = rule === undefined ? [] : [{ match: rule, action: "drop" }];
      const tables = [{ family: "bridge", name: "filter", chains: [{ name: "chain", hook, rules }] }];
      const one = { view: { ...view, tables, addresses }, asked: { ...asked, ...asks }, moved } as never;
      return bridgeChecks.flatMap((check) => check(one));
    };
    const told = (rule: object | undefined, changes?: Changes): unknown[] =>
      found(rule, changes).map(({ cause, severity, subject }) => [cause, severity, subject]);

    it("convict one that drops frames of all guests", () => {
      deepEqual(told({ oifname: "vx" }), [["bridge-filtered", "error", "bridge filter chain"]]);
      deepEqual(told({ iifname: "vx" }, { hook: "prerouting" }), [["bridge-filtered", "error", "bridge filter chain"]]);
      deepEqual(told({ oifname: "another" }), []);
    });

    it("name the port where it drops frames of one guest, whichever it is", () => {
      for (const port of ["ga", "gb"])
        for (const rule of [{ iifname: port }, { oifname: port }])
          deepEqual(told(rule), [["bridge-filtered", "warning", port]]);
    });

    it("say that one of the host's own frames concerns the host alone", () => {
      const addresses = [{ address: "192.0.2.1/24", dev: "br", scope: "global" }];
      for (const hook of ["output", "input"]) {
        const own = hook === "output" ? { oifname: "vx" } : { iifname: "vx" };
        deepEqual(told(own, { hook, bridged: SILENT }), [["bridge-filtered", "note", "bridge filter chain"]]);
        deepEqual(told(own, { hook, addresses }), [["bridge-filtered", "warning", "bridge filter chain"]]);
      }
      match(
        String(found({ oifname: "vx" }, { hook: "output" })[0]?.text),
        /this host itself.*Guests are not concerned/,
      );
    });

    it("doubt what only some frames meet, where questions or packets of guests were lost", () => {
      const some = { oifname: "vx", protocol: "udp" };
      deepEqual(told(some), []);
      deepEqual(told(some, { bridged: SILENT }), [["bridge-filtered", "warning", "br"]]);
      deepEqual(told(undefined, { bridged: SILENT }), [["bridge-filtered", "warning", "br"]]);
      deepEqual(told(undefined, { witnessed: LOST }), [["bridge-filtered", "warning", "br"]]);
      deepEqual(told({ oifname: "another" }, { bridged: { vx: { asked: 2, answered: 2 } } }), []);
    });

    it("do not believe in loss where questions from the bridge were answered", () => {
      deepEqual(told(undefined, { witnessed: LOST, bridged: { vx: { asked: 1, answered: 1 } } }), []);
    });

    it("see bridged frames in the IP packet filter by the sysctl or the bridge's own option, for each version of IP", () => {
      const { view, ...rest } = host({}, {}, []);
      const told = (family: string, sysctls: object, options: object, addresses: readonly object[] = []): unknown[] => {
        const chains = [{ name: "forward", hook: "forward", policy: "drop", rules: [] }];
        const links = view.links.map((one) => (one.name === "br" ? { ...one, ...options } : one));
        const tables = [{ family, name: "t", chains }];
        return bridgeChecks
          .flatMap((check) => check({ ...rest, view: { ...view, links, tables, sysctls, addresses } } as never))
          .map(({ severity, evidence, fix }) => [severity, evidence[0], fix.split(", or ")[0]]);
      };
      const [narrow, wide] = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
      const off = { [narrow]: "0", [wide]: "0" };
      const own = "ip -d link show dev br: nf_call_iptables 1";
      const mend = "ip link set dev br type bridge nf_call_iptables 0";
      deepEqual(told("ip", off, {}), []);
      deepEqual(told("ip", { ...off, [narrow]: "1" }, {}), [["error", `${narrow} = 1`, `sysctl -w ${narrow}=0`]]);
      deepEqual(told("ip", off, { nfCallIptables: true }), [["error", own, mend]]);
      // Without br_netfilter the option does nothing.
      deepEqual(told("ip", {}, { nfCallIptables: true }), []);
      deepEqual(told("ip", { ...off, [narrow]: "1" }, { nfCallIptables: true }), [
        ["error", `${narrow} = 1`, `sysctl -w ${narrow}=0; ${mend}`],
      ]);
      deepEqual(told("ip6", { ...off, [narrow]: "1" }, {}), []);
      // Where nobody uses it, IPv6 that is dropped is missed by nobody.
      const only = ["note", `${wide} = 1`, `sysctl -w ${wide}=0`];
      deepEqual(told("ip6", { ...off, [wide]: "1" }, {}), [only]);
      const used = [{ dev: "br", address: "fd00:39::1/64", scope: "global" }];
      deepEqual(told("ip6", { ...off, [wide]: "1" }, {}, used), [["error", ...only.slice(1)]]);
      // One rule for both is told once.
      const both = `sysctl -w ${narrow}=0; sysctl -w ${wide}=0`;
      deepEqual(told("inet", { [narrow]: "1", [wide]: "1" }, {}), [["error", `${narrow} = 1`, both]]);
    });

    it("say of bridged frames in the IP packet filter which rule may drop them, never a policy that accepts", () => {
      const { view, ...rest } = host({}, {}, []);
      const doubt = (policy: string, rules: readonly object[]): unknown => {
        const tables = [
          { family: "ip", name: "filter", chains: [{ name: "forward", hook: "forward", policy, rules }] },
        ];
        const sysctls = { "net.bridge.bridge-nf-call-iptables": "1" };
        const one = { ...rest, view: { ...view, tables, sysctls } } as never;
        return bridgeChecks.flatMap((check) => check(one))[0]?.evidence[1];
      };
      const some = { protocol: "tcp", dport: 25 };
      const who = "a packet from br to br";
      deepEqual(doubt("accept", [{ match: some, action: "drop" }]), `chain ip filter forward: rule 1 may drop ${who}`);
      deepEqual(
        doubt("drop", [{ match: some, action: "accept" }]),
        `chain ip filter forward: its policy may drop ${who}`,
      );
    });
  });

  it("say of wrong checksums what is known, and only where there is a tunnel", () => {
    const given = { ...host({}, {}, []), moved: { "Udp.InCsumErrors": 2 } };
    const checksum = underlayChecks
      .flatMap((check) => check(given))
      .filter(({ cause }) => cause === "checksum-offload");
    deepEqual(
      checksum.map(({ severity, evidence }) => [severity, evidence]),
      [["note", ["Udp.InCsumErrors moved by 2 meanwhile"]]],
    );
    const none = { ...given, view: { ...given.view, tunnels: [] } };
    deepEqual(
      underlayChecks.flatMap((check) => check(none)),
      [],
    );
  });
});
