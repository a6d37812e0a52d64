import { deepEqual, equal, notDeepEqual, ok, throws } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { inspect } from "node:util";
import { differences } from "../../lib/links/differences.ts";
import { kindNamed } from "../../lib/links/kinds/index.ts";
import { changeSteps, creation } from "../../lib/links/messages.ts";
import { linkFromWire, linkTold } from "../../lib/links/observed.ts";
import type { Options } from "../../lib/links/option.ts";
import { newlink } from "../../lib/links/schema.ts";
import {
  checkChanges,
  checkConfig,
  commonOptions,
  type Link,
  type LinkChanges,
  type LinkConfig,
} from "../../lib/links/words.ts";
import { InputError } from "../../lib/shape/shape.ts";
import type { Command } from "../../lib/socket/index.ts";
import { type MessageIn, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { capture, only } from "../fixtures.ts";
import { names } from "./arbitrary.ts";

function observe(bytes: Uint8Array): Link {
  return linkFromWire(linkTold.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length), names);
}
const observed = (file: string): Link => observe(only(`links/${file}.hex`));
const requestOf = (command: Command): MessageIn<typeof newlink> => command.value as MessageIn<typeof newlink>;

const every = readdirSync("test/fixtures/links")
  .filter((file) => file.endsWith(".hex"))
  .flatMap((file) => capture(`links/${file}`));
/** More messages than are read before the readers are compiled. */
const OFTEN = 3;
/** Words that have a default, or another source. */
const ELSEWHERE = ["mtu", "carrier", "peer"];
/** Where the payload of a link's attribute begins. */
function attributeAt(bytes: Uint8Array, number: number): number {
  const { u16 } = new Reader(bytes);
  let at = NLMSG_HDRLEN + 16;
  while (u16[(at >> 1) + 1] !== number) at += ((u16[at >> 1] as number) + 3) & ~3;
  return at + 4;
}

const VXLAN = { kind: "vxlan", name: "vx0", vni: 39 };
/** What is wrong, where it is said to be, and with what words. */
const REFUSED: readonly (readonly [config: object, path: string, reason: RegExp])[] = [
  [{ ...VXLAN, vni: 2 ** 24 }, "vx0.vni", /from 0 to 16777215, got 16777216/],
  [{ ...VXLAN, vni: "39" }, "vx0.vni", /got "39"/],
  [{ ...VXLAN, vni: 1.5 }, "vx0.vni", /whole number/],
  [{ kind: "vxlan", name: "vx0" }, "vx0.vni", /missing/],
  [{ ...VXLAN, mtu: 65_536 }, "vx0.mtu", /from 68 to 65535/],
  [{ ...VXLAN, mtu: 67 }, "vx0.mtu", /from 68 to 65535/],
  [{ ...VXLAN, name: "sixteen-bytes-xx" }, "name", /1 to 15/],
  [{ ...VXLAN, name: "a/b" }, "name", /interface name/],
  [{ ...VXLAN, name: "a\nb" }, "name", /got "a\\nb"/],
  [{ ...VXLAN, name: "a%d" }, "name", /interface name/],
  [{ ...VXLAN, name: "all" }, "name", /interface name/],
  [{ ...VXLAN, name: "" }, "name", /interface name/],
  [{ ...VXLAN, name: 7 }, "name", /got 7/],
  [{ ...VXLAN, name: undefined }, "name", /interface name/],
  [{ ...VXLAN, remot: "192.0.2.1" }, "vx0.remot", /did you mean remote\?/],
  [{ ...VXLAN, dstPort: 4789 }, "vx0.dstPort", /did you mean dstport\?/],
  [{ ...VXLAN, stp: true }, "vx0.stp", /unknown key/],
  [{ ...VXLAN, dstport: 0 }, "vx0.dstport", /from 1 to 65535/],
  [{ ...VXLAN, remote: "192.0.2.1", local: "2001:db8::1" }, "vx0.local", /different families/],
  [{ ...VXLAN, remote: "239.0.0.1" }, "vx0.dev", /multicast/],
  [{ ...VXLAN, remote: "192.0.2" }, "vx0.remote", /IPv4 or IPv6/],
  [{ ...VXLAN, remote: "fe80::1%eth0" }, "vx0.remote", /IPv4 or IPv6/],
  [{ ...VXLAN, srcport: { low: 2, high: 1 } }, "vx0.srcport", /low not above high/],
  [{ ...VXLAN, vnifilter: true }, "vx0.vnifilter", /external/],
  [{ ...VXLAN, reservedBits: 5 }, "vx0.reservedBits", /as "0xff00000000000000"; quoted/],
  [{ ...VXLAN, reservedBits: `0x1${"0".repeat(16)}` }, "vx0.reservedBits", /64 bits/],
  [{ kind: "bridge", name: "b", mcastQuerierState: {} }, "b.mcastQuerierState", /unknown key/],
  [{ ...VXLAN, mac: "02:00:00:00:00" }, "vx0.mac", /MAC/],
  [{ ...VXLAN, alias: "a\u001b[31m" }, "vx0.alias", /control/],
  [{ ...VXLAN, altnames: ["../../etc"] }, "vx0.altnames", /slashes/],
  [{ ...VXLAN, port: { learning: false } }, "vx0.port", /needs master/],
  [{ ...VXLAN, master: "br", port: { learnin: false } }, "vx0.port.learnin", /did you mean learning\?/],
  [{ ...VXLAN, master: "br", port: { cost: 0 } }, "vx0.port.cost", /from 1 to 65535/],
  [{ ...VXLAN, master: "br", port: { id: 7 } }, "vx0.port.id", /unknown key/],
  [{ ...VXLAN, master: "br", port: 7 }, "vx0.port", /object/],
  [{ ...VXLAN, master: "br", netns: "blue" }, "vx0.master", /netns/],
  [{ ...VXLAN, statistics: {} }, "vx0.statistics", /unknown key/],
  [{ kind: "vxlxn", name: "vx0" }, "vx0.kind", /did you mean vxlan\?/],
  [{ kind: "constructor", name: "vx0" }, "vx0.kind", /unknown kind/],
  [{ name: "vx0" }, "vx0.kind", /missing/],
  [{ kind: "bridge", name: "b", bridgeId: "x" }, "b.bridgeId", /unknown key/],
  [{ kind: "bridge", name: "b", mcastIgmpVersion: 4 }, "b.mcastIgmpVersion", /from 2 to 3/],
  [{ kind: "bridge", name: "b", forwardDelay: -1 }, "b.forwardDelay", /seconds/],
  [{ kind: "veth", name: "v", peer: { mtu: 1400 } }, "v.peer", /name is needed/],
  [{ kind: "gre", name: "t", remote: "2001:db8::1" }, "t.remote", /IPv4/],
  [{ kind: "ip6gre", name: "t", remote: "192.0.2.1" }, "t.remote", /IPv6/],
  [{ kind: "gre", name: "t", key: 5 }, "t.key", /did you mean [io]key\?/],
  [{ kind: "gre", name: "t", ignoreDf: true }, "t.ignoreDf", /pmtudisc: false/],
  [{ kind: "gre", name: "t", external: true, remote: "192.0.2.1" }, "t.remote", /leave it out/],
  [{ kind: "ipip", name: "t", ttl: 7, pmtudisc: false }, "t.pmtudisc", /ttl: inherit/],
  [{ kind: "ipip", name: "t", mode: "ip6ip6" }, "t.mode", /mplsip/],
  [{ kind: "sit", name: "t", "6rdPrefix": "192.0.2.0/24" }, "t.6rdPrefix", /2001:db8::/],
  [{ kind: "ip6tnl", name: "t", flowlabel: 0x10_0000 }, "t.flowlabel", /1048575, or inherit/],
  [{ kind: "erspan", name: "t" }, "t.okey", /session/],
  [{ kind: "ip6erspan", name: "t", okey: 1024 }, "t.okey", /0 to 1023/],
  [{ kind: "xfrm", name: "t" }, "t.ifId", /missing/],
  [{ kind: "xfrm", name: "t", ifId: 5, external: true }, "t.ifId", /leave it out/],
  [{ kind: "geneve", name: "t", vni: 5 }, "t.remote", /missing/],
  [{ kind: "geneve", name: "t", external: true, vni: 5 }, "t.vni", /leave it out/],
  [{ kind: "geneve", name: "t", vni: 5, remote: "192.0.2.1", label: 5 }, "t.label", /IPv6/],
  [{ kind: "geneve", name: "t", vni: 5, remote: "2001:db8::1", udpCsum: true }, "t.udpCsum", /udp6ZeroCsumTx/],
  [{ ...VXLAN, protodownReasons: [32] }, "vx0.protodownReasons", /from 0 to 31/],
  [{ ...VXLAN, token: "192.0.2.1" }, "vx0.token", /IPv6/],
  [{ ...VXLAN, linkmode: "up" }, "vx0.linkmode", /dormant/],
  [{ kind: "veth", name: "v", peer: { name: "w", mut: 1400 } }, "v.peer", /far end/],
];

describe("links in words", () => {
  for (const [config, path, reason] of REFUSED)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(
        () => checkConfig(config as LinkConfig),
        (error) => {
          ok(error instanceof InputError);
          equal(error.path.join("."), path);
          ok(reason.test(error.reason), error.reason);
          return true;
        },
      );
    });

  it("makes a link with one message, with the registered port", () => {
    const config: LinkConfig = {
      ...VXLAN,
      kind: "vxlan",
      dev: "eth0",
      master: "br-vm",
      mtu: 1450,
      up: true,
      mac: "02:00:00:00:00:01",
    };
    const { first, later } = creation(config, checkConfig(config), names);
    deepEqual(later, {});
    equal(first.flags, 0x600);
    deepEqual(JSON.parse(JSON.stringify(requestOf(first))), {
      header: { flags: 1, change: 1 },
      attrs: {
        ifname: "vx0",
        address: "02:00:00:00:00:01",
        mtu: 1450,
        master: 3,
        linkinfo: { info: { kind: "vxlan", data: { id: 39, link: 2, port: 4789 } } },
      },
    });
  });

  it("tells afterwards what Linux does not take at creation, and switches on last", () => {
    const config: LinkConfig = { kind: "bridge", name: "b", mtu: 1500, up: true, alias: "x", stp: true };
    const { first, later } = creation(config, checkConfig(config), names);
    deepEqual(later, { alias: "x", mtu: 1500, up: true });
    equal(requestOf(first).header.flags, undefined);
    const steps = changeSteps(observed("bridge-plain"), kindNamed("bridge"), later, names);
    deepEqual(
      steps.map(({ key, command }) => [key, requestOf(command).attrs?.mtu, requestOf(command).header.flags]),
      [
        ["alias", undefined, undefined],
        ["mtu", 1499, undefined],
        ["mtu", 1500, undefined],
        ["up", undefined, 1],
      ],
    );
  });

  it("changes one property a message, and only what differs", () => {
    const now = observed("vxlan-port");
    const sent = (changes: LinkChanges): string[] => {
      checkChanges(now, kindNamed(now.kind), changes);
      return changeSteps(now, kindNamed(now.kind), changes, names).map(({ key }) => key);
    };
    deepEqual(sent({}), []);
    deepEqual(sent({ vni: 43, dstport: 4789, up: true, mtu: now.mtu, name: now.name, port: { learning: false } }), []);
    deepEqual(sent({ up: false, mtu: 1400, ageing: 7, name: "x" }), ["up", "ageing", "mtu", "name"]);
    deepEqual(sent({ port: { cost: 9, learning: false, flood: false } }), ["port.cost", "port.flood"]);
    deepEqual(sent({ alias: "", remote: "192.0.2.9" }), ["remote"]);
    deepEqual(sent({ altnames: ["a", "b"] }), ["altnames"]);
    throws(() => sent({ numTxQueues: 7 }), /numTxQueues: can be chosen only when the link is made/);
    throws(() => sent({ stp: true }), /stp: unknown key/);
  });

  it("compares what was asked for with what is", () => {
    const now = observed("vxlan-all");
    deepEqual(
      differences({ vni: 42, remote: "192.0.2.1", ttl: "inherit", gbp: true, ageing: 7, external: false }, now),
      [],
    );
    deepEqual(differences({ vni: 42, ttl: 7, mcroute: true, localbypass: false, port: { learning: false } }, now), [
      { key: "ttl", wanted: 7, found: "inherit" },
      { key: "localbypass", wanted: false, found: true },
      { key: "port.learning", wanted: false, found: undefined },
    ]);
  });

  it("shows every link, also of kinds without options here", () => {
    // A kind from the future.
    const bytes = Buffer.from(only("links/tun-plain.hex"));
    bytes.write("new\0", bytes.lastIndexOf("tun\0"));
    const unknown = observe(new Uint8Array(bytes));
    equal(unknown.kind, "new");
    ok(unknown.wire.attrs.linkinfo?.info?.data instanceof Uint8Array);
    const lo = observed("loopback");
    ok(!("kind" in lo));
    equal(lo.mtu, 65_536);
    const bridge = observed("bridge-stp");
    deepEqual([bridge.stp, bridge.forwardDelay, bridge.hello, bridge.maxAge, bridge.priority], [true, 4, 1, 10, 100]);
    equal(observed("vxlan-all").reservedBits, "0x7700000000000000");
    deepEqual(observed("bridge-mcast").mcastQuerierState, { ipv4: { address: "192.0.2.1" }, ipv6: { address: "::" } });
    deepEqual(observed("bridge-querier").mcastQuerierState, {
      ipv4: { address: "192.0.2.9", port: "#12", timer: 251 },
      ipv6: { address: "fe80::9", port: "#12", timer: 251 },
    });
    const veth = observed("veth-pair");
    deepEqual([veth.alias, veth.altnames, veth.up], ["left end", ["a-name-that-is-longer-than-fifteen"], true]);
    ok(veth.peer?.name.startsWith("#"));
    const port = observed("veth-port").port;
    deepEqual([port?.cost, port?.priority, port?.guard, port?.flood, port?.groupFwdMask], [7, 5, true, false, 8]);
  });

  it("are told the same before and after their reader is compiled, as by the whole message", () => {
    for (let n = 0; n < OFTEN; n++)
      for (const bytes of every) {
        const link = observe(bytes) as unknown as Readonly<Record<string, unknown>>;
        const { attrs } = newlink.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
        const told = (options: Options, wire: object): void => {
          for (const [word, { beside, read }] of Object.entries(options))
            if (!ELSEWHERE.includes(word))
              deepEqual(link[word], read((beside ? attrs : wire) as never, names), `${attrs.ifname} ${word}`);
        };
        told(commonOptions, attrs);
        const { info } = attrs.linkinfo ?? {};
        const kind = kindNamed(info?.kind);
        if (kind !== undefined && attrs.linkNetnsid === undefined) told(kind.options, info?.data ?? {});
      }
  });
});

describe("links: everything the kernel sent", () => {
  const bytes = only("links/vxlan-all.hex");
  const whole = newlink.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));

  it("is read when it is asked for, once", () => {
    const link = observe(bytes);
    ok(inspect(link).includes("wire: [Getter/Setter]"));
    deepEqual(link.wire, whole);
    equal(link.wire, link.wire);
    equal(Object.getPrototypeOf(link), Object.prototype);
  });

  it("is in copies, comparisons and JSON, like any property", () => {
    const link = observe(bytes);
    ok(Object.keys(link).includes("wire"));
    deepEqual({ ...link }.wire, whole);
    deepEqual(structuredClone(link).wire, whole);
    deepEqual(new Proxy(link, {}).wire, whole);
    deepEqual(link, observe(bytes));
    deepEqual({ ...link }, link);
    equal(text(link), text({ ...link, wire: whole }));
    const assigned = Object.assign(observe(only("links/vxlan-plain.hex")), link);
    deepEqual(assigned.wire, whole);
    deepEqual({ ...assigned }, { ...link });
    const other = Buffer.from(bytes);
    const map = whole.attrs.map as NonNullable<typeof whole.attrs.map>;
    equal(map.irq, 0);
    const at = attributeAt(bytes, 14);
    other[at + 24] = 1; // an interrupt, for which there is no word
    notDeepEqual(link, observe(new Uint8Array(other)));
  });

  it("does not change with the memory that the message stood in", () => {
    const block = new Uint8Array(bytes);
    const from = new Reader(block);
    const link = linkFromWire(linkTold.body.read(from, NLMSG_HDRLEN, bytes.length), names);
    from.u8.fill(0);
    deepEqual(link.wire, whole);
  });

  it("leaves out of a VXLAN that is made again what the kernel would make another of", () => {
    const left = (told: object) => kindNamed("vxlan")?.leftOut?.({ ...told });
    const [untouched, named, chosen] = ["0xf7ffffff000000ff", "0xf7dfffff00000000", "0x0000000000000001"];
    deepEqual(left({ remoteCsumRx: false }), ["reservedBits"]);
    deepEqual(left({ reservedBits: untouched, remoteCsumRx: false }), ["reservedBits", "remoteCsumRx"]);
    deepEqual(left({ reservedBits: named, remoteCsumRx: false }), ["reservedBits"]);
    deepEqual(left({ reservedBits: named, remoteCsumRx: true }), ["reservedBits"]);
    deepEqual(left({ reservedBits: chosen, remoteCsumRx: false }), ["remoteCsumRx"]);
    deepEqual(left({ reservedBits: chosen, remoteCsumRx: true }), []);
  });
});
