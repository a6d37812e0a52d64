import assert from "node:assert";
import { escapeText } from "../../lib/cli/escape.ts";
import { findFaults, type PathLink } from "../../lib/cli/path.ts";
import { table } from "../../lib/cli/table.ts";
import { COLORED, choosePalette, PLAIN } from "../../lib/cli/terminal.ts";
import { columns } from "../../lib/cli/text-width.ts";
import { drawPaths } from "../../lib/cli/tree.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control characters
const COLOR = /\u001b\[\d+m/g;
const link = (name: string, more: Partial<PathLink> = {}): PathLink => ({
  name,
  kind: "veth",
  mtu: 1500,
  state: "up",
  addresses: [],
  ...more,
});
const tunnel = { vni: 39, dstport: 4789, peers: ["192.168.0.24"] };
const story = (guest: number, more: Partial<PathLink> = {}): PathLink[] => [
  link("lo", { kind: "loopback", mtu: 65536, addresses: ["127.0.0.1/8"] }),
  link("ens34f0", { addresses: ["192.168.0.23/24"] }),
  link("br-vm", { kind: "bridge", mtu: 1450, addresses: ["12.12.139.1/24"] }),
  link("vxlan0", { kind: "vxlan", mtu: 1450, master: "br-vm", dev: "ens34f0", tunnel, ...more }),
  link("vm1", { master: "br-vm", mtu: guest }),
];
const draw = (links: readonly PathLink[], width = 80): string => drawPaths(links, { palette: PLAIN, width }).join("\n");

describe("show: the tree", () => {
  it("draws the founding story's host", () => {
    assert.equal(
      draw(story(1450)),
      `
br-vm          bridge    mtu 1450   up  12.12.139.1/24
├─ vm1         veth      mtu 1450   up
└─ vxlan0      vxlan     mtu 1450   up  VNI 39 to 192.168.0.24 port 4789
   └─ ens34f0  veth      mtu 1500   up  192.168.0.23/24
lo             loopback  mtu 65536  up  127.0.0.1/8`.slice(1),
    );
  });

  it("marks the guest whose MTU is too large, and says which packets are lost", () => {
    const lines = draw(story(1500)).split("\n");
    assert.equal(lines[1], "├─ vm1         veth      mtu 1500   up  ◄ too large for vxlan0");
    assert.equal(
      lines.slice(6).join("\n"),
      `
✗ vm1 MTU 1500 does not fit into vxlan0 (MTU 1450): packets of 1455 to 1500
  bytes are lost there, with no ICMP message and no counter; set the MTU here
  and in the guest to 1450 or less`.slice(1),
    );
  });

  it("stays within the columns there are", () => {
    const many = { ...tunnel, peers: Array.from({ length: 40 }, (_, i) => `192.168.100.${i + 100}`) };
    for (const width of [60, 80, 120])
      for (const line of draw(story(9000, { tunnel: many }), width).split("\n"))
        assert.ok(columns(line) <= width, `${columns(line)} > ${width}: ${line}`);
  });

  it("names few of many peers", () => {
    const peers = Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`);
    assert.match(
      draw(story(1450, { tunnel: { ...tunnel, peers } }), 200),
      /to 10\.0\.0\.0, 10\.0\.0\.1, 10\.0\.0\.2 and 37 more/,
    );
  });

  it("ends on references in a circle", () => {
    const circle = [link("a", { master: "b" }), link("b", { master: "a" }), link("c", { dev: "c" })];
    const drawn = draw(circle);
    for (const name of ["a", "b", "c"]) assert.match(drawn, new RegExp(`(^|[ ─])${name} `, "m"));
  });

  it("lets no byte of a name reach the terminal that could move it", () => {
    const evil = "a\u001b[31m\r\n\u0007\u009b\u202e\udcff\\";
    const drawn = draw([link(evil, { kind: evil, state: evil, addresses: [evil], master: "x\u001b" })]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(drawn, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ud800-\udfff]/);
    assert.equal(escapeText(evil), "a\\x1b[31m\\x0d\\x0a\\x07\\x9b\\u{202e}\\xff\\\\");
    assert.equal(escapeText("größe 網 C:\\x"), "größe 網 C:\\x");
  });

  it("has the same text with colors and without", () => {
    const colored = drawPaths(story(1500), { palette: COLORED, width: 80 }).join("\n");
    assert.equal(colored.replace(COLOR, ""), draw(story(1500)));
  });
});

describe("show: what does not fit", () => {
  const marks = (links: readonly PathLink[]): string[] =>
    findFaults(links).map(({ link: name, severity, mark }) => `${name} ${severity}: ${mark}`);
  const under = (mtu: number): PathLink => link("ens34f0", { mtu });

  it("finds nothing wrong with a path that fits", () => {
    assert.deepEqual(marks(story(1450)), []);
    assert.deepEqual(marks(story(1400)), []);
    assert.deepEqual(marks([link("eth0", { state: "down" })]), []);
  });

  it("compares each port, and the bridge itself, with the VXLAN", () => {
    const links = [
      ...story(9000),
      link("br2", { kind: "bridge", mtu: 1500 }),
      link("v3", { master: "br2", mtu: 9000 }),
    ];
    assert.deepEqual(marks(links), ["vm1 lost: too large for vxlan0"]);
    const wide = story(1450).map((one) => (one.name === "br-vm" ? { ...one, mtu: 1500 } : one));
    assert.deepEqual(marks(wide), ["br-vm lost: too large for vxlan0"]);
  });

  it("adds 50 bytes over IPv4 and 70 over IPv6", () => {
    const vxlan = (mtu: number, peer: string, df?: string): PathLink[] => [
      under(1500),
      link("vx", { mtu, dev: "ens34f0", tunnel: { peers: [peer], ...(df === undefined ? {} : { df }) } }),
    ];
    assert.deepEqual(marks(vxlan(1450, "192.0.2.1")), []);
    assert.deepEqual(marks(vxlan(1451, "192.0.2.1")), ["vx note: fragments on ens34f0"]);
    assert.deepEqual(marks(vxlan(1451, "192.0.2.1", "set")), ["vx lost: too large for ens34f0"]);
    assert.deepEqual(marks(vxlan(1430, "2001:db8::1")), []);
    assert.deepEqual(marks(vxlan(1431, "2001:db8::1")), ["vx note: fragments on ens34f0"]);
  });

  it("tells a port that is down, and a VXLAN", () => {
    const links = story(1450, { state: "down" }).map((one) =>
      one.name === "vm1" ? { ...one, state: "no carrier" } : one,
    );
    assert.deepEqual(marks(links), ["vxlan0 lost: down", "vm1 lost: no carrier"]);
  });
});

describe("text on a terminal", () => {
  it("lines tables up by columns, whatever color or script", () => {
    const lines = table(
      [
        ["網", COLORED.bad("x"), "one"],
        ["abc", "yy", "two three four five six seven"],
      ],
      27,
    );
    assert.deepEqual(
      lines.map((line) => line.replace(COLOR, "")),
      ["網   x   one", "abc  yy  two three four five", "         six seven"],
    );
  });

  it("has colors on a terminal only, and where nobody said no", () => {
    const of = (isTerminal: boolean, wanted: boolean, env: NodeJS.ProcessEnv): boolean =>
      choosePalette({ isTerminal, wanted, env }) === COLORED;
    assert.equal(of(true, true, {}), true);
    assert.equal(of(false, true, {}), false);
    assert.equal(of(true, false, {}), false);
    assert.equal(of(true, true, { NO_COLOR: "1" }), false);
    assert.equal(of(true, true, { NO_COLOR: "" }), true);
    assert.equal(of(true, true, { TERM: "dumb" }), false);
  });
});
