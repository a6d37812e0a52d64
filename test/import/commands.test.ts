/** Each command, and what a document says for it. */
import { deepEqual, equal } from "node:assert/strict";
import { importCommands } from "../../lib/import/commands.ts";
import { formatFinding } from "../../lib/import/finding.ts";

interface Told {
  readonly value: Readonly<Record<string, unknown>>;
  /** Errors and warnings, each as `line: message`. */
  readonly wrong: readonly string[];
}
function told(text: string, netns?: string): Told {
  const { draft, findings } = importCommands([{ file: "f", text }], { netns });
  const wrong = findings.filter(({ level }) => level !== "note").map((one) => formatFinding(one).replace(/^f:?/, ""));
  return { value: JSON.parse(JSON.stringify(draft.value)) as Told["value"], wrong };
}
/** Links without what is said of each: that they are bridges that are up. */
const linksOf = (text: string): unknown => {
  const { value, wrong } = told(text);
  deepEqual(wrong, []);
  return value["links"];
};

const BR = "ip link add br0 type bridge\nip link set br0 up\n";
const LINKS: readonly (readonly [command: string, links: object])[] = [
  ["ip link add br0 up type bridge", { br0: { kind: "bridge" } }],
  ["ip li add name br0 type bridge; ip link set dev br0 up", { br0: { kind: "bridge" } }],
  ["sudo -n /sbin/ip l a br0 type bridge; sudo ip l s br0 up", { br0: { kind: "bridge" } }],
  [
    "ip link add br0 type bridge stp_state 1 forward_delay 400 vlan_filtering 1; ip link set br0 up",
    { br0: { kind: "bridge", stp: true, forwardDelay: 4, vlanFiltering: true } },
  ],
  [
    "brctl addbr br0; brctl stp br0 on; brctl setfd br0 4; brctl addif br0 eth1; ip link set br0 up",
    { br0: { kind: "bridge", stp: true, forwardDelay: 4 }, eth1: { master: "br0" } },
  ],
  ["ip link set eth1 mtu 9000 up promisc on", { eth1: { up: true, mtu: 9000, promisc: true } }],
  ["ip link set eth1 down", { eth1: { up: false } }],
  [
    "ip link add link eth0 name eth0.5 up type vlan id 5 protocol 802.1ad ingress-qos-map 1:2 3:4",
    { "eth0.5": { kind: "vlan", id: 5, dev: "eth0", protocol: "802.1ad", ingressQosMap: { "1": 2, "3": 4 } } },
  ],
  [
    "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up",
    { v0: { kind: "veth", peer: { name: "v1" } }, v1: { up: true } },
  ],
  [
    "ip link add v0 up type veth peer name v1 netns blue",
    { v0: { kind: "veth", peer: { name: "v1", netns: "blue" } } },
  ],
  ["ip link add bond0 up type bond mode 802.3ad miimon 100", { bond0: { kind: "bond", mode: "802.3ad", miimon: 100 } }],
  [
    "ip link add vrf0 up type vrf table 10; ip link set eth1 vrf vrf0",
    { vrf0: { kind: "vrf", table: 10 }, eth1: { master: "vrf0" } },
  ],
  [
    "ip tuntap add dev tap0 mode tap user 1000; ip link set tap0 up",
    { tap0: { kind: "tun", mode: "tap", owner: 1000 } },
  ],
  [
    "ip link add g1 up type gre remote 192.0.2.2 local 192.0.2.1 key 7 ttl 64",
    { g1: { kind: "gre", local: "192.0.2.1", remote: "192.0.2.2", ikey: 7, okey: 7, ttl: 64 } },
  ],
  [
    "ip link add vx up type vxlan id 39 dstport 4789 group 239.1.1.1 dev eth0 nolearning",
    { vx: { kind: "vxlan", vni: 39, dev: "eth0", remote: "239.1.1.1", dstport: 4789, learning: false, mtu: "auto" } },
  ],
  [
    `${BR}ip link set eth1 master br0\nbridge link set dev eth1 learning off cost 9 hairpin on`,
    { br0: { kind: "bridge" }, eth1: { master: "br0", port: { learning: false, cost: 9, hairpin: true } } },
  ],
  [
    `${BR}ip link set eth1 master br0\nip link set eth1 type bridge_slave isolated on`,
    { br0: { kind: "bridge" }, eth1: { master: "br0", port: { isolated: true } } },
  ],
  ["ip addr add 192.0.2.1/24 dev eth0", { eth0: { addresses: ["192.0.2.1/24"] } }],
  ["ip a a 192.0.2.1 dev eth0 label eth0:1", { eth0: { addresses: [{ address: "192.0.2.1/32", label: "eth0:1" }] } }],
  ["ip -6 address add 2001:db8::1/64 dev eth0 nodad; ip a del 2001:db8::1/64 dev eth0", {}],
  ["ip address del 192.0.2.1/24 dev eth0", { eth0: { addresses: [{ address: "192.0.2.1/24", state: "absent" }] } }],
  ["ip route add default via 192.0.2.9 dev eth0", { eth0: { routes: [{ dst: "default", via: "192.0.2.9" }] } }],
  [
    "bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.9\nip link add vx2 up type vxlan id 3 dstport 4789\nbridge fdb append 00:00:00:00:00:00 dev vx2 dst 192.0.2.9",
    {
      vx: { fdb: [{ mac: "00:00:00:00:00:00", dst: "192.0.2.9" }] },
      vx2: { kind: "vxlan", vni: 3, dstport: 4789, remotes: ["192.0.2.9"] },
    },
  ],
  [
    "bridge vlan add vid 10-20 dev eth1 ; bridge vlan add dev eth1 vid 5 pvid untagged; bridge vlan del vid 1 dev eth1",
    { eth1: { vlans: ["10-20", { vid: 5, pvid: true, untagged: true }, { vid: 1, state: "absent" }] } },
  ],
];

const SECTIONS: readonly (readonly [command: string, section: string, value: unknown])[] = [
  [
    "ip r add 198.51.100.0/24 via 192.0.2.9 metric 7 table 100",
    "routes",
    [{ dst: "198.51.100.0/24", via: "192.0.2.9", metric: 7, table: 100 }],
  ],
  ["ip -6 r add default via 2001:db8::9", "routes", [{ dst: "default", family: "inet6", via: "2001:db8::9" }]],
  ["ip route add blackhole 10.0.0.0/8", "routes", [{ dst: "10.0.0.0/8", type: "blackhole" }]],
  [
    "ip route add 10.0.0.0/8 nexthop via 192.0.2.1 weight 2 nexthop via 192.0.2.2 dev eth0",
    "routes",
    [
      {
        dst: "10.0.0.0/8",
        nexthops: [
          { via: "192.0.2.1", weight: 2 },
          { via: "192.0.2.2", dev: "eth0" },
        ],
      },
    ],
  ],
  [
    "ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev eth0",
    "neighbors",
    [{ address: "192.0.2.9", mac: "02:00:00:00:00:09", dev: "eth0" }],
  ],
  [
    "ip rule add from 10.0.0.0/8 fwmark 0x1/0xff lookup 100 pref 500",
    "rules",
    [{ priority: 500, from: "10.0.0.0/8", fwmark: 1, fwmask: 255, table: 100 }],
  ],
  [
    "ip nexthop add id 5 via 192.0.2.9 dev eth0; ip nexthop add id 6 group 5,2",
    "nexthops",
    [
      { id: 5, via: "192.0.2.9", dev: "eth0" },
      { id: 6, group: [{ id: 5, weight: 2 }] },
    ],
  ],
  ["sysctl -w net.ipv4.ip_forward=1", "sysctls", { "net.ipv4.ip_forward": 1 }],
  [
    "sysctl net.ipv4.conf.all.rp_filter = 0 net.ipv4.conf.eth0.rp_filter=0",
    "sysctls",
    { "net.ipv4.conf.{all,eth0}.rp_filter": 0 },
  ],
  ["echo 1 > /proc/sys/net/ipv4/ip_forward", "sysctls", { "net.ipv4.ip_forward": 1 }],
  ["echo 1 | sudo tee /proc/sys/net/ipv4/ip_forward >/dev/null", "sysctls", { "net.ipv4.ip_forward": 1 }],
  ["sudo sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'", "sysctls", { "net.ipv4.ip_forward": 1 }],
  ["echo 'net.ipv4.ip_forward = 1' >> /etc/sysctl.conf", "sysctls", { "net.ipv4.ip_forward": 1 }],
  ["sudo tee /etc/sysctl.d/9.conf <<E\n# x\nnet.ipv4.ip_forward=1\nE", "sysctls", { "net.ipv4.ip_forward": 1 }],
];

const FORWARDING = "sysctl -w net.ipv4.ip_forward=1\nip addr add 10.0.0.1/8 dev br0\n";
const ALL = [{ in: "br0", out: "eth0", accept: "all" }];
const REPLIES = [{ in: "eth0", out: "br0", accept: "replies" }];
const NAT = [{ masquerade: "10.0.0.0/8", out: "eth0" }];
const CLAMPED = [{ in: "br0", out: "eth0", accept: "all", clampMss: true }];
const RULES: readonly (readonly [command: string, section: string, value: unknown])[] = [
  ["iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE", "nat", NAT],
  ["iptables --table nat --append POSTROUTING --source 10.0.0.0/8 --out-interface eth0 --jump MASQUERADE", "nat", NAT],
  ["iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", "nat", [{ masquerade: "default", out: "eth0" }]],
  ["iptables -A FORWARD -i br0 -o eth0 -j ACCEPT", "forward", ALL],
  ["iptables -A FORWARD -i eth0 -o br0 -m state --state RELATED,ESTABLISHED -j ACCEPT", "forward", REPLIES],
  [
    "iptables -I FORWARD 1 -i eth0 -o br0 -m conntrack --ctstate ESTABLISHED,RELATED -m comment --comment 'a b' -j ACCEPT",
    "forward",
    REPLIES,
  ],
  [
    "iptables -A FORWARD -i br0 -o eth0 -j ACCEPT; iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
    "forward",
    CLAMPED,
  ],
  ["iptables -A FORWARD -i br0 -o eth0 -j ACCEPT; iptables -D FORWARD -i br0 -o eth0 -j ACCEPT", "forward", undefined],
  ['nft add rule ip nat postrouting ip saddr 10.0.0.0/8 oifname \\"eth0\\" counter masquerade', "nat", NAT],
  [
    "nft add table ip n; nft 'add chain ip n post { type nat hook postrouting priority 100 ; }'; nft add rule n post ip saddr 10.0.0.0/8 oif eth0 masquerade",
    "nat",
    NAT,
  ],
  [
    'nft \'add rule inet f forward iifname "eth0" oifname "br0" ct state { established, related } accept\'',
    "forward",
    REPLIES,
  ],
  [
    "nft -f - <<E\ntable inet f {\n chain c {\n  type filter hook forward priority 0; policy accept;\n  iifname br0 oifname eth0 accept\n  tcp flags syn tcp option maxseg size set rt mtu\n }\n}\nE",
    "forward",
    CLAMPED,
  ],
];

const WRONG: readonly (readonly [text: string, ...wrong: string[]])[] = [
  ["ip link add br0 type brigde", '1: error: links of kind "brigde" are not known here; known are'],
  [
    "ip link add vx type vxlan id 99999999 dstport 4789",
    '1: error: id: expected a whole number from 0 to 16777215, got "99999999"',
  ],
  [
    "ip link add br0 type bridge frobnicate 1",
    '1: error: "frobnicate" is not understood among the options of a bridge',
  ],
  ["ip link set eth0 frobnicate", '1: error: "frobnicate" is not understood here'],
  ["ip link add", "1: error: the kind of link is missing; write type KIND"],
  ["ip addr add 192.0.2.1/24", "1: error: dev is missing; write dev and the name of the link"],
  ["ip addr add 192.0.2.999/24 dev eth0", '1: error: expected an address such as 192.0.2.1/24, got "192.0.2.999/24"'],
  [
    "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 auth sha1 0xSECRET",
    "1: error: ip xfrm is not understood; a document cannot say it yet: keep this line",
  ],
  [
    "wg set wg0 private-key SECRET",
    "1: error: wg is not understood; understood are ip, bridge, brctl, iptables, nft and sysctl: keep this line, or say it in their words",
  ],
  [
    "ip link set $DEV up",
    "1: error: $DEV is for a shell to work out, and nothing is run here; write what it stands for",
  ],
  ["DEV=eth0", "1: error: the variable DEV is not understood; write its value where it is used"],
  [
    "ip link set $(cat /etc/passwd) up",
    "1: error: $(cat /etc/passwd) is for a shell to work out, and nothing is run here; write what it stands for",
  ],
  [
    "for i in 1 2\ndo ip link add br$i type bridge\ndone",
    '1: error: what stands in "for" … is for a shell to decide, and nothing is run here; write the lines that it comes to',
    '2: error: what stands in "do" … is for a shell to decide, and nothing is run here; write the lines that it comes to',
  ],
  ["rm -rf /", '1: error: "rm" is not understood; understood are ip, bridge, brctl, iptables, nft and sysctl'],
  ["echo x > /etc/hosts", '1: error: "/etc/hosts" is not a file of sysctls; what is written to it is not understood'],
  [
    "sysctl -w kernel.panic=1",
    '1: error: "kernel.panic": expected a key that begins with net.; a document has sysctls of net only',
  ],
  ["sysctl -w net.ipv4.ip_forward=7", "1: error: net.ipv4.ip_forward: "],
  [
    "iptables -t nat -A POSTROUTING -j MASQUERADE",
    "1: warning: this rule is left out: masquerade without an output link is for all of them, also for those between guests; name the output link, as -o does",
  ],
  [
    "iptables -A INPUT -p udp --dport 4789 -j ACCEPT",
    "1: warning: this rule is left out: a document has no words for -p udp --dport 4789; keep it where it is; other tables are left alone",
  ],
  [
    "iptables -A FORWARD -m state --state NEW -i a -o b -j ACCEPT",
    "1: warning: this rule is left out: a document accepts all, or replies (established and related), and not new; keep it where it is; other tables are left alone",
  ],
  [
    "iptables -P FORWARD DROP",
    "1: warning: policy DROP of FORWARD cannot be said in a document, and drops what the document accepts, too; keep the rules of iptables beside it, or leave the policy at ACCEPT",
  ],
  [
    "ip netns exec blue ip link add br0 up type bridge\nip link set eth0 up",
    " warning: some commands are for namespace blue, and left out; import them with --netns blue",
  ],
];

describe("import: commands", () => {
  for (const [command, links] of LINKS)
    it(`reads: ${JSON.stringify(command)}`, () => {
      deepEqual(linksOf(command) ?? {}, links);
    });

  for (const [command, section, value] of SECTIONS)
    it(`reads: ${JSON.stringify(command)}`, () => {
      const found = told(command);
      deepEqual(found.wrong, []);
      deepEqual(found.value[section], value);
    });

  for (const [command, section, value] of RULES)
    it(`reads: ${JSON.stringify(command)}`, () => {
      const found = told(`${FORWARDING}${command}`);
      deepEqual(found.wrong, []);
      deepEqual(found.value[section], value);
    });

  for (const [text, ...wrong] of WRONG)
    it(`tells of: ${JSON.stringify(text)}`, () => {
      const found = told(text).wrong;
      equal(found.length, wrong.length, found.join("\n"));
      for (const [i, message] of wrong.entries()) equal(found[i]?.slice(0, message.length), message);
    });

  it("reads only what is for a namespace", () => {
    const text =
      "ip -n blue link add br0 up type bridge\nip netns exec blue sudo ip addr add 192.0.2.1/24 dev br0\nip link set eth0 up";
    deepEqual(told(text, "blue").value, { links: { br0: { kind: "bridge", addresses: ["192.0.2.1/24"] } } });
    deepEqual(told(text).value, { links: { eth0: { up: true } } });
    // Where there is nothing else, it is meant.
    deepEqual(told("ip -n blue link set eth0 up").value, { links: { eth0: { up: true } } });
  });
});
