/** Documents that fit together in no way, or have something else than what is expected: each mistake with its place and the way out. */
import { deepEqual, ok } from "node:assert/strict";
import { checkAll } from "../../lib/fabric/fabric.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { parseSource } from "../../lib/state/source.ts";

/** What is said of a document without its first line, without the name of the file. */
function said(body: string): readonly string[] {
  try {
    checkAll(parseSource(`linkwright: 1\n${body}`, "f.yaml"));
    return [];
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error.message.split("\n").map((line) => line.replace(/^f\.yaml:/, ""));
  }
}

/** Each line from its beginning, whole unless it ends with "…". */
const TABLE: readonly (readonly [name: string, body: string, ...lines: string[]])[] = [
  [
    "three links in a loop of devices",
    "links:\n  a: { kind: vlan, id: 1, dev: b }\n  b: { kind: vlan, id: 2, dev: c }\n  c: { kind: vlan, id: 3, dev: a }",
    "5:32: links.c.dev: a → b → c → a is a loop; take one of them out",
  ],
  [
    "a link below itself",
    "links:\n  a: { kind: vlan, id: 1, dev: a }",
    "3:32: links.a.dev: a → a is a loop; take one of them out",
  ],
  [
    "a link that leads into a loop",
    "links:\n  z: { kind: vlan, id: 9, dev: a }\n  a: { kind: vlan, id: 1, dev: b }\n  b: { kind: vlan, id: 2, dev: a }",
    "5:32: links.b.dev: a → b → a is a loop; take one of them out",
  ],
  [
    "a link on a bridge that is its own port",
    "links:\n  br0: { kind: bridge }\n  mv0: { kind: macvlan, dev: br0, master: br0 }",
    "4:43: links.mv0.master: br0 is below mv0 is below br0: that is a loop; take master or dev out of one of them",
  ],
  [
    "links on two bridges that are ports of each other, and one beside them",
    "links:\n  a: { kind: vlan, id: 1, dev: br1, master: br0 }\n  br0: { kind: bridge }\n  x: { kind: vlan, id: 3, dev: br0 }\n  b: { kind: vlan, id: 2, dev: br0, master: br1 }\n  br1: { kind: bridge }",
    "3:45: links.a.master: a is below br0 is below b is below br1 is below a: that is a loop; take master or dev out of one of them",
  ],
  [
    "several loops at once, of one property and of both",
    "links:\n  a: { kind: vlan, id: 1, dev: b }\n  b: { kind: vlan, id: 2, dev: a }\n  br0: { kind: bridge }\n  mv0: { kind: macvlan, dev: br0, master: br0 }\n  br1: { kind: bridge }\n  mv1: { kind: macvlan, dev: br1, master: br1 }",
    "4:32: links.b.dev: a → b → a is a loop; take one of them out",
    "6:43: links.mv0.master: br0 is below mv0 is below br0: that is a loop; take master or dev out of one of them",
    "8:43: links.mv1.master: br1 is below mv1 is below br1: that is a loop; take master or dev out of one of them",
  ],
  [
    "no loop: a tunnel that sends through its bridge, links on a bridge with a port, and one that goes",
    "links:\n  br0: { kind: bridge, mtu: 1400 }\n  g: { kind: gretap, remote: 192.0.2.1, dev: br0, master: br0 }\n  p: { kind: dummy, master: br0 }\n  v: { kind: vlan, id: 1, dev: br0 }\n  mv0: { kind: macvlan, state: absent }",
  ],
  [
    "a master without ports",
    "links:\n  a: { kind: dummy, master: b }\n  b: { kind: dummy }",
    "3:29: links.a.master: b is a dummy, which has no ports; write the name of a bridge",
  ],
  [
    "a master that is to be absent",
    "links:\n  a: { kind: dummy, master: b }\n  b: { kind: bridge, state: absent }",
    "3:29: links.a.master: b is absent in this document; leave master out, or keep b",
  ],
  [
    "a remote beside remotes",
    "links:\n  v: { kind: vxlan, vni: 5, remote: 192.0.2.1, remotes: [192.0.2.2] }",
    "3:48: links.v.remotes: remote is one of them already; leave remote out and put 192.0.2.1 into remotes",
  ],
  [
    "remotes of another family than the source",
    "links:\n  v: { kind: vxlan, vni: 5, local: fd00::1, remotes: [192.0.2.2, fd00::2] }",
    "3:55: links.v.remotes[0]: 192.0.2.2 and fd00::1 are of different families; use one",
  ],
  [
    "a remote of another family than the source",
    "links:\n  v: { kind: vxlan, vni: 5, local: fd00::1, remote: 192.0.2.2 }",
    "3:36: links.v.local: fd00::1 and remote 192.0.2.2 are of different families; use one",
  ],
  [
    "two VXLANs for all VNIs",
    "links:\n  a: { kind: vxlan, external: true }\n  b: { kind: vxlan, external: true }",
    "4:31: links.b.external: a at line 3 has external: true on UDP port 4789 already; give one of them another dstport, or both vnifilter: true",
  ],
  [
    "a VXLAN for all VNIs and one for one, of either family",
    "links:\n  a: { kind: vxlan, external: true }\n  b: { kind: vxlan, vni: 5, local: 192.0.2.1 }\n  c: { kind: vxlan, vni: 6, local: fd00::1 }",
    "4:3: links.b: a at line 3 is on UDP port 4789 too, with external; give one of them another dstport",
    "5:3: links.c: a at line 3 is on UDP port 4789 too, with external; give one of them another dstport",
  ],
  [
    "policy groups with one VXLAN of a port only",
    "links:\n  a: { kind: vxlan, vni: 5 }\n  b: { kind: vxlan, vni: 6, gbp: true }",
    "4:29: links.b.gbp: a at line 3 is on UDP port 4789 too, without gbp; give one of them another dstport",
  ],
  [
    "policy groups with one of two link-local addresses",
    "links:\n  a: { kind: vxlan, vni: 5, local: fe80::1, dev: d }\n  b: { kind: vxlan, vni: 6, local: fe80::2, dev: e, gbp: true }\n  d: { kind: bridge }\n  e: { kind: bridge }",
    "4:53: links.b.gbp: a at line 3 is on UDP port 4789 too, without gbp; give one of them another dstport",
  ],
  [
    "a filter of VNIs with one of two for all",
    "links:\n  a: { kind: vxlan, external: true, vnifilter: true }\n  b: { kind: vxlan, external: true }",
    "4:3: links.b: a at line 3 is on UDP port 4789 too, with vnifilter; give one of them another dstport",
  ],
  [
    "a VNI twice with link-local addresses of one device",
    "links:\n  a: { kind: vxlan, vni: 5, local: fe80::1, dev: d }\n  b: { kind: vxlan, vni: 5, local: fe80::2, dev: d }\n  d: { kind: bridge }",
    "4:26: links.b.vni: a at line 3 has VNI 5 on UDP port 4789 already; give one of them another vni or dstport",
  ],
  [
    "a VNI twice over IPv6",
    "links:\n  a: { kind: vxlan, vni: 5, local: fd00::1, dstport: 8472 }\n  b: { kind: vxlan, vni: 5, remote: fd00::2, dstport: 8472 }",
    "4:26: links.b.vni: a at line 3 has VNI 5 on UDP port 8472 already; give one of them another vni or dstport",
  ],
  [
    "a VNI twice, by remotes",
    "links:\n  a: { kind: vxlan, vni: 5, remotes: [fd00::1] }\n  b: { kind: vxlan, vni: 5, remotes: [fd00::2] }",
    "4:26: links.b.vni: a at line 3 has VNI 5 on UDP port 4789 already; give one of them another vni or dstport",
  ],
  [
    "a public key twice",
    "links:\n  w:\n    kind: wireguard\n    peers:\n      - { publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= }\n      - { publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= }",
    "7:22: links.w.peers[1].publicKey: peers[0] has this key already; keep one",
  ],
  [
    "a network of two peers",
    "links:\n  w:\n    kind: wireguard\n    peers:\n      - { publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, allowedIps: [10.0.0.0/8, 10.1.0.1] }\n      - { publicKey: DAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, allowedIps: [10.1.0.1/32] }",
    "7:81: links.w.peers[1].allowedIps[0]: 10.1.0.1/32 belongs to peers[0] already; a network has one peer",
  ],
  [
    "a peer's network with bits behind its prefix",
    "links:\n  w: { kind: wireguard, peers: [{ publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, allowedIps: [10.0.0.1/8] }] }",
    "3:105: links.w.peers[0].allowedIps[0]: 10.0.0.1/8 has bits behind its prefix: write 10.0.0.0/8",
  ],
  [
    "an address in a list and on its link",
    "links:\n  a: { kind: dummy, addresses: [192.0.2.1/24] }\naddresses:\n  - { dev: b, address: 192.0.2.1/24 }",
    "5:5: addresses[0]: 192.0.2.1 stands at line 3 already; keep one",
  ],
  [
    "an address twice, in two forms",
    'links:\n  a: { kind: dummy, addresses: ["fd00::1/64", { address: "FD00:0::1/128" }] }',
    "3:47: links.a.addresses[1]: fd00::1 stands at line 3 already; keep one",
  ],
  [
    "a rule twice",
    "forward:\n  - { in: a, out: b, accept: all }\n  - { in: a, out: b, accept: all, clampMss: true }",
    "4:5: forward[1]: the same rule stands at forward[0] already; keep one",
  ],
  [
    "two VLANs for frames without a tag",
    "links:\n  a:\n    kind: bridge\n    vlans:\n      - { vid: 3, pvid: true }\n      - 4\n      - { vid: 5, pvid: true }",
    "8:19: links.a.vlans[2].pvid: frames without a tag are in one VLAN, and pvid stands at line 6 already; keep one",
  ],
  [
    "far ends of an absent link",
    "links:\n  v: { state: absent, kind: vxlan, vni: 5, remotes: [192.0.2.1], routes: [] }",
    "3:44: links.v.remotes: v is absent, and with it goes all that is on it; leave remotes out",
    "3:66: links.v.routes: v is absent, and with it goes all that is on it; leave routes out",
  ],
  [
    "variables without hosts, in keys and lists",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the document's own way to write a variable
    'links:\n  $underlay: { alias: to $peer }\nnat: [{ masquerade: 10.0.0.0/8, out: "${underlay}" }]',
    "3:14: links.$underlay: $underlay needs hosts, which say what it stands for; without them write the value",
    "3:23: links.$underlay.alias: $peer needs hosts, which say what it stands for; without them write the value",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the document's own way to write a variable
    "4:38: nat[0].out: ${underlay} needs hosts, which say what it stands for; without them write the value",
  ],
  [
    "overlays without hosts",
    "overlays: { vm: { vni: 5 } }\nevpn: { asn: 64512 }",
    "2:1: overlays: needs hosts, which say where tunnels end",
    "3:1: evpn: needs hosts, which say where tunnels end",
  ],
  [
    "nothing where a map is expected",
    "links:\n  a:",
    "3:5: links.a: expected a map such as { kind: bridge, mtu: auto }, got null",
  ],
  ["a list where a map is expected", "links: []", "2:8: links: expected a map of links by name, got []"],
  ["a map where a list is expected", "nat: {}", "2:6: nat: expected a list of NAT rules, got {}"],
  [
    "text where a map is expected",
    "links:\n  a: bridge",
    '3:6: links.a: expected a map such as { kind: bridge, mtu: auto }, got "bridge"',
  ],
  [
    "text where a map with a kind is expected",
    "links:\n  a: { kind: bridge, qdisc: fq }",
    "3:29: links.a.qdisc: expected a map such as { kind: fq }, of the kinds fq, fq_codel, netem, tbf, pfifo, bfifo, htb, prio; or { state: absent }",
  ],
  [
    "a queue of an unknown kind",
    "links:\n  a: { kind: bridge, qdisc: { kind: fqq } }",
    "3:37: links.a.qdisc.kind: unknown kind of queue; did you mean fq?",
  ],
  [
    "a queue that goes and stays",
    "links:\n  a: { kind: bridge, qdisc: { state: absent, limit: 5 } }",
    "3:46: links.a.qdisc.limit: unknown key; known are kind, state",
  ],
  [
    "a link's address without its address",
    "links:\n  a: { kind: bridge, addresses: [{ metric: 5 }] }",
    "3:34: links.a.addresses[0].address: missing; expected an address with prefix length such as 192.0.2.1/24",
  ],
  [
    "an address with a word too much",
    "links:\n  a: { kind: bridge, addresses: [{ address: 192.0.2.1/24, dev: a }] }",
    "3:59: links.a.addresses[0].dev: unknown key; known are address, peer, broadcast, anycast, label, scope, metric, validLifetime, preferredLifetime, noprefixroute, nodad, optimistic, home, mngtmpaddr, autojoin, protocol, state",
  ],
  [
    "an address of no form",
    "links:\n  a: { kind: bridge, addresses: [5] }",
    "3:34: links.a.addresses[0]: expected an address with prefix length such as 192.0.2.1/24, got 5",
  ],
  ["a route that is no map", "routes: [default]", '2:10: routes[0]: expected a route, got "default"'],
  [
    "a word for a state",
    "links:\n  a: { kind: bridge, state: gone }",
    '3:29: links.a.state: expected one of present, absent, got "gone"',
  ],
  [
    "a word for a neighbor's state",
    "neighbors: [{ dev: a, address: 192.0.2.1, state: gone }]",
    '2:50: neighbors[0].state: expected one of permanent, noarp, reachable, stale, delay, probe, failed, incomplete, none, or one of present, absent, got "gone"',
  ],
  [
    "a word for a feature",
    "links:\n  a: { ethtool: { features: { tso: yes } } }",
    '3:36: links.a.ethtool.features.tso: expected true or false, or on or off, got "yes"',
  ],
  [
    "features that are no map",
    "links:\n  a: { ethtool: { features: [tso] } }",
    '3:29: links.a.ethtool.features: expected a map of features such as { tso: false }, got ["tso"]',
  ],
  [
    "rings that are no map",
    "links:\n  a: { ethtool: { rings: 512, channels: [], coalesce: 5, pause: off } }",
    "3:26: links.a.ethtool.rings: expected a map such as { rx: 512 }, got 512",
    "3:41: links.a.ethtool.channels: expected a map such as { combined: 4 }, got []",
    "3:55: links.a.ethtool.coalesce: expected a map such as { rxUsecs: 50 }, got 5",
    '3:65: links.a.ethtool.pause: expected a map such as { rx: false, tx: false }, got "off"',
  ],
  [
    "no map for a device",
    "links:\n  a: { ethtool: 5 }",
    "3:17: links.a.ethtool: expected a map such as { features: { tso: false }, rings: { rx: 512 } }, got 5",
  ],
  [
    "a ring that is no number",
    "links:\n  a: { ethtool: { rings: { rx: many } } }",
    '3:32: links.a.ethtool.rings.rx: expected a whole number from 0 to 4294967295, got "many"',
  ],
  [
    "port options that are no map",
    "links:\n  a: { port: 5 }",
    "3:14: links.a.port: expected a map of the link's options as a port of its bridge, got 5",
  ],
  [
    "an option of no port",
    "links:\n  a: { port: { costs: 5 } }",
    "3:16: links.a.port.costs: unknown key; did you mean cost?",
  ],
  [
    "remotes that are no list",
    "links:\n  v: { kind: vxlan, vni: 5, remotes: 192.0.2.1 }",
    '3:38: links.v.remotes: expected a list of addresses, got "192.0.2.1"',
  ],
  [
    "a remote that is no address",
    "links:\n  v: { kind: vxlan, vni: 5, remotes: [bm2] }",
    '3:39: links.v.remotes[0]: expected an IPv4 or IPv6 address, got "bm2"',
  ],
  [
    "remotes of what is no VXLAN",
    "links:\n  b: { kind: bridge, remotes: [192.0.2.1] }",
    "3:22: links.b.remotes: unknown key; known are kind, state, mtu, up, arp, multicast, allmulticast…",
  ],
  [
    "flood of another word",
    "links:\n  v: { kind: vxlan, vni: 5, flood: all }",
    '3:36: links.v.flood: expected unicast, evpn, or { multicast: GROUP }, with ttl where routers are between the hosts, got "all"',
  ],
  [
    "a peer without a key",
    "links:\n  w: { kind: wireguard, peers: [{ allowedIps: [10.0.0.0/8] }] }",
    "3:33: links.w.peers[0].publicKey: missing; expected a key: 32 bytes in base64, as `wg genkey` prints it",
  ],
  [
    "peers that are no list",
    "links:\n  w: { kind: wireguard, peers: {} }",
    "3:32: links.w.peers: expected a list of peers, got {}",
  ],
  [
    "a sysctl that is a list",
    "sysctls: { net.ipv4.ip_forward: [1] }",
    '2:33: sysctls."net.ipv4.ip_forward": expected a whole number or text, got [1]',
  ],
  [
    "a sysctl that is no whole number",
    "sysctls: { net.ipv4.ip_forward: 0.5 }",
    '2:33: sysctls."net.ipv4.ip_forward": expected a whole number or text, got 0.5',
  ],
  [
    "names of interfaces that cannot be",
    'nat:\n  - { masquerade: 10.0.0.0/8, out: . }\n  - { masquerade: 10.0.0.0/8, out: .. }\n  - { masquerade: 10.0.0.0/8, out: a/b }\n  - { masquerade: 10.0.0.0/8, out: "a b" }\n  - { masquerade: 10.0.0.0/8, out: "" }\n  - { masquerade: 10.0.0.0/8, out: sixteen-letters0 }\n  - { masquerade: 10.0.0.0/8, out: 5 }',
    '3:36: nat[0].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got "."',
    '4:36: nat[1].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got ".."',
    '5:36: nat[2].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got "a/b"',
    '6:36: nat[3].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got "a b"',
    '7:36: nat[4].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got ""',
    '8:36: nat[5].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got "sixteen-letters0"',
    "9:36: nat[6].out: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got 5",
  ],
  [
    "guests on nothing",
    "guests: { mtu: auto }",
    "2:9: guests.on: missing; expected an interface name: 1 to 15 of the characters a-z A-Z 0-9 . _ : + @ = -, not starting with -, not . .. all default",
  ],
  [
    "guests with an MTU of words",
    "guests: { on: a, mtu: small, inside: vxlan }",
    '2:23: guests.mtu: expected a whole number of bytes from 68 to 65535, or auto, got "small"',
    '2:38: guests.inside: expected a list of overlays inside the guests, got "vxlan"',
  ],
  ["a probe of no kind", "probes: [ping]", '2:10: probes[0]: expected one of gateway, sshClient, peers, got "ping"'],
  [
    "probes that are no list",
    "probes: gateway",
    '2:9: probes: expected a list of probes such as gateway, got "gateway"',
  ],
  [
    "what is ignored in no list",
    "ignore: { links: docker*, routes: bird, addresses: 10.0.0.0/8 }",
    '2:18: ignore.links: expected a list of names of links, got "docker*"',
    '2:35: ignore.routes: expected a list of routes, got "bird"',
    '2:52: ignore.addresses: expected a list of networks, got "10.0.0.0/8"',
  ],
  [
    "what is ignored by nothing known",
    'ignore: { routes: [{ via: 192.0.2.1 }], links: [""], addresses: [here] }',
    "2:22: ignore.routes[0].via: unknown key; known are protocol, table, dst",
    '2:49: ignore.links[0]: expected a name of links such as docker*, with * for any characters and ? for one, got ""',
    '2:66: ignore.addresses[0]: expected a network such as 192.0.2.0/24, an address, or default, got "here"',
  ],
  [
    "a time to confirm of two days",
    "confirm: 172800",
    "2:10: confirm: expected a whole number of seconds from 0 to 86400, got 172800",
  ],
  [
    "vnis where there is no VXLAN",
    "links:\n  b: { kind: bridge, vnis: [5] }",
    "3:22: links.b.vnis: unknown key; known are kind, state, mtu, up, arp, multicast, allmulticast…",
  ],
  ["hosts that are a list", "hosts: [a]", '2:8: hosts: expected a map of hosts, got ["a"]'],
  [
    "a host of nothing",
    "hosts: { a: eth0 }",
    '2:13: hosts.a: expected a map such as { underlay: eth0, vtep: 192.0.2.1 }, got "eth0"',
  ],
  [
    "a far end of a host that is no address",
    'hosts: { a: { vtep: bm1, underlay: "a/b" } }',
    '2:21: hosts.a.vtep: expected an IPv4 or IPv6 address, got "bm1"',
    '2:36: hosts.a.underlay: expected an interface name: 1 to 15 bytes without slash, white space and control characters, got "a/b"',
  ],
];

/** What looks like a mistake and is none. */
const RIGHT: readonly (readonly [name: string, body: string])[] = [
  ["a master that the host has", "links:\n  a: { kind: dummy, master: b }"],
  [
    "a master of each sort that has ports",
    "links:\n  a: { kind: dummy, master: b }\n  b: { kind: bond }\n  c: { kind: dummy, master: d }\n  d: { kind: vrf, table: 5 }\n  e: { kind: bond, master: f }\n  f: { kind: bridge }",
  ],
  [
    "a chain of masters and devices",
    "links:\n  a: { kind: vlan, id: 1, dev: b, master: c }\n  b: { kind: bond }\n  c: { kind: bridge }\n  d: { kind: vlan, id: 2, dev: b }",
  ],
  [
    "a port that is absent too",
    "links:\n  a: { kind: dummy, state: absent, master: b }\n  b: { kind: bridge, state: absent }",
  ],
  ["a VNI on another port", "links:\n  a: { kind: vxlan, vni: 5 }\n  b: { kind: vxlan, vni: 5, dstport: 8472 }"],
  [
    "a VNI for each device with a link-local address",
    "links:\n  a: { kind: vxlan, vni: 5, local: fe80::1, dev: d }\n  b: { kind: vxlan, vni: 5, local: fe80::2, dev: e }\n  d: { kind: bridge }\n  e: { kind: bridge }",
  ],
  [
    "policy groups on another port",
    "links:\n  a: { kind: vxlan, vni: 5 }\n  b: { kind: vxlan, vni: 6, gbp: true, dstport: 4800 }",
  ],
  [
    "policy groups of another family",
    "links:\n  a: { kind: vxlan, vni: 5, local: 192.0.2.1 }\n  b: { kind: vxlan, vni: 6, gbp: true, local: fd00::1 }",
  ],
  [
    "the generic extension on its own port",
    "links:\n  a: { kind: vxlan, vni: 5 }\n  b: { kind: vxlan, external: true, gpe: true }",
  ],
  [
    "policy groups of a VXLAN that is off",
    "links:\n  a: { kind: vxlan, vni: 5 }\n  b: { kind: vxlan, vni: 6, gbp: true, up: false }",
  ],
  [
    "a VNI of each family",
    "links:\n  a: { kind: vxlan, vni: 5, local: 192.0.2.1 }\n  b: { kind: vxlan, vni: 5, local: fd00::1 }",
  ],
  [
    "a VNI whose other link is absent",
    "links:\n  a: { kind: vxlan, vni: 5, state: absent }\n  b: { kind: vxlan, vni: 5 }",
  ],
  ["a VNI of another kind", "links:\n  a: { kind: geneve, vni: 5, remote: 192.0.2.1 }\n  b: { kind: vxlan, vni: 5 }"],
  [
    "two VXLANs for all VNIs that filter",
    "links:\n  a: { kind: vxlan, external: true, vnifilter: true }\n  b: { kind: vxlan, external: true, vnifilter: true }",
  ],
  ["an absent VXLAN without a VNI", "links:\n  a: { kind: vxlan, state: absent }"],
  [
    "a link-local address on two links",
    'links:\n  a: { kind: dummy, addresses: ["fe80::1/64"] }\n  b: { kind: dummy, addresses: ["fe80::1/64"] }',
  ],
  [
    "an address that goes from one link to another",
    "links:\n  a: { kind: dummy, addresses: [{ address: 192.0.2.1/24, state: absent }] }\n  b: { kind: dummy, addresses: [192.0.2.1/24] }",
  ],
  [
    "an address on a link that goes",
    "links:\n  a: { kind: dummy, state: absent }\naddresses:\n  - { dev: b, address: 192.0.2.1/24 }",
  ],
  [
    "rules that differ in one word",
    "forward:\n  - { in: a, out: b, accept: all }\n  - { in: b, out: a, accept: all }\n  - { in: a, out: b, accept: replies }\n  - { in: a, out: c, accept: all }",
  ],
  ["NAT for everybody", "nat: [{ masquerade: default, out: eth0 }]"],
  [
    "one pvid for each link, and one that goes",
    "links:\n  a: { kind: bridge, vlans: [{ vid: 3, pvid: true }, { vid: 4, pvid: true, state: absent }, 5] }\n  b: { kind: bridge, vlans: [{ vid: 3, pvid: true }, { vid: 4, pvid: false }] }",
  ],
  [
    "one network of peers of two links",
    "links:\n  w: { kind: wireguard, peers: [{ publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, allowedIps: [10.0.0.0/8] }] }\n  x: { kind: wireguard, peers: [{ publicKey: CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, allowedIps: [10.0.0.0/8] }] }",
  ],
  ["a dollar sign that is no variable", "links: { a: { kind: dummy, alias: 5 $ or US$ 5 } }"],
  [
    "names that are odd, of interfaces that others made",
    "nat: [{ masquerade: 10.0.0.0/8, out: ü-é.x }, { masquerade: 10.0.0.0/8, out: fifteen-letters }]",
  ],
  [
    "a queue that goes, a state of each kind, and words for features",
    "links: { a: { qdisc: { state: absent }, state: present, ethtool: { features: { tso: off, gro: on, lro: false } } } }\nneighbors: [{ dev: a, address: 192.0.2.1, state: absent }, { dev: a, address: 192.0.2.2, state: noarp, mac: 02:00:00:00:00:01 }]",
  ],
  [
    "the largest MTU, and the smallest",
    "links: { a: { kind: dummy, mtu: 65535 }, b: { kind: dummy, mtu: 68 }, c: { kind: vlan, id: 3, dev: a, mtu: auto } }",
  ],
  [
    "all that is ignored",
    "ignore: { links: [docker*], routes: [{ protocol: bird, table: main, dst: default }], addresses: [10.0.0.0/8] }",
  ],
  ["no time to confirm", "confirm: 0"],
  ["a day to confirm", "confirm: 86400"],
];

describe("a document", () => {
  for (const [name, body, ...lines] of TABLE)
    it(`is refused for ${name}`, () => {
      const found = said(body);
      const cut = (line: string, i: number): string =>
        lines[i]?.endsWith("…") === true ? `${line.slice(0, lines[i].length - 1)}…` : line;
      deepEqual(found.map(cut), lines);
    });
  for (const [name, body] of RIGHT) it(`may have ${name}`, () => deepEqual(said(body), []));
});
