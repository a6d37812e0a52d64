/** What no caller may pass: every service refuses it before anything changes, and says where it is. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Host } from "../../lib/host.ts";
import { NftablesError } from "../../lib/nftables/index.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { SysctlError } from "../../lib/sysctl/error.ts";
import { needs } from "../../test/needs.ts";
import { type Scene, scene } from "../links/kit.ts";

/** Services as a program without types sees them. */
type Untyped = Readonly<Record<string, (...args: unknown[]) => unknown>>;
/** The words of a method, its arguments, and the path of the refusal. */
type Refused = readonly [method: string, args: readonly unknown[], path: string];

const MAC = "02:00:00:00:00:01";
/** Methods that take a config or filter, by what they call it. */
const OBJECTS: readonly (readonly [methods: string, name: string])[] = [
  ["links: create", "config"],
  ["links: list", "filter"],
  ["addresses: create replace delete", "config"],
  ["addresses: list multicast flush", "filter"],
  ["routes: create replace append prepend change delete", "config"],
  ["routes: list multicast cached flush flushCache stream", "filter"],
  ["nexthops: create replace delete", "config"],
  ["nexthops: list buckets flush", "filter"],
  ["rules: create delete", "config"],
  ["rules: list flush", "filter"],
  ["neighbors: create replace delete", "config"],
  ["neighbors: list flush", "filter"],
  ["fdb: create append replace delete", "config"],
  ["fdb: list flush stream", "filter"],
  ["fdb: get", "query"],
  ["qdiscs: create replace change", "config"],
  ["qdiscs: get delete", "place"],
  ["qdiscs: list", "filter"],
  ["qdiscs.classes: create replace change", "config"],
  ["qdiscs.classes: get delete", "place"],
  ["qdiscs.classes: list", "filter"],
  ["qdiscs.filters: create replace change", "config"],
  ["qdiscs.filters: get delete", "name"],
  ["qdiscs.filters: list", "filter"],
  ["vlans: create delete update updateGlobals", "config"],
  ["vlans: list globals", "filter"],
  ["vnis: create delete", "config"],
  ["vnis: list", "filter"],
  ["mdb: create replace delete", "config"],
  ["mdb: list flush", "filter"],
  ["netconf: list", "filter"],
  ["addressLabels: create replace delete", "config"],
  ["addressLabels: list flush", "filter"],
  ["neighborTables: update", "config"],
  ["neighborTables: list", "filter"],
  ["mst: update", "config"],
  ["mst: list", "filter"],
  ["vfs: update", "config"],
  ["vfs: list", "filter"],
  ["macsec.txsa: create update delete", "config"],
  ["macsec.rxsc: create update delete", "config"],
  ["macsec.rxsa: create update delete", "config"],
  ["fou: create get delete", "config"],
];
/** Methods whose first argument is the name of a link. */
const NAMED: readonly (readonly [service: string, methods: string, name: string])[] = [
  ["links", "get indexOf update delete move", "name"],
  ["fdb", "remotes setRemotes", "dev"],
  ["devconf", "get set", "name"],
  ["netconf", "get", "dev"],
  ["xstats", "get", "name"],
  ["wireguard", "get set", "name"],
  ["macsec", "get setOffload", "dev"],
  [
    "ethtool",
    "features set rings setRings channels setChannels coalesce setCoalesce pause setPause linkInfo setLinkInfo linkModes setLinkModes linkState standardStatistics statistics driver",
    "name",
  ],
];
/** Methods that take changes beside a name. */
const CHANGES: readonly (readonly [method: string, path: string])[] = [
  ["links.update", "changes"],
  ["devconf.set", "changes"],
  ["wireguard.set", "lo"],
  ...["set", "setRings", "setChannels", "setCoalesce", "setPause", "setLinkInfo", "setLinkModes"].map(
    (method) => [`ethtool.${method}`, "changes"] as const,
  ),
];
/** Services with `commands` and `batch`. */
const SERVICES = [
  "addresses",
  "addressLabels",
  "routes",
  "nexthops",
  "rules",
  "neighbors",
  "fdb",
  "vlans",
  "vnis",
  "mdb",
];
/** Those of them that have nothing to create. */
const CHANGED = ["mst", "neighborTables"];
/** Lists that take a filter. */
const FILTERED = OBJECTS.filter(([, name]) => name === "filter");

const each = (methods: string): readonly string[] => {
  const [service = "", names = ""] = methods.split(": ");
  return names.split(" ").map((name) => `${service}.${name}`);
};
const REFUSED: readonly Refused[] = [
  ...OBJECTS.flatMap(([methods, name]) =>
    each(methods).flatMap((method) => [null, 5, "lo", []].map((value): Refused => [method, [value], name])),
  ).filter(([method, [value]]) => !(method.startsWith("fdb.") && value === "lo")), // the other form: a link, and its entry
  ...NAMED.flatMap(([service, methods, name]) =>
    methods
      .split(" ")
      .flatMap((method) => [undefined, null, 5, {}].map((value): Refused => [`${service}.${method}`, [value], name])),
  ),
  ...CHANGES.flatMap(([method, path]) => [null, 5, "x"].map((value): Refused => [method, ["lo", value], path])),
  ...[...SERVICES, ...CHANGED].flatMap((service): Refused[] => [
    [`${service}.batch`, ["bogus", []], "verb"],
    [`${service}.batch`, [5, []], "verb"],
    [`${service}.commands`, ["toString", []], "verb"],
  ]),
  ...SERVICES.filter((service) => service !== "vlans").flatMap((service): Refused[] => [
    [`${service}.batch`, ["create", null], "configs"],
    [`${service}.batch`, ["create", [null]], "0.config"],
  ]),
  ...CHANGED.flatMap((service): Refused[] => [
    [`${service}.batch`, ["update", null], "configs"],
    [`${service}.batch`, ["update", [null]], "0.config"],
  ]),
  ...FILTERED.flatMap(([methods]) => each(methods).map((method): Refused => [method, [{ bogus: 1 }], "bogus"])).filter(
    ([method]) => !method.endsWith(".flushCache"),
  ),
  ["routes.flushCache", [{ family: "ipx" }], "family"],
  ["host.batch", [5], "commands"],
  ["host.batch", [[5]], "commands.0"],
  ["links.list", [{ statistics: "no" }], "statistics"],
  ["links.nameOf", ["lo"], "index"],
  ["links.update", ["lo", { mtu: "1500" }], "lo.mtu"],
  ["links.update", ["lo", { bogus: 1 }], "lo.bogus"],
  ["links.delete", ["lo", { index: "1" }], "options.index"],
  ["links.delete", ["lo", null], "options"],
  ["links.move", ["lo", null], "netns"],
  ["links.move", ["lo", undefined], "netns"],
  ["links.move", ["lo", { pid: "x" }], "netns"],
  ["links.move", ["lo", { pid: 0 }], "netns"],
  ["links.move", ["lo", { fd: "x" }], "netns"],
  ["links.move", ["lo", { pid: 1 }, { name: "a/b" }], "options.name"],
  ["links.create", [{ kind: "vxlan", name: "v", vni: 2 ** 24 }], "v.vni"],
  ["links.create", [{ kind: "vxlan", name: "v", vni: { wide: 1n } }], "v.vni"],
  ["links.create", [{ kind: "vxlan", name: "v", vni: 1, bogus: 1 }], "v.bogus"],
  ["addresses.create", [{ address: 5, dev: "lo" }], "address"],
  ["addresses.create", [{ address: "192.0.2.1/24", dev: "lo" }, null], "options"],
  ["addresses.create", [{ address: "192.0.2.1/24", dev: "lo" }, { dad: "x" }], "dad"],
  ["routes.create", [{ dst: "default", via: 5 }], "via"],
  ["routes.get", [], "destination"],
  ["routes.get", [5], "destination"],
  ["routes.get", ["192.0.2.1", null], "query"],
  ["routes.get", ["192.0.2.1", { mark: -1 }], "mark"],
  ["routes.cached", [{ table: 5 }], "table"],
  ["nexthops.get", [], "id"],
  ["nexthops.get", ["1"], "id"],
  ["nexthops.create", [{ id: 0, dev: "lo" }], "id"],
  ["rules.create", [{ priority: "1" }], "priority"],
  ["neighbors.create", [{ address: "192.0.2.1", dev: "lo", mac: 5 }], "mac"],
  ["fdb.append", [{ mac: MAC, dev: "lo", dst: 5 }], "dst"],
  ["fdb.append", ["lo", null], "mac"],
  ["fdb.remotes", ["lo", { srcVni: "x" }], "options.srcVni"],
  ["fdb.setRemotes", ["lo", null], "addresses"],
  ["fdb.setRemotes", ["lo", ["x"]], "addresses"],
  ["qdiscs.list", [{ invisible: "x" }], "invisible"],
  ["qdiscs.get", [{}], "dev"],
  ["qdiscs.create", [{ kind: "bogus", dev: "lo" }], "kind"],
  ["qdiscs.create", [{ kind: "netem", dev: "lo", limit: 0 }], "limit"],
  ["qdiscs.classes.get", [{ dev: "lo" }], "classid"],
  ["qdiscs.classes.get", [{ classid: "1:1" }], "dev"],
  ["qdiscs.filters.list", [{ dev: "lo", pref: "x" }], "pref"],
  ["qdiscs.filters.get", [{ dev: "lo", pref: "x" }], "pref"],
  ["qdiscs.filters.get", [{}], "dev"],
  ["qdiscs.filters.get", [{ dev: "lo", block: 5 }], "dev"],
  ["qdiscs.filters.list", [{ dev: "lo", block: 5 }], "block"],
  ["qdiscs.filters.list", [{ parent: "ingress" }], "dev"],
  ["qdiscs.classes.list", [{ qdisc: "1:" }], "dev"],
  ...["qdiscs.get", "qdiscs.delete", "qdiscs.classes.get", "qdiscs.classes.delete"].map(
    (method): Refused => [method, [{ dev: "lo", classId: "1:1" }], "classId"],
  ),
  ...["get", "delete", "list"].map((verb): Refused => [`qdiscs.filters.${verb}`, [{ dev: "lo", prio: 5 }], "prio"]),
  ["vlans.create", [{ dev: "lo", vid: 4095 }], "vid"],
  ["vlans.globals", [{ statistics: true }], "statistics"],
  ["vlans.list", [{ statistics: 1 }], "statistics"],
  ["vnis.create", [{ dev: "lo", vni: "1" }], "vni"],
  ["mdb.create", [{ dev: "lo", group: 5 }], "group"],
  ["mdb.flush", [{}], "dev"],
  ["nsids.set", ["/proc/self/ns/net", -1], "nsid"],
  ...["get", "set", "ensure"].map((verb): Refused => [`nsids.${verb}`, [5], "netns"]),
  ["devconf.set", ["lo", { forwarding: "yes" }], "forwarding"],
  ["devconf.set", ["lo", {}], "changes"],
  ["netconf.get", ["lo", "ipx"], "family"],
  ["ethtool.set", ["lo", { tso: "off" }], "tso"],
  ["ethtool.setRings", ["lo", { rx: "512" }], "rx"],
  ["ethtool.setRings", ["lo", { bogus: 1 }], "bogus"],
  ["wireguard.set", ["lo", { listenPort: 65_536 }], "lo.listenPort"],
  ["wireguard.set", ["lo", { peers: [null] }], "lo.peers"],
  ["addressLabels.create", [{ prefix: "2001:db8::/32" }], "label"],
  ["neighborTables.update", [{ family: "inet", dev: "lo", thresh1: 5 }], "thresh1"],
  ["mst.update", [{ dev: "lo", msti: 1 }], "state"],
  ["vfs.update", [{ dev: "lo", vf: 0, vlan: 4096 }], "vlan"],
  ["macsec.setOffload", ["lo", "on"], "offload"],
  ["macsec.txsa.create", [{ dev: "lo", an: 0, keyId: "01", key: "secret" }], "key"],
  ["macsec.rxsc.delete", [{ dev: "lo" }], "sci"],
  ["fou.create", [{ port: 5555 }], "ipproto"],
];
const VLAN = { dev: "v0", vid: 5 };
const VNI = { dev: "v0", vni: 5 };
const ENTRY = { dev: "v0", group: "239.1.1.1", dst: "192.0.2.1" };
const ADDRESS = { address: "2001:db8::1/64", dev: "lo" };
const NEIGHBOR = { address: "192.0.2.1", dev: "v0", mac: MAC };
const HTB = { kind: "htb", dev: "v0", handle: "1:" };
const CLASS = { dev: "v0", classid: "1:1" };
const FILTER = { dev: "v0", pref: 1 };
const SA = { dev: "v0", an: 0 };
const SCI = { sci: "0200000000010001" };
const KEY = { keyId: "01", key: "00".repeat(16) };
const U32 = { ...FILTER, kind: "u32", match: [{ value: 0, at: 0 }] };
/** Methods with arguments that could be carried out, and the options of a call behind them. */
const CALLS: readonly (readonly [methods: string, ...args: unknown[]])[] = [
  ["links: list", {}],
  ["links: names"],
  ["links: nameOf", 1],
  ["links: get indexOf delete", "v0"],
  ["links: create", { kind: "bridge", name: "b0" }],
  ["links: create", { kind: "tun", name: "t0", mode: "tap" }],
  ["links: update", "v0", { mtu: 1400 }],
  ["links: move", "v0", { pid: process.pid }],
  ["addresses: create replace delete", ADDRESS],
  ["addresses: list multicast flush", { dev: "lo" }],
  ["routes: create replace append prepend change delete", { dst: "198.51.100.0/24", dev: "v0" }],
  ["routes: list flush stream", { table: 5 }],
  ["routes: multicast cached flushCache", {}],
  ["routes: get", "127.0.0.1", {}],
  ["nexthops: create replace delete", { id: 1, dev: "v0" }],
  ["nexthops: list buckets flush", { dev: "v0" }],
  ["nexthops: get", 1],
  ["rules: create delete", { priority: 5, table: 5 }],
  ["rules: list flush", { priority: 5 }],
  ["neighbors: create replace delete", NEIGHBOR],
  ["neighbors: list flush", { dev: "v0" }],
  ["fdb: create append replace delete", { mac: MAC, dev: "v0", dst: "192.0.2.1" }],
  ["fdb: list flush stream", { dev: "v0" }],
  ["fdb: get", { mac: MAC, dev: "v0" }],
  ["fdb: setRemotes", "v0", ["192.0.2.1"]],
  ["fdb: remotes", "v0"],
  ["qdiscs: create replace change", HTB],
  ["qdiscs: get delete", { dev: "v0" }],
  ["qdiscs: list", {}],
  ["qdiscs.classes: create replace change", { ...CLASS, kind: "htb", rate: 1e6 }],
  ["qdiscs.classes: get delete", CLASS],
  ["qdiscs.classes: list", {}],
  ["qdiscs.filters: create replace change", U32],
  ["qdiscs.filters: get delete", FILTER],
  ["qdiscs.filters: list", {}],
  ["vlans: create delete update", VLAN],
  ["vlans: list globals", {}],
  ["vlans: updateGlobals", { ...VLAN, mcastSnooping: true }],
  ["vnis: create delete", VNI],
  ["vnis: list", {}],
  ["mdb: create replace delete", ENTRY],
  ["mdb: list", {}],
  ["mdb: flush", { dev: "v0" }],
  ["nsids: list"],
  ["nsids: get ensure", "/proc/self/ns/net"],
  ["nsids: set", "/proc/self/ns/net", 5],
  ["netconf: list", {}],
  ["netconf: get", "lo", "inet"],
  ["devconf: list"],
  ["devconf: get", "v0"],
  ["devconf: set", "v0", { forwarding: true }],
  ["nftables: replace ensure", { family: "inet", name: "t", chains: [] }],
  ["nftables: get delete counters", "inet", "t"],
  ["nftables: list chains generation"],
  ["wireguard: get", "v0"],
  ["wireguard: set", "v0", { listenPort: 5 }],
  ["addressLabels: create replace delete", { prefix: "2001:db8::/32", label: 5 }],
  ["addressLabels: list flush", { label: 1 }],
  ["neighborTables: update", { family: "inet", dev: "v0", retrans: 2 }],
  ["neighborTables: list", { dev: "v0" }],
  ["mst: update", { dev: "v0", msti: 1, state: "blocking" }],
  ["mst: list", {}],
  ["vfs: update", { dev: "v0", vf: 0, trust: true }],
  ["vfs: list", { dev: "v0" }],
  ["xstats: get", "v0"],
  ["macsec: list"],
  ["macsec: get", "v0"],
  ["macsec: setOffload", "v0", "off"],
  ["macsec.txsa: create", { ...SA, ...KEY }],
  ["macsec.txsa: update delete", SA],
  ["macsec.rxsc: create update delete", { dev: "v0", ...SCI }],
  ["macsec.rxsa: create", { ...SA, ...SCI, ...KEY }],
  ["macsec.rxsa: update delete", { ...SA, ...SCI }],
  ["fou: list"],
  ["fou: create", { port: 5555, gue: true }],
  ["fou: get delete", { port: 5555 }],
  [
    "ethtool: features rings channels coalesce pause linkInfo linkModes linkState standardStatistics statistics driver",
    "v0",
  ],
  ["ethtool: set", "v0", { gro: false }],
  ...["setRings", "setChannels"].map((method) => [`ethtool: ${method}`, "v0", { rx: 1 }] as const),
  ["ethtool: setCoalesce", "v0", { rxFrames: 1 }],
  ["ethtool: setPause", "v0", { rx: true }],
  ["ethtool: setLinkInfo", "v0", { mdix: "auto" }],
  ["ethtool: setLinkModes", "v0", { autoneg: true }],
  ["host: batch", [{ message: {}, value: {} }]],
  ...SERVICES.map((service) => [`${service}: batch`, "create", []] as const),
  ...CHANGED.map((service) => [`${service}: batch`, "update", []] as const),
];
const OPTIONS: readonly (readonly [options: unknown, path: string])[] = [
  [null, "options"],
  [5, "options"],
  [{ timeout: "5" }, "options.timeout"],
  [{ timeout: -1 }, "options.timeout"],
  [{ timeout: Number.NaN }, "options.timeout"],
  [{ signal: {} }, "options.signal"],
  [{ signal: new AbortController() }, "options.signal"],
];

/** Services whose refusals are errors of their own, with a path or key. */
const OTHERS: readonly (readonly [
  method: string,
  args: readonly unknown[],
  kind: typeof SysctlError | typeof NftablesError,
])[] = [
  ["nftables.replace", [null], NftablesError],
  ["nftables.replace", [5], NftablesError],
  ["nftables.ensure", [null], NftablesError],
  ["nftables.get", [5, "t"], NftablesError],
  ["nftables.get", ["inet", 5], NftablesError],
  ["nftables.delete", ["bogus", "t"], NftablesError],
  ["nftables.delete", ["inet", null], NftablesError],
  ["nftables.counters", ["inet"], NftablesError],
  ["sysctls.get", [5], SysctlError],
  ["sysctls.set", [null, 1], SysctlError],
  ["sysctls.set", ["net.ipv4.ip_forward", null], SysctlError],
  ["sysctls.set", ["net.ipv4.ip_forward", {}], SysctlError],
  ["sysctls.list", [5], SysctlError],
  ...[null, 5, "net.ipv4.ip_forward", [5]].flatMap((value) =>
    ["snapshot", "restore"].map((method) => [`sysctls.${method}`, [value], SysctlError] as const),
  ),
  ["sysctls.inForce", [5, "rp_filter"], SysctlError],
];
/** Methods that take nothing but options. */
const ALONE: ReadonlySet<string> = new Set([
  "links.names",
  "nsids.list",
  "devconf.list",
  "macsec.list",
  "fou.list",
  ...["generation", "list", "chains"].map((method) => `nftables.${method}`),
]);
/** Methods of a sysctl take no options, nor does what prepares requests for a later call. */
const hasOptions = (method: string): boolean => !method.startsWith("sysctls.") && !method.endsWith(".commands");

/** What only other methods of a service call. */
const PROTECTED: ReadonlySet<string> = new Set(["checked", "dump", "placeOf", "make"]);

/** Methods of an object, of its class and of those that it extends. */
function methodsOf(service: object): string[] {
  const names = new Set<string>();
  for (let at = Object.getPrototypeOf(service); at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === "function" && name !== "constructor" && !PROTECTED.has(name)) names.add(name);
  return [...names];
}
/** Every service of a host, by its words. */
function servicesOf(host: Host): [words: string, service: object][] {
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(host)));
  const services = getters.flatMap(([name, { get }]): [string, object][] => (get ? [[name, get.call(host)]] : []));
  const { classes, filters } = host.qdiscs;
  const { txsa, rxsc, rxsa } = host.macsec;
  const parts: [string, object][] = Object.entries({ txsa, rxsc, rxsa }).map(([name, one]) => [`macsec.${name}`, one]);
  return [...services, ["qdiscs.classes", classes], ["qdiscs.filters", filters], ...parts];
}

/** Calls a method by its words; resolves to what it throws. */
async function refusal(host: Host, method: string, args: readonly unknown[]): Promise<unknown> {
  const words = method.split(".");
  const name = words.pop() ?? "";
  const service = words.reduce<unknown>(
    (at, word) => (word === "host" ? at : (at as Readonly<Record<string, unknown>>)[word]),
    host,
  );
  try {
    const result = await (service as Untyped)[name]?.(...args);
    // What is told in parts is asked for with the first.
    if (typeof result === "object" && result !== null && Symbol.asyncIterator in result)
      await (result as AsyncGenerator).next();
  } catch (error) {
    return error;
  }
  return undefined;
}
const called = (method: string, args: readonly unknown[]): string => `${method}(${args.map(String).join(", ")})`;

describe("input of every service", function () {
  this.timeout(30_000);
  let here: Scene;
  /** What there is, but for counters. */
  const everything = async (): Promise<unknown> => [
    JSON.parse(await here.sh("ip -json -details link")),
    await here.sh("ip address; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip neighbor"),
    await here.sh("ip nexthop; bridge fdb; tc qdisc; cat /proc/sys/net/ipv4/ip_forward"),
  ];
  before(function () {
    needs(this, "ip", "bridge", "tc");
  });
  beforeEach(async () => {
    // Without an address of its own, which would change by itself when it has been looked for.
    here = await scene(
      "ip link set lo up; ip link add name v0 type vxlan id 39 dstport 4789; ip link set v0 addrgenmode none; ip link set v0 up",
    );
  });
  afterEach(async () => {
    await here[Symbol.asyncDispose]();
  });

  it("is refused with its path where it is wrong, and nothing is changed", async () => {
    const before = await everything();
    for (const [method, args, path] of REFUSED) {
      const error = await refusal(here.host, method, args);
      ok(error instanceof InputError, `${called(method, args)}: ${error}`);
      equal(error.path.join("."), path, `${called(method, args)}: ${error.message}`);
    }
    deepEqual(await everything(), before);
  });

  it("is refused in the options of every call, and nothing is changed", async () => {
    const before = await everything();
    let called = 0;
    const wrong: string[] = [];
    for (const [methods, ...args] of CALLS)
      for (const method of each(methods))
        for (const [options, path] of OPTIONS) {
          const error = await refusal(here.host, method, [...args, options]);
          if (!(error instanceof InputError) || error.path.join(".") !== path)
            wrong.push(`${method}(…, ${JSON.stringify(options)}): ${error}`);
          called++;
        }
    deepEqual(wrong, []);
    ok(called > 800, `${called} calls`);
    deepEqual(await everything(), before);
  });

  it("is refused by services with errors of their own, too", async () => {
    const before = await everything();
    for (const [method, args, kind] of OTHERS) {
      const error = await refusal(here.host, method, args);
      ok(error instanceof kind, `${called(method, args)}: ${error}`);
    }
    deepEqual(await everything(), before);
  });

  it("is tried on every method of every service", () => {
    const refused = new Set([...REFUSED, ...OTHERS].map(([method]) => method));
    const optional = new Set(CALLS.flatMap(([methods]) => each(methods)));
    const services = servicesOf(here.host);
    ok(services.length > 15, `${services.length} services`);
    const methods = services.flatMap(([words, service]) => methodsOf(service).map((name) => `${words}.${name}`));
    deepEqual(
      methods.filter((method) => !refused.has(method) && !ALONE.has(method)),
      [],
      "no argument of these is tried",
    );
    deepEqual(
      methods.filter((method) => hasOptions(method) && !optional.has(method)),
      [],
      "no options of these are tried",
    );
  });
});
