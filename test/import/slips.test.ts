/** What is amiss with commands, each with its line, and what the document does about it. */
import { deepEqual, equal } from "node:assert/strict";
import { importCommands } from "../../lib/import/commands.ts";
import { formatFinding } from "../../lib/import/finding.ts";

function findingsOf(text: string): string[] {
  return importCommands([{ file: "f", text }]).findings.map((one) => formatFinding(one).replace(/^f:? ?/, ""));
}
const documentOf = (text: string): unknown =>
  JSON.parse(JSON.stringify(importCommands([{ file: "f", text }]).draft.value));

const VX = "ip link add vx up type vxlan id 39 dev eth0 dstport 4789";
const CASES: readonly (readonly [text: string, finding: string])[] = [
  [
    `${VX}\nip link set vx master br0`,
    "2: warning: no line makes the bridge br0; the document makes it; write ip link add br0 type bridge, and ip link set br0 up",
  ],
  [
    `ip link add br-vm up type bridge\n${VX}\nip link set vx master br0`,
    "3: error: vx is put into br0, which no line makes; the text speaks of br-vm; the document takes br-vm for both; write master br-vm",
  ],
  [
    "ip link add br0 type bridge",
    "1: warning: br0 is made and never set up; the document sets it up; write ip link set br0 up",
  ],
  [
    "ip link add v0 up type veth peer name v1",
    "1: warning: v1 is made and never set up; the document sets it up; write ip link set v1 up",
  ],
  [
    "ip link add vx up type vxlan id 39 dev eth0",
    "1: warning: vx has no dstport: the kernel then takes 8472, and not 4789, the registered port of VXLAN; the document says 8472, as the other ends do when they are made like this; write dstport 4789 on all of them",
  ],
  [VX, "1: note: links, addresses and routes of line 1 are gone after a reboot; apply the document at boot"],
  [
    "iptables -A FORWARD -i a -o b -j ACCEPT\nsysctl -w net.ipv4.ip_forward=1",
    "1: note: firewall rules of line 1 are gone after a reboot; apply the document at boot",
  ],
  [
    "iptables -A FORWARD -i a -o b -j ACCEPT",
    "1: warning: packets are to be forwarded, and no line switches forwarding on; write sysctl -w net.ipv4.ip_forward=1, unless it is on already",
  ],
  [
    `sysctl -w net.ipv4.conf.vx.rp_filter=0\n${VX}`,
    "1: error: net.ipv4.conf.vx.rp_filter is set before line 2 makes vx: it does not exist yet; the document sets it after that; move this line down",
  ],
  [
    `${VX}\ncat >/etc/sysctl.d/9.conf <<E\nnet.ipv4.conf.vx.rp_filter=0\nE`,
    "3: warning: at boot this file is read before there is vx: line 3 then has no effect; the document sets them once the links are there",
  ],
  [
    `The VNI is 10010.\n~~~\n${VX}\n~~~`,
    "1: warning: the text says VNI 10010, and line 3 makes vx with 39; the document takes that of the command; both ends need the same",
  ],
  [
    "ip link add br0 up type bridge\nip link add br0 up type bridge",
    "2: error: br0 is made at line 1 already; the later line counts here; keep one",
  ],
  [
    "ip link set vx up\nip link add vx type vxlan id 1 dstport 4789",
    "2: error: vx is made only now, and line 1 uses it; move this line up",
  ],
  [
    "ip link add br0 up type bridge\nip link del br0",
    "2: note: br0 is made at line 1 and deleted here, so that it is not in the document",
  ],
  [
    "ip link add br0 up type bridge\nip link del br0\nip link set eth1 master br0",
    "2: warning: br0 is deleted here, and used later by line 3; the deletion is left out; take the line away",
  ],
  [
    "ip link del br0",
    "1: note: br0 is deleted, and no line before makes it; write links: { br0: { kind: …, state: absent } } if it may be there",
  ],
  [
    "ip addr add 192.0.2.1/24 dev a\nip addr add 192.0.2.1/24 dev a",
    "2: warning: 192.0.2.1/24 is on a since line 1; keep one",
  ],
  [
    "ip route add default via 192.0.2.1\nip route add default via 192.0.2.2",
    "2: error: a route to default is there since line 1; the later one counts here; keep one, or give one a metric",
  ],
  [
    "sysctl -w net.ipv4.ip_forward=1\nsysctl -w net.ipv4.ip_forward=0",
    "2: warning: net.ipv4.ip_forward is 1 at line 1, and 0 here; the later one counts; keep one",
  ],
  [
    "sysctl -w net.ipv4.ip_forward=1\niptables -t nat -A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE\niptables -A FORWARD -i br0 -o eth0 -j ACCEPT",
    "2: warning: no line gives br0 an address in 10.0.0.0/8, which its guests need as a gateway; add it to the document: addresses: [ … ]",
  ],
  [
    "ip link set eth1 netns blue",
    "1: warning: eth1 moves into namespace blue; a document is for one namespace; it is left out; describe it in a document of its own for apply --netns blue",
  ],
  ["ip link set eth0 up\n# ip link set eth1 up", "2: note: a command behind a comment sign is left out"],
  ["ip link show", "1: note: only shows; there is nothing to import"],
  [
    "ip rule add from 10.0.0.0/8 table 7",
    "1: warning: the rule has no priority; on a host without others it gets 32765; write priority, which a document needs",
  ],
  [
    "ip link add a up type vxlan id 1 dstport 4789\nip link add b up type vxlan id 1 dstport 4789",
    "error: links.b.vni is left out: a has VNI 1 on UDP port 4789 already; give one of them another vni or dstport",
  ],
];

describe("import: slips", () => {
  for (const [text, finding] of CASES)
    it(`names: ${finding.slice(0, 70)}`, () => {
      const found = findingsOf(text);
      equal(found.includes(finding) ? finding : found.join("\n"), finding);
    });

  it("finds none where there is none", () => {
    const text = `ip link add br0 type bridge
ip link set br0 up
${VX}
ip link set vx master br0
sysctl -w net.ipv4.conf.vx.rp_filter=0`;
    deepEqual(
      findingsOf(text).filter((one) => !/ note: /.test(one)),
      [],
    );
  });

  it("puts two files together, and names what contradicts", () => {
    const end = (far: number, vni: number): string =>
      `ip link add vx up type vxlan id ${vni} dev eth${far} remote 192.0.2.${far} dstport 4789\nip addr add 10.0.0.${far}/24 dev vx\n`;
    const inputs = [
      { host: "a", file: "a.txt", text: end(2, 39) },
      { host: "b", file: "b.txt", text: `${end(1, 39)}ip link add br1 up type bridge` },
    ];
    const { draft, findings } = importCommands(inputs);
    deepEqual(JSON.parse(JSON.stringify(draft.value)), {
      hosts: { a: { underlay: "eth2", vtep: "192.0.2.1" }, b: { underlay: "eth1", vtep: "192.0.2.2" } },
      links: {
        vx: {
          kind: "vxlan",
          vni: 39,
          dev: "$underlay",
          remote: "$peer",
          dstport: 4789,
          mtu: "auto",
          addresses: { a: ["10.0.0.2/24"], b: ["10.0.0.1/24"] },
        },
      },
    });
    const errors = findings.filter(({ level }) => level === "error").map(formatFinding);
    deepEqual(errors, [
      "error: br1 is made on b only; the links of a document for several hosts are on each of them; it is left out; write a document of its own for b",
    ]);
    const other = importCommands([
      { host: "a", file: "a.txt", text: end(2, 39) },
      { host: "b", file: "b.txt", text: end(1, 40) },
    ]).findings;
    equal(
      other
        .filter(({ level }) => level === "error")
        .map(formatFinding)
        .join(),
      "error: vx has vni 39 on a, and 40 on b: they do not hear each other; the document has that of a for both",
    );
  });

  it("takes three hosts that flood to each other", () => {
    const text = (own: number): string =>
      [
        `ip link add vx up type vxlan id 39 dev eth0 local 192.0.2.${own} dstport 4789`,
        ...[1, 2, 3]
          .filter((one) => one !== own)
          .map((one) => `bridge fdb append 00:00:00:00:00:00 dev vx dst 192.0.2.${one}`),
      ].join("\n");
    const { draft } = importCommands([1, 2, 3].map((own) => ({ host: `h${own}`, file: `${own}`, text: text(own) })));
    deepEqual(JSON.parse(JSON.stringify(draft.value)), {
      hosts: {
        h1: { underlay: "eth0", vtep: "192.0.2.1" },
        h2: { underlay: "eth0", vtep: "192.0.2.2" },
        h3: { underlay: "eth0", vtep: "192.0.2.3" },
      },
      links: { vx: { kind: "vxlan", vni: 39, dev: "$underlay", dstport: 4789, mtu: "auto", flood: "unicast" } },
    });
  });

  it("reads prompts of every sort, and takes what has none for output", () => {
    const text =
      "root@bm1:~# ip link add br0 type bridge\nbr0: made\n[root@bm1 ~]# ip link set br0 up\n$ sudo ip link set eth1 master br0";
    deepEqual(documentOf(text), { links: { br0: { kind: "bridge" }, eth1: { master: "br0" } } });
  });
});
