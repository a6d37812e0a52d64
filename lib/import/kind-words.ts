/**
 * iproute2's words for the options of links: most of them are ours in another spelling, so that they are made from the
 * declaration of each kind; here is what is said otherwise.
 *
 * Source: ip-link(8), bridge(8).
 */
import { kindNamed } from "../links/kinds/index.ts";
import type { Options } from "../links/option.ts";
import { settablePortOptions } from "../links/ports.ts";
import { commonOptions } from "../links/words.ts";
import { boolean, integer, linkName, mac } from "../shape/shape.ts";
import { type Args, flag, NotUnderstood, type Reader, says, scaled, type Table, value, valueFor } from "./grammar.ts";

const snake = (key: string): string =>
  key.replace(/[A-Z0-9]+/g, (part, at) => (at === 0 ? part : `_${part.toLowerCase()}`));
/** The spellings that iproute2 may have for one of our words. */
function spellings(key: string): string[] {
  const camel = key.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return [...new Set([key, key.toLowerCase(), camel, camel.replaceAll("_", "-"), snake(key)])];
}

/** A table for options; switches are also known with `no` before them. */
function tableOf(options: Options): Table {
  const table: Record<string, Reader> = {};
  for (const [key, { shape, readOnly }] of Object.entries(options)) {
    if (readOnly) continue;
    const isSwitch = shape.accepts(true) && shape.accepts(false);
    for (const word of spellings(key)) {
      table[word] = isSwitch ? flag(key) : value(key, shape);
      if (isSwitch) table[`no${word}`] = says(key, false);
    }
  }
  return table;
}

const bridgeTimes = (options: Options, words: Readonly<Record<string, string>>): Table =>
  Object.fromEntries(
    Object.entries(words).flatMap(([word, key]) => {
      const shape = options[key]?.shape;
      return shape === undefined ? [] : [[word, scaled(key, shape, 100)]];
    }),
  );
const BRIDGE_TIMES = {
  forward_delay: "forwardDelay",
  hello_time: "hello",
  max_age: "maxAge",
  ageing_time: "ageing",
  mcast_last_member_interval: "mcastLastMemberInterval",
  mcast_membership_interval: "mcastMembershipInterval",
  mcast_querier_interval: "mcastQuerierInterval",
  mcast_query_interval: "mcastQueryInterval",
  mcast_query_response_interval: "mcastQueryResponseInterval",
  mcast_startup_query_interval: "mcastStartupQueryInterval",
};

/** Two numbers that belong together. */
const range =
  (key: string): Reader =>
  (args, into) => {
    const port = (): unknown => valueFor(integer(0, 0xffff), args.take("a port"), args.lineAhead, key);
    into[key] = { low: port(), high: port() };
  };
/** `1:2 3:4`, as many as there are. */
const pairs =
  (key: string): Reader =>
  (args, into) => {
    const map: Record<string, number> = {};
    for (let found = /^(\d+):(\d+)$/.exec(args.ahead); found !== null; found = /^(\d+):(\d+)$/.exec(args.ahead)) {
      map[found[1] ?? ""] = Number(found[2]);
      args.take("a pair");
    }
    into[key] = map;
  };
/** One value that is meant twice: `key`, `seq` and `csum` are for both directions. */
const both =
  (one: string, other: string, read: (key: string) => Reader): Reader =>
  (args, into, word) => {
    read(one)(args, into, word);
    into[other] = into[one];
  };
/** The far end of a cable: what stands after `peer`. */
const peer: Reader = (args, into) => {
  const far: Record<string, unknown> = {};
  for (;;) {
    if (args.accept("name")) far["name"] = valueFor(linkName, args.take("a name"), args.line, "name");
    else if (args.accept("address")) far["mac"] = valueFor(mac, args.take("a MAC address"), args.line, "address");
    else if (args.accept("mtu")) far["mtu"] = valueFor(integer(68, 0xffff), args.take("a number"), args.line, "mtu");
    else if (args.accept("netns")) far["netns"] = args.take("the name of a namespace");
    else if (far["name"] === undefined && linkName.accepts(args.ahead)) far["name"] = args.take("a name");
    else break;
  }
  if (far["name"] === undefined) throw new NotUnderstood(args.line, "the far end has no name", "write peer name NAME");
  into["peer"] = far;
};
const several =
  (key: string): Reader =>
  (args, into) => {
    into[key] = args.take("addresses").split(",");
  };
const tunnel: Table = {
  key: both("ikey", "okey", (key) => value(key, integer(0, 0xffff_ffff))),
  seq: both("iseq", "oseq", (key) => says(key, true)),
  noseq: both("iseq", "oseq", (key) => says(key, false)),
  csum: both("icsum", "ocsum", (key) => says(key, true)),
  nocsum: both("icsum", "ocsum", (key) => says(key, false)),
};

/** Words that no spelling of ours is. */
function special(kind: string, options: Options): Table {
  const as = (word: string, key: string): Table => {
    const option = options[key];
    return option === undefined ? {} : { [word]: value(key, option.shape) };
  };
  const one: Readonly<Record<string, Table>> = {
    vxlan: {
      ...as("id", "vni"),
      ...as("group", "remote"),
      ...as("hoplimit", "ttl"),
      ...as("maxaddress", "limit"),
      ...as("flowlabel", "label"),
      srcport: range("srcport"),
      remcsumtx: flag("remoteCsumTx"),
      noremcsumtx: says("remoteCsumTx", false),
      remcsumrx: flag("remoteCsumRx"),
      noremcsumrx: says("remoteCsumRx", false),
    },
    geneve: { ...as("id", "vni"), ...as("flowlabel", "label"), srcport: range("srcport") },
    bridge: {
      ...bridgeTimes(options, BRIDGE_TIMES),
      stp_state: flag("stp"),
      mcast_stats_enabled: flag("mcastStats"),
      vlan_stats_enabled: flag("vlanStats"),
    },
    vlan: { "ingress-qos-map": pairs("ingressQosMap"), "egress-qos-map": pairs("egressQosMap") },
    bond: { arp_ip_target: several("arpIpTarget"), ns_ip6_target: several("nsIp6Target") },
    veth: { peer },
    netkit: { peer },
  };
  const modes = ["private", "vepa", "bridge"].map((word) => [word, says("flags", word)] as const);
  if (kind === "ipvlan" || kind === "ipvtap") return Object.fromEntries(modes);
  const keyed = options["ikey"] === undefined ? {} : tunnel;
  return { ...keyed, ...as("hoplimit", "ttl"), ...as("dstport", "dstport"), ...one[kind] };
}

/** Tables are made when they are first asked for. */
const made = new Map<string, Table>();
function once(key: string, make: () => Table): Table {
  const known = made.get(key) ?? make();
  made.set(key, known);
  return known;
}

/** The words after `type KIND`; undefined for a kind that is not known here. */
export function kindTable(kind: string): Table | undefined {
  const options = kindNamed(kind)?.options as Options | undefined;
  return options && once(`kind ${kind}`, () => ({ ...tableOf(options), ...special(kind, options) }));
}

/** The words after `type bridge_slave`, and those of `bridge link set`. */
export function portTable(): Table {
  return once("port", makePortTable);
}
function makePortTable(): Table {
  const rootBlock = flag("rootBlock");
  return {
    ...tableOf(settablePortOptions),
    fastleave: flag("fastLeave"),
    root_block: rootBlock,
    mcast_fast_leave: flag("fastLeave"),
    nobackup_port: says("backupPort", null),
  };
}

const common = commonOptions as unknown as Options;
/** Words that every link takes, when it is made and later. */
export function commonTable(): Table {
  return once("common", makeCommonTable);
}
function makeCommonTable(): Table {
  const address = common["mac"]?.shape ?? mac;
  const table = tableOf(common);
  return {
    ...table,
    address: value("mac", address),
    txqueuelen: value("txqlen", integer(0, 0xffff_ffff)),
    qlen: value("txqlen", integer(0, 0xffff_ffff)),
    addrgenmode: value("addrGenMode", common["addrGenMode"]?.shape ?? boolean),
    ...Object.fromEntries(["arp", "multicast", "allmulticast", "promisc"].map((key) => [key, flag(key)])),
  };
}

/** Where the name of a link stands: after `dev`, or by itself. @throws {NotUnderstood} */
export function takeName(args: Args, ...before: readonly string[]): string {
  args.accept(...before);
  const line = args.lineAhead;
  const name = args.take("the name of a link");
  if (!linkName.accepts(name))
    throw new NotUnderstood(line, `expected ${linkName.expected}, got ${JSON.stringify(name)}`);
  return name;
}
