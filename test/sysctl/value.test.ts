import assert from "node:assert/strict";
import { alsoWrites, combine, standsFor } from "../../lib/sysctl/effect.ts";
import { SysctlError } from "../../lib/sysctl/error.ts";
import { parseKey } from "../../lib/sysctl/key.ts";
import { explainMissing } from "../../lib/sysctl/missing.ts";
import { checkValue, normalizeValue, rangeOf } from "../../lib/sysctl/range.ts";

describe("sysctl: values", () => {
  const good: readonly (readonly [string, string | number, string])[] = [
    ["net.ipv4.conf.all.rp_filter", 2, "2"],
    ["net.ipv4.conf.a/b.rp_filter", " 1 ", "1"],
    ["net.ipv4.ip_forward", "01", "1"],
    ["net.ipv4.conf.all.arp_ignore", 8, "8"],
    ["net.ipv6.conf.all.use_tempaddr", -1, "-1"],
    ["net.ipv4.ip_local_port_range", "1024 65000", "1024 65000"],
    ["net.core.default_qdisc", "fq", "fq"],
    ["net.ipv6.conf.a.stable_secret", "2001:db8::1", "2001:db8::1"],
    ["net.ipv4.ip_local_reserved_ports", "", ""],
  ];
  for (const [key, value, text] of good)
    it(`accepts ${key} = ${value}`, () => assert.equal(checkValue(parseKey(key), value), text));

  const bad: readonly (readonly [string, unknown, string, RegExp])[] = [
    ["net.ipv4.conf.all.rp_filter", 77, "ERR_SYSCTL_RANGE", /net\.ipv4\.conf\.all\.rp_filter: expected 0\.\.2, got 77/],
    ["net.ipv4.conf.all.rp_filter", "1 2 3", "ERR_SYSCTL_RANGE", /expected 0\.\.2, got "1 2 3"/],
    ["net.ipv4.ip_forward", -7, "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.ipv4.ip_forward", "abc", "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.ipv4.ip_forward", "", "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.ipv4.ip_forward", "0x1", "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.ipv4.ip_forward", 1.5, "ERR_SYSCTL_VALUE", /whole number/],
    ["net.ipv4.ip_forward", Number.NaN, "ERR_SYSCTL_VALUE", /whole number/],
    ["net.ipv4.ip_forward", true, "ERR_SYSCTL_VALUE", /whole number/],
    ["net.ipv4.ip_forward", null, "ERR_SYSCTL_VALUE", /whole number/],
    ["net.ipv6.conf.eth0.disable_ipv6", 2, "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.ipv6.conf.eth0.accept_ra", 3, "ERR_SYSCTL_RANGE", /0\.\.2/],
    ["net.ipv4.conf.eth0.arp_ignore", 9, "ERR_SYSCTL_RANGE", /0\.\.8/],
    ["net.ipv4.tcp_mtu_probing", 3, "ERR_SYSCTL_RANGE", /0\.\.2/],
    ["net.ipv4.ip_no_pmtu_disc", 4, "ERR_SYSCTL_RANGE", /0\.\.3/],
    ["net.ipv4.route.min_pmtu", 67, "ERR_SYSCTL_RANGE", /68\.\.65535/],
    ["net.bridge.bridge-nf-call-iptables", 2, "ERR_SYSCTL_RANGE", /0\.\.1/],
    ["net.core.default_qdisc", "fq\nx", "ERR_SYSCTL_VALUE", /character "\\n"/],
    ["net.core.default_qdisc", "a\0", "ERR_SYSCTL_VALUE", /character/],
    ["net.core.default_qdisc", "x".repeat(4001), "ERR_SYSCTL_VALUE", /longer/],
  ];
  for (const [key, value, code, words] of bad)
    it(`refuses ${key} = ${String(value).slice(0, 20)}`, () => {
      assert.throws(
        () => checkValue(parseKey(key), value as string),
        (error) => error instanceof SysctlError && error.code === code && words.test(error.message),
      );
    });

  it("has no range for names that are properties of every object", () => {
    assert.equal(rangeOf(["net", "ipv4", "conf", "all", "constructor"]), undefined);
    assert.equal(rangeOf(["net", "__proto__"]), undefined);
  });
  it("compares lists whatever the white space between", () => {
    assert.equal(normalizeValue(" 1024   65000\n"), normalizeValue("1024\t65000"));
    assert.notEqual(normalizeValue("1 2"), normalizeValue("12"));
  });
  it("compares addresses however they are written", () => {
    const full = "2001:0db8:0009:0000:0000:0009:0009:0009";
    for (const short of ["2001:db8:9:0:0:9:9:9", "2001:DB8:9::9:9:9"])
      assert.equal(normalizeValue(short), normalizeValue(full));
    assert.notEqual(normalizeValue("2001:db8:9::9:9:8"), normalizeValue(full));
  });
  it("shows nothing of a secret that is none", () => {
    assert.throws(
      () => checkValue(parseKey("net.ipv6.conf.a/b.stable_secret"), "topsecret"),
      ({ message }: Error) =>
        /expected a secret in the form of an IPv6 address/.test(message) && !/topsecret/.test(message),
    );
  });
});

describe("sysctl: effects", () => {
  const cases: readonly (readonly [string, number, number, number])[] = [
    ["rp_filter", 0, 1, 1],
    ["rp_filter", 2, 1, 2],
    ["rp_filter", 0, 0, 0],
    ["arp_ignore", 1, 0, 1],
    ["proxy_arp", 0, 1, 1],
    ["accept_source_route", 0, 1, 0],
    ["forwarding", 1, 0, 0],
    ["something_new", 1, 0, 0],
  ];
  for (const [setting, all, own, force] of cases)
    it(`${setting}: all ${all} and own ${own} is ${force}`, () => assert.equal(combine(setting, all, own), force));
  it("accept_redirects depends on forwarding", () => {
    assert.equal(combine("accept_redirects", 1, 0, false), 1);
    assert.equal(combine("accept_redirects", 1, 0, true), 0);
  });
  it("knows what ip_forward rewrites", () => {
    const also = alsoWrites(parseKey("net.ipv4.ip_forward")).map((path) => path.join("/"));
    assert(also.includes("net/ipv4/conf/*/forwarding"));
    const copies = alsoWrites(parseKey("net.ipv4.conf.default.rp_filter")).map((path) => path.join("/"));
    assert.deepEqual(copies, ["net/ipv4/conf/default/rp_filter", "net/ipv4/conf/+/rp_filter"]);
    assert.deepEqual(
      ["eth0", "all", "default"].map((name) => standsFor("+", name)),
      [true, false, false],
    );
    assert.deepEqual(alsoWrites(parseKey("net.ipv4.conf.default.forwarding")), []);
    assert.deepEqual(alsoWrites(parseKey("net.ipv6.conf.eth0.forwarding")), []);
  });
});

describe("sysctl: what is missing", () => {
  const tree: Readonly<Record<string, readonly string[]>> = {
    net: ["core", "ipv4", "netfilter"],
    "net/ipv4": ["conf", "ip_forward", "tcp_mtu_probing"],
    "net/ipv4/conf": ["all", "default", "eth0"],
    "net/ipv4/conf/eth0": ["rp_filter", "forwarding"],
    "net/netfilter": ["nf_log", "nf_hooks_lwtunnel"],
  };
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["net.ipv4.conf.eth9.rp_filter", "interface", /no interface "eth9"/],
    ["net.ipv4.conf.eth0.rpfilter", "key", /did you mean rp_filter/],
    ["net.ipv4.ip_foward", "key", /did you mean ip_forward/],
    ["net.ipv4.zzzzzzzzzzzzzz", "key", /no such sysctl$/],
    ["net.bridge.bridge-nf-call-iptables", "feature", /modprobe br_netfilter/],
    ["net.netfilter.nf_conntrack_max", "feature", /modprobe nf_conntrack/],
    ["net.ipv6.conf.all.forwarding", "feature", /without IPv6/],
    ["net.nowhere.x", "key", /no such sysctl/],
  ];
  for (const [key, what, words] of cases)
    it(`${key}: the ${what}`, async () => {
      const missing = await explainMissing(parseKey(key), async (group) => tree[group.join("/")]);
      assert.equal(missing.what, what);
      assert.match(missing.reason, words);
    });
  it("does not blame a feature that is there", async () => {
    const loaded = { ...tree, "net/netfilter": ["nf_conntrack_max"], "net/bridge": ["bridge-nf-call-iptables"] };
    const list = async (group: readonly string[]) => (loaded as typeof tree)[group.join("/")];
    assert.equal((await explainMissing(parseKey("net.netfilter.nf_conntrack_maxx"), list)).what, "key");
    assert.equal((await explainMissing(parseKey("net.bridge.bridge-nf-call-iptable"), list)).what, "key");
  });
});
