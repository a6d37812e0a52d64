import assert from "node:assert/strict";
import fc from "fast-check";
import { SysctlError } from "../../lib/sysctl/error.ts";
import { expandBraces, formatKey, formatSlashKey, parseKey, type SysctlKey } from "../../lib/sysctl/key.ts";
import { firstTryCounts } from "../needs.ts";

const refused = (step: () => unknown, words: RegExp): void => {
  assert.throws(step, (error) => {
    assert(error instanceof SysctlError);
    assert.equal(error.code, "ERR_SYSCTL_KEY");
    assert.match(error.message, words);
    return true;
  });
};

describe("sysctl: keys", function () {
  firstTryCounts(this);
  const written: readonly (readonly [SysctlKey, string])[] = [
    ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
    ["net/ipv4/ip_forward", "net/ipv4/ip_forward"],
    ["net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
    ["net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
    ["net.ipv4.conf.eth0.100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
    ["net.ipv6.neigh.a.b.c.gc_stale_time", "net/ipv6/neigh/a.b.c/gc_stale_time"],
    [["net", "ipv4", "conf", "a..b", "rp_filter"], "net/ipv4/conf/a..b/rp_filter"],
    ["net.bridge.bridge-nf-call-iptables", "net/bridge/bridge-nf-call-iptables"],
    ["net", "net"],
  ];
  for (const [key, path] of written)
    it(`reads ${String(key)}`, () => assert.equal(formatSlashKey(parseKey(key)), path));

  const hostile: readonly (readonly [unknown, RegExp])[] = [
    ["", /empty/],
    ["net..ipv4", /empty/],
    ["net.ipv4.", /empty/],
    ["/net/ipv4/ip_forward", /empty/],
    ["kernel.panic", /begins with net/],
    ["vm/swappiness", /begins with net/],
    ["net/../kernel/panic", /no segment/],
    ["net/ipv4/./ip_forward", /no segment/],
    [["net", "..", "kernel", "core_pattern"], /no segment/],
    [["net", "ipv4", "conf", "../../../kernel", "x"], /character/],
    ["net.ipv4.\0", /character/],
    ["net.ipv4.a\nb", /character/],
    ["net.ipv4.\u007f", /character/],
    ["net.ipv4.\udc80", /character/],
    [["net", "a/b"], /character/],
    [`net.${"x".repeat(256)}`, /longer/],
    ["net.a.b.c.d.e.f.g.h.i", /at most 8/],
    [undefined, /expected text/],
    [7, /expected text/],
    [["net", 7], /expected text/],
  ];
  for (const [key, words] of hostile)
    it(`refuses ${JSON.stringify(key)?.slice(0, 40)}`, () => refused(() => parseKey(key as SysctlKey), words));

  it("reads back what it writes, with any interface name", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.@:-]{1,15}$/).filter((text) => text !== "." && text !== "..");
    fc.assert(
      fc.property(name, (text) => {
        const path = ["net", "ipv4", "conf", text, "rp_filter"];
        assert.deepEqual(parseKey(formatSlashKey(path)), path);
        assert.deepEqual(parseKey(formatKey(path)), path);
      }),
    );
  });
});

describe("sysctl: braces", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["net.ipv4.ip_forward", ["net.ipv4.ip_forward"]],
    ["net.ipv4.conf.{all,default}.rp_filter", ["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"]],
    ["net.ipv4.conf.{a}.x", ["net.ipv4.conf.a.x"]],
    ["net.ipv4.conf.{eth0.100}.x", ["net.ipv4.conf.eth0/100.x"]],
    ["net/ipv4/conf/{eth0.100,b}/x", ["net/ipv4/conf/eth0.100/x", "net/ipv4/conf/b/x"]],
    ["net.{ipv4.ip,ipv6.ip6}_x", ["net.ipv4.ip_x", "net.ipv6.ip6_x"]],
    ["net.{ipv4,ipv6}.conf.{a,b}.f", [4, 6].flatMap((v) => ["a", "b"].map((i) => `net.ipv${v}.conf.${i}.f`))],
    ["net.{a,{b,c}d}.x", ["net.a.x", "net.bd.x", "net.cd.x"]],
    ["net.{a,a}.x", ["net.a.x"]],
  ];
  for (const [key, keys] of cases) it(`expands ${key}`, () => assert.deepEqual(expandBraces(key), keys));
  for (const key of ["net.{a", "net.a}", "net.{a,{b}", "net.}{", "{}}"])
    it(`refuses ${key}`, () => refused(() => expandBraces(key), /has no/));
  it("refuses more keys than anybody means", () => {
    refused(() => expandBraces(`net.${"{a,b,c,d,e,f,g,h}".repeat(8)}`), /more than 4096/);
  });
});
