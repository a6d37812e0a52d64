/** Rules, nexthops, routes with headers, VLANs, VNIs, multicast entries and neighbors of a document: applied, read back, undone. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { needs, skip } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "./kit.ts";

interface Case {
  readonly name: string;
  /** What is there before. */
  readonly script?: string;
  /** Takes what the kernel has to have; its refusal skips the case. */
  readonly probe?: string;
  readonly document: string;
  /** What iproute2 has to tell afterwards, line by line, by the command that tells it. */
  readonly told: Readonly<Record<string, readonly RegExp[]>>;
  /** The document only adds: its removal leaves what was there before. */
  readonly adds?: false;
}

const CASES: readonly Case[] = [
  {
    name: "both ends of a veth, and what is on the other one",
    document: `
links:
  far: { up: true, mtu: 1450, addresses: [192.0.2.1/24] }
  uplink: { kind: veth, peer: { name: far, mtu: 1450 }, master: br0 }
  br0: { kind: bridge }
  other: { kind: veth, peer: { name: tail } }
addresses: [{ address: 198.51.100.1/24, dev: tail }]
`,
    told: {
      "ip -brief address show dev far": [/^far@uplink +UP +192\.0\.2\.1\/24/],
      "ip -brief address show dev tail": [/^tail@other +DOWN +198\.51\.100\.1\/24/],
    },
  },
  {
    name: "rules, made, changed, replaced and removed, and those of others left",
    script: `ip rule add pref 100 from 10.1.0.0/16 table 100 protocol 139
      ip rule add pref 110 from 10.2.0.0/16 table 110
      ip rule add pref 120 fwmark 7 table 120 protocol 139
      ip rule add pref 130 from 10.3.0.0/16 goto 200 protocol 139
      ip rule add pref 140 from 10.4.0.0/16 table 5 protocol zebra
      ip rule add pref 150 from 10.5.0.0/16 table 5
      ip -6 rule add pref 100 from 2001:db8::/32 table 100 protocol 139`,
    document: `
rules:
  - { priority: 100, from: 10.1.0.0/16, table: 101 }
  - { priority: 110, from: 10.2.0.0/16, table: 110 }
  - { priority: 120, fwmark: 8, fwmask: 15, table: 120 }
  - { priority: 130, from: 10.3.0.0/16, goto: 300 }
  - { priority: 150, from: 10.5.0.0/16, state: absent }
  - { priority: 160, not: true, iif: ens34f0, ipproto: tcp, dport: 80-90, table: 7, suppressPrefixlength: 8 }
  - { priority: 100, from: "2001:db8::/32", state: absent }
  - { priority: 300, from: default, action: unreachable }
`,
    told: {
      "ip rule show": [
        /^0:/,
        /^100:\tfrom 10\.1\.0\.0\/16 lookup 101 proto 139/,
        /^110:\tfrom 10\.2\.0\.0\/16 lookup 110/,
        /^120:\tfrom all fwmark 0x8\/0xf lookup 120/,
        /^130:\tfrom 10\.3\.0\.0\/16 goto 300/,
        /^140:\tfrom 10\.4\.0\.0\/16 lookup 5 proto zebra/,
        /^160:\tnot from all iif ens34f0 ipproto tcp dport 80-90 lookup 7 suppress_prefixlength 8 proto 139/,
        /^300:\tfrom all unreachable/,
        /^32766:/,
        /^32767:/,
      ],
      "ip -6 rule show": [/^0:/, /^32766:/],
    },
    adds: false,
  },
  {
    name: "rules that only come",
    script: "ip rule add pref 140 from 10.4.0.0/16 table 5 protocol zebra",
    document: `
rules:
  - { priority: 140, from: 10.4.0.0/16, table: 5 }
  - { priority: 141, to: 10.4.0.0/16, table: 5, uidrange: 0-1000 }
  - { priority: 142, to: "2001:db8::/32", tos: 16, action: blackhole }
`,
    told: { "ip rule show": [/^0:/, /^140:/, /^141:/, /^32766:/, /^32767:/] },
  },
  {
    name: "labels of addresses, made, changed and removed, also those that every host has",
    script: `ip addrlabel add prefix 2001:db8:1::/48 label 70; ip addrlabel add prefix 2001:db8:2::/48 label 71
      ip addrlabel add prefix 2001:db8:3::/48 dev ens34f0 label 72; ip addrlabel add prefix 2001:db8:4::/48 label 73`,
    document: `
addressLabels:
  - { prefix: "2001:DB8:1::/48", label: 80 }
  - { prefix: "2001:db8:2::/48", state: absent }
  - { prefix: "2001:db8:3::/48", label: 81 }
  - { prefix: "2001:db8:5::9", label: 4294967294, dev: lo }
  - { prefix: "fc00::/7", label: 82 }
  - { prefix: "2002::/16", state: absent }
  - { prefix: default, label: 1 }
`,
    told: {
      "ip addrlabel list | sort | grep -E '2001:db8|fc00|2002| ::/0'": [
        /^prefix 2001:db8:1::\/48 label 80/,
        /^prefix 2001:db8:3::\/48 dev ens34f0 label 72/,
        /^prefix 2001:db8:3::\/48 label 81/,
        /^prefix 2001:db8:4::\/48 label 73/,
        /^prefix 2001:db8:5::9\/128 dev lo label 4294967294/,
        /^prefix ::\/0 label 1/,
        /^prefix fc00::\/7 label 82/,
      ],
    },
    adds: false,
  },
  {
    name: "labels that only come, and one that every host has",
    document: `
addressLabels:
  - { prefix: "2001:db8:1::/48", label: 80 }
  - { prefix: "fc00::/7", label: 5 }
  - { prefix: "2001:db8:2::/48", label: 81, dev: br9 }
links: { br9: { kind: bridge } }
`,
    told: { "ip addrlabel list | grep 2001:db8 | sort": [/:1::\/48 label 80/, /:2::\/48 dev br9 label 81/] },
  },
  {
    name: "labels on links that are made again, and that go",
    script: `ip link add vx type vxlan id 5 dev ens34f0 dstport 4789; ip link add br8 address 02:00:00:00:00:08 type bridge; ip link set br8 addrgenmode none
      ip link set vx addrgenmode none; ip addrlabel add prefix 2001:db8:1::/48 dev vx label 70; ip addrlabel add prefix 2001:db8:2::/48 dev vx label 71
      ip addrlabel add prefix 2001:db8:3::/48 dev br8 label 72`,
    document: `
links:
  vx: { kind: vxlan, vni: 6, dev: ens34f0 }
  br8: { kind: bridge, state: absent }
addressLabels: [{ prefix: "2001:db8:2::/48", dev: vx, label: 81 }]
`,
    told: { "ip addrlabel list | grep 2001:db8 | sort": [/:1::\/48 dev vx label 70/, /:2::\/48 dev vx label 81/] },
    adds: false,
  },
  {
    name: "ports of FOU and GUE, opened, changed and closed",
    probe: "ip fou add port 5599 gue; ip fou del port 5599; modprobe -q fou6 || true",
    script: `ip fou add port 5551 ipproto 4; ip fou add port 5552 gue; ip fou add port 5553 ipproto 47
      ip fou add port 5555 ipproto 4 local 192.168.0.23`,
    document: `
fou:
  - { port: 5551, gue: true }
  - { port: 5552, state: absent }
  - { port: 5555, ipproto: 4, local: 192.168.0.23 }
  - { port: 5556, ipproto: 41, local: 192.168.0.23, peer: 192.168.0.24, peerPort: 44, dev: ens34f0 }
`,
    told: {
      "ip fou show | sort": [
        /^port 5551 gue/,
        /^port 5553 ipproto 47/,
        /^port 5555 ipproto 4 local 192\.168\.0\.23/,
        /^port 5556 ipproto 41 local 192\.168\.0\.23 peer 192\.168\.0\.24 peer_port 44 dev ens34f0/,
      ],
    },
    adds: false,
  },
  {
    name: "a MAC that moves to another port of its bridge",
    script: `ip link add br7 type bridge
      for n in 6 7 8; do ip link add p$n type veth peer name q$n; ip link set p$n master br7; done
      for n in 6 8; do bridge fdb add 02:00:00:00:01:0$n dev p$n master static; done`,
    document: `
fdb:
  - { mac: "02:00:00:00:01:06", dev: p7, master: true, state: static }
`,
    told: {
      "bridge fdb show br br7 | grep '02:00:00:00:01:0' | sort": [
        /^02:00:00:00:01:06 dev p7 master br7 static/,
        /^02:00:00:00:01:08 dev p8 master br7 static/,
      ],
    },
    adds: false,
  },
  {
    name: "IPv6 addresses that get another prefix, and another other end",
    script: `ip address add 2001:db8:1::1/64 dev ens34f0 nodad
      ip address add 2001:db8:2::1 peer 2001:db8:2::2/64 dev ens34f0 nodad`,
    document: `
links:
  ens34f0: { addresses: ["2001:db8:1::1/56", { address: "2001:db8:2::1/64", peer: "2001:db8:2::3" }] }
`,
    told: {
      "ip -6 -oneline address show dev ens34f0 scope global | grep -o '2001:db8:[12].*/[0-9]*' | sort": [
        /^2001:db8:1::1\/56/,
        /^2001:db8:2::1 peer 2001:db8:2::3\/64/,
      ],
    },
    adds: false,
  },
  {
    name: "nexthops, groups, and what leads over them",
    document: `
nexthops:
  - { id: 10, group: [{ id: 2, weight: 3 }, { id: 1 }] }
  - { id: 1, via: 192.168.0.11, dev: ens34f0 }
  - { id: 2, via: 192.168.0.12, dev: ens34f0 }
  - { id: 3, dev: ens34f0, family: inet6 }
  - { id: 4, blackhole: true }
  - { id: 20, via: 198.51.100.1, fdb: true }
  - { id: 21, group: [{ id: 20 }], fdb: true }
routes:
  - { dst: 10.1.0.0/16, nhid: 10 }
  - { dst: 10.2.0.0/16, nhid: 4, metric: 9 }
  - { dst: "2001:db8:7::/48", nhid: 3 }
links:
  vx: { kind: vxlan, vni: 7, fdb: [{ mac: "02:00:00:00:00:77", nhid: 21 }] }
`,
    told: {
      "ip nexthop show": [
        /^id 1 via 192\.168\.0\.11 dev ens34f0/,
        /^id 2 /,
        /^id 3 dev ens34f0/,
        /^id 4 blackhole/,
        /^id 10 group 1\/2,3/,
        /^id 20 via 198\.51\.100\.1 .*fdb/,
        /^id 21 group 20 .*fdb/,
      ],
      "ip route show proto 139": [
        /^10\.1\.0\.0\/16 nhid 10/,
        /^\s+nexthop/,
        /^\s+nexthop/,
        /^blackhole 10\.2\.0\.0\/16 nhid 4/,
      ],
      "bridge fdb show dev vx": [/^02:00:00:00:00:77 nhid 21 self permanent/],
    },
  },
  {
    name: "nexthops that change while routes lead over them, and go",
    script: `ip nexthop add id 1 via 192.168.0.11 dev ens34f0 protocol 139
      ip nexthop add id 2 via 192.168.0.12 dev ens34f0
      ip nexthop add id 3 via 192.168.0.13 dev ens34f0
      ip nexthop add id 10 group 2/1 protocol 139
      ip nexthop add id 11 group 3
      ip route add 10.1.0.0/16 nhid 10
      ip route add 10.2.0.0/16 nhid 3
      ip route add 10.3.0.0/16 via 192.168.0.13`,
    document: `
nexthops:
  - { id: 1, via: 192.168.0.21, dev: ens34f0, onlink: true }
  - { id: 3, state: absent }
  - { id: 11, state: absent }
  - { id: 10, group: [{ id: 1 }, { id: 2, weight: 7 }] }
routes:
  - { dst: 10.2.0.0/16, nhid: 2 }
  - { dst: 10.3.0.0/16, nhid: 10 }
`,
    told: {
      "ip nexthop show": [/^id 1 via 192\.168\.0\.21 .*onlink/, /^id 2 /, /^id 10 group 1\/2,7/],
      "ip route show 10.2.0.0/16": [/^10\.2\.0\.0\/16 nhid 2 via/],
      "ip route show 10.3.0.0/16": [/nhid 10/, /nexthop/, /nexthop/],
    },
    adds: false,
  },
  {
    name: "nexthops, groups and routes that go with a link that is made again",
    script: `ip link add vx type vxlan id 5 dev ens34f0 dstport 4789; ip link set vx up; ip address add 10.0.0.1/24 dev vx
      ip nexthop add id 1 via 10.0.0.7 dev vx; ip nexthop add id 2 via 192.168.0.12 dev ens34f0
      ip nexthop add id 10 group 2/1; ip nexthop add id 11 group 1
      ip route add 10.1.0.0/16 nhid 10; ip route add 10.2.0.0/16 nhid 11
      ip route add 10.3.0.0/16 nexthop via 10.0.0.8 dev vx nexthop via 192.168.0.13 dev ens34f0 weight 2
      ip neighbor add proxy 10.0.0.77 dev vx`,
    document: `
links:
  vx: { kind: vxlan, vni: 6, dev: ens34f0 }
`,
    told: {
      "ip nexthop show": [/^id 1 via 10\.0\.0\.7 dev vx/, /^id 2/, /^id 10 group (1\/2|2\/1)/, /^id 11 group 1/],
      "ip route show 10.2.0.0/16": [/nhid 11/],
      "ip neighbor show proxy": [/10\.0\.0\.77 dev vx/],
    },
    adds: false,
  },
  {
    name: "routes with a tunnel header, and over several ways",
    probe:
      "ip -6 route add 2001:db8:5::/48 encap seg6 mode encap segs 2001:db8::9 dev ens34f0; ip -6 route delete 2001:db8:5::/48",
    script: `ip route add 10.1.0.0/16 encap ip id 38 dst 192.0.2.9 dev ens34f0 protocol 139
      ip route add 10.9.0.0/16 nexthop via 192.168.0.13 nexthop via 192.168.0.12 weight 2`,
    document: `
routes:
  - { dst: 10.1.0.0/16, dev: ens34f0, encap: { type: ip, id: 39, dst: 192.0.2.9 } }
  - { dst: "2001:db8:7::/48", dev: ens34f0, encap: { type: seg6, segments: ["2001:db8::9", "2001:DB8::8"] } }
  - { dst: "2001:db8:8::/48", dev: ens34f0, encap: { type: ip6, id: 5, dst: "2001:db8::1" } }
  - { dst: 10.9.0.0/16, nexthops: [{ via: 192.168.0.12, weight: 2 }, { via: 192.168.0.13, dev: ens34f0, weight: 5 }] }
  - { dst: 10.8.0.0/16, nexthops: [{ via: 192.168.0.12, encap: { type: ip, id: 7, dst: 192.0.2.1 } }, { via: 192.168.0.13 }] }
`,
    told: {
      "ip route show 10.1.0.0/16": [/encap ip id 39 src 0\.0\.0\.0 dst 192\.0\.2\.9/],
      "ip -6 route show 2001:db8:7::/48": [/encap seg6 mode encap segs 2 \[ 2001:db8::9 2001:db8::8 \]/],
    },
    adds: false,
  },
  {
    name: "neighbors: proxies, managed ones, those of a control plane",
    script: "ip neighbor add 192.168.0.90 dev ens34f0 lladdr 02:00:00:00:00:90 nud permanent",
    document: `
neighbors:
  - { address: 192.168.0.91, dev: ens34f0, proxy: true }
  - { address: "fe80::5", dev: ens34f0, proxy: true }
  - { address: 192.168.0.92, dev: ens34f0, managed: true }
  - { address: 192.168.0.93, dev: ens34f0, mac: "02:00:00:00:00:93", externLearn: true }
links:
  ens34f0: { neighbors: [{ address: 192.168.0.94, mac: "02:00:00:00:00:94" }] }
`,
    told: {
      "ip neighbor show proxy": [/^192\.168\.0\.91 dev ens34f0/, /^fe80::5 dev ens34f0/],
      "ip neighbor show nud permanent | sort": [/90/, /93/, /94/],
    },
  },
  {
    name: "neighbors of a bridge that gets the MAC address of another port, and of one that loses one",
    // Ends that speak would have MAC addresses and groups learned.
    script: `for n in 7 8; do ip link add br$n type bridge; ip link set br$n addrgenmode none; ip link set br$n up; done
      echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
      ip link add p7 address 02:00:00:00:00:77 type veth peer name q7; ip link set p7 master br7 up
      ip link add p6 address 02:00:00:00:00:66 type veth peer name q6; ip link set p6 master br8 up
      ip link add p5 address 02:00:00:00:00:88 type veth peer name q5; ip link set p5 master br8 up
      for n in 5 6 7; do ip link set q$n up; done
      echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
      for n in 7 8; do until ip link show br$n | grep -q 'state UP'; do sleep 0.01; done; done
      for n in 7 8; do ip neighbor add 192.0.2.$n dev br$n lladdr 02:00:00:00:01:0$n nud permanent
        ip neighbor add 2001:db8::$n dev br$n lladdr 02:00:00:00:01:0$n nud permanent; done
      ip neighbor add 192.0.2.9 dev br7 lladdr 02:00:00:00:01:09 nud permanent`,
    document: `
links:
  p6: { master: br7 }
neighbors: [{ address: 192.0.2.7, dev: br7, mac: "02:00:00:00:01:07" }]
`,
    told: {
      "ip -brief link show br7": [/02:00:00:00:00:66/],
      "ip -brief link show br8": [/02:00:00:00:00:88/],
      "ip neighbor show nud permanent | sort": [
        /^192\.0\.2\.7 dev br7/,
        /^192\.0\.2\.8 dev br8/,
        /^192\.0\.2\.9 dev br7/,
        /^2001:db8::7 dev br7/,
        /^2001:db8::8 dev br8/,
      ],
    },
    adds: false,
  },
  {
    name: "neighbors of VLANs on a bridge that gets the MAC address of another port",
    probe:
      "ip link add probe type bridge; ip link add link probe name probe.7 type vlan id 7; ip link delete probe.7; ip link delete probe",
    script: `echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
      ip link add br7 type bridge; ip link set br7 up
      ip link add p7 address 02:00:00:00:00:77 type veth peer name q7; ip link set p7 master br7 up
      ip link add p6 address 02:00:00:00:00:66 type veth peer name q6; ip link set p6 up
      for n in 6 7; do ip link set q$n up; done
      ip link add link br7 name v7 type vlan id 7; ip link add link v7 name w7 type vlan id 8; ip link set v7 up; ip link set w7 up
      for dev in v7 w7; do ip neighbor add 192.0.2.7 dev $dev lladdr 02:00:00:00:01:07 nud permanent; done`,
    document: "links: { p6: { master: br7 } }",
    told: {
      "ip -brief link show w7": [/02:00:00:00:00:66/],
      "ip neighbor show nud permanent | sort": [/^192\.0\.2\.7 dev v7/, /^192\.0\.2\.7 dev w7/],
    },
    adds: false,
  },
  {
    name: "multicast entries of a bridge",
    probe:
      "ip link add probe type bridge; ip link set probe up; bridge mdb add dev probe port probe grp 239.1.1.1 temp; ip link delete probe",
    script: `ip link add br0 type bridge mcast_igmp_version 3; ip link add eth8 type veth peer name eth9
      ip link set eth8 master br0; ip link set br0 up; ip link set eth8 up
      bridge mdb add dev br0 port eth8 grp 239.1.1.1 permanent
      bridge mdb add dev br0 port eth8 grp 239.1.1.2 permanent
      bridge mdb add dev br0 port eth8 grp 239.1.1.9 permanent`,
    document: `
links:
  br0:
    kind: bridge
    mdb:
      - { group: 239.1.1.1, port: eth8 }
      - { group: 239.1.1.2, port: eth8, state: absent }
      - { group: "ff0e::7", port: eth8 }
`,
    told: {
      "bridge mdb show | sort | grep 239": [/239\.1\.1\.1 permanent/, /239\.1\.1\.9 permanent/],
    },
    adds: false,
  },
  {
    name: "sources of multicast groups",
    probe: `case $(uname -r) in [0-5].*|6.[01].*|6.[01]-*) echo "before Linux 6.2" >&2; exit 1;; esac
      ip link add probe type bridge; ip link set probe up; bridge mdb add dev probe port probe grp 239.1.1.1 temp; ip link delete probe`,
    script: `ip link add br0 type bridge mcast_igmp_version 3; ip link add eth8 type veth peer name eth9
      ip link set eth8 master br0; ip link set br0 up; ip link set eth8 up`,
    document: `
links:
  br0:
    kind: bridge
    mdb:
      - { group: 239.1.1.3, port: eth8, source: 192.0.2.7 }
      - { group: 239.1.1.4, port: eth8, filterMode: include, sources: [192.0.2.9, 192.0.2.8] }
`,
    told: {
      "bridge mdb show | sort": [
        /239\.1\.1\.3 src 192\.0\.2\.7 permanent/,
        /239\.1\.1\.4 permanent/,
        /239\.1\.1\.4 src 192\.0\.2\.8 permanent/,
        /239\.1\.1\.4 src 192\.0\.2\.9 permanent/,
      ],
    },
    adds: false,
  },
  {
    name: "VNIs of a VXLAN",
    probe:
      "ip link add probe type vxlan external vnifilter dstport 4798; bridge vni add dev probe vni 1; ip link delete probe",
    script: `ip link add vx type vxlan external vnifilter dstport 4789; ip link set vx up
      bridge vni add dev vx vni 100-109; bridge vni add dev vx vni 200 remote 192.168.0.24; bridge vni add dev vx vni 7`,
    document: `
links:
  vx:
    kind: vxlan
    external: true
    vnifilter: true
    vnis:
      - 105-119
      - 7
      - { vni: 200, remote: 192.168.0.25 }
      - { vni: 300, vniEnd: 301, remote: 192.168.0.26 }
      - { vni: 100, vniEnd: 101, state: absent }
`,
    told: {
      "bridge vni show": [/vni/, /vx\s+7/, /102-119/, /200\s+192\.168\.0\.25/, /300-301\s+192\.168\.0\.26/, /^$/],
    },
    adds: false,
  },
  {
    name: "VLANs of a bridge and its ports",
    probe: "ip link add probe type bridge vlan_filtering 1; ip link delete probe",
    script: `ip link add br0 type bridge vlan_filtering 1; ip link add eth8 type veth peer name eth9; ip link add eth6 type veth peer name eth7
      ip link set eth8 master br0; ip link set br0 up; ip link set eth8 up
      bridge vlan add dev eth8 vid 10-19; bridge vlan add dev eth8 vid 20 untagged; bridge vlan add dev br0 vid 10-12 self`,
    document: `
links:
  br0: { vlans: [15-25, { vid: 10, vidEnd: 11, state: absent }] }
  eth8: { vlans: [15-17, { vid: 18, vidEnd: 22, untagged: true }, { vid: 100, pvid: true, untagged: true }, { vid: 1, state: absent }] }
  eth6: { master: br0, vlans: [30, { vid: 1, state: absent }] }
`,
    told: {
      "bridge vlan show dev eth8": [
        /./,
        /10/,
        /11/,
        /12/,
        /13/,
        /14/,
        /15/,
        /16/,
        /17$/,
        /18 Egress Untagged/,
        /19 E/,
        /20 E/,
        /21 E/,
        /22 E/,
        /100 PVID Egress Untagged/,
      ],
      "bridge vlan show dev eth6": [/./, /30$/],
    },
    adds: false,
  },
  {
    name: "VLANs of ports of a bridge that is made again, and of a port that leaves",
    probe: "ip link add probe type bridge vlan_filtering 1; ip link delete probe",
    script: `echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
      ip link add br0 type bridge vlan_filtering 1; ip link add br1 type bridge vlan_filtering 1 vlan_default_pvid 0
      ip link set br1 address 02:00:00:00:00:b1; ip link set br1 up
      ip link add eth8 type veth peer name eth9; ip link set eth9 up; ip link set eth8 master br0; ip link set br0 up; ip link set eth8 up
      bridge vlan add dev eth8 vid 10-19; bridge vlan add dev eth8 vid 20 pvid untagged; bridge vlan delete dev eth8 vid 1`,
    document: `
links:
  br1: { kind: bridge }
  eth8: { master: br1, vlans: [{ vid: 5, pvid: true }] }
`,
    told: { "bridge vlan show dev eth8": [/./, /5 PVID$/] },
    adds: false,
  },
  {
    name: "VLANs of a port that is made again, and of the ports of a bridge that goes",
    probe: "ip link add probe type bridge vlan_filtering 1; ip link delete probe",
    script: `echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
      for bridge in br0 br1; do ip link add $bridge type bridge vlan_filtering 1; ip link set $bridge address 02:00:00:00:00:b0 up; done
      ip link add vx type vxlan id 5 dev ens34f0 dstport 4789; ip link set vx master br0 up
      ip link add eth8 type veth peer name eth9; ip link set eth9 up; ip link set eth8 master br1 up
      for port in vx eth8; do
        bridge vlan add dev $port vid 10-19; bridge vlan add dev $port vid 20 pvid untagged; bridge vlan delete dev $port vid 1
      done
      bridge vlan add dev br1 vid 10 self; bridge mdb add dev br1 port eth8 grp 239.1.1.1 permanent vid 10
      bridge fdb add 02:00:00:00:00:77 dev eth8 master static vlan 10`,
    document: `
links:
  vx: { kind: vxlan, vni: 6, dev: ens34f0, vlans: [12-13, { vid: 14, untagged: true }, { vid: 15, state: absent }] }
  br1: { kind: bridge, state: absent }
`,
    told: {
      "bridge vlan show dev vx": [
        /./,
        /10/,
        /11/,
        /12/,
        /13/,
        /14 Egress Untagged/,
        /16/,
        /17/,
        /18/,
        /19/,
        /20 PVID Egress Untagged/,
      ],
    },
    adds: false,
  },
  {
    name: "VLANs that are VNIs of a VXLAN",
    probe: "ip link add probe type bridge vlan_filtering 1; ip link delete probe",
    script: `ip link add br0 type bridge vlan_filtering 1; ip link add vx type vxlan external dstport 4789
      ip link set vx master br0; ip link set br0 up; bridge link set dev vx vlan_tunnel on
      bridge vlan add dev vx vid 10-12; bridge vlan add dev vx vid 10-12 tunnel_info id 1010-1012; bridge vlan add dev vx vid 13`,
    document: `
links:
  vx: { vlans: [{ vid: 11, vidEnd: 13, tunnelId: 2011 }, { vid: 10, tunnelId: 1010 }] }
`,
    told: { "bridge vlan tunnelshow dev vx": [/./, /10\s+1010/, /11-13\s+2011-2013|11\s+2011/] },
    adds: false,
  },
];

/** A link that was made again has another number, and another place in lists; carriers come and go by themselves. */
const stateOf = async (machine: Machine): Promise<string> =>
  (await dump(machine))
    .replace(/^\d+: /gm, "")
    .replace(/ state (UNKNOWN|UP|DOWN|LOWERLAYERDOWN) /g, " ")
    // Its own addresses a bridge files under the bridge, or under the port that has the same.
    .replace(/^\S+ dev \S+( vlan \d+)? master \S+ permanent\n/gm, "")
    .replace(/ tso_max_size \d+/g, "")
    .replace(/NO-CARRIER,|LOWER_UP,?|M-DOWN,?|,(?=>)/g, "")
    .split("\n")
    .sort()
    .join("\n");
const desiredFrom = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));

describe("entries of a document", () => {
  let hosts: Scene;
  let bm1: Machine;
  before(function () {
    needs(this, "ip", "bridge");
  });
  beforeEach(async () => {
    hosts = await scene();
    bm1 = hosts.bm1;
  });
  afterEach(async () => {
    await hosts[Symbol.asyncDispose]();
  });

  async function planFor(desired: Desired): Promise<Plan> {
    return plan(await observe(bm1.host, desired), desired);
  }
  async function toldBy(command: string): Promise<string[]> {
    return (await bm1.sh(`${command} || true`)).split("\n").filter((line) => line.trim() !== "");
  }

  for (const { name, script = "true", probe = "true", document, told, adds = true } of CASES) {
    it(name, async function () {
      this.timeout(60_000); // in a kernel without a processor of its own
      await bm1.sh(probe).catch((error: Error) => skip(this, `this kernel lacks it: ${error.message}`));
      await bm1.sh(script);
      const before = await stateOf(bm1);
      const desired = desiredFrom(document);
      const made = await planFor(desired);
      await apply(bm1.host, made, { allowRecreate: true });
      for (const [command, lines] of Object.entries(told)) {
        const found = await toldBy(command);
        const expected = lines.filter((line) => String(line) !== "/^$/");
        equal(found.length, expected.length, `${command}\n${found.join("\n")}`);
        for (const [i, line] of expected.entries()) ok(line.test(found[i] ?? ""), `${line}: ${found[i]}`);
      }
      const checked = await verify(bm1.host, desired);
      deepEqual(checked.differences, []);
      ok(checked.ok);
      deepEqual((await planFor(desired)).steps, []);
      const back = made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));
      deepEqual(await undo(bm1.host, back), []);
      equal(await stateOf(bm1), before);
      if (!adds) return;
      await apply(bm1.host, await planFor(desired));
      await apply(bm1.host, planRemoval(await observe(bm1.host, desired), desired));
      equal(await stateOf(bm1), before);
    });
  }
});
