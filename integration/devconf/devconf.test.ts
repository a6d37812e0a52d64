/** Sysctls over netlink, compared with the files below /proc/sys and with `ip netconf`. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Devconf } from "../../lib/devconf/devconf.ts";
import { Netconf } from "../../lib/devconf/netconf.ts";
import type { Settings } from "../../lib/devconf/setting.ts";
import { inet6Settings, inetSettings } from "../../lib/devconf/settings.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { needs } from "../../test/needs.ts";
import { tried } from "../../test/tried.ts";
import { type Scene, scene } from "../routes/kit.ts";

const snake = (word: string): string => word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** Files whose names are not the words in the other spelling. */
const FILES: Readonly<Record<string, string>> = {
  dropUnicastInL2Multicast: "drop_unicast_in_l2_multicast",
  seg6RequireHmac: "seg6_require_hmac",
  routerSolicitationDelay: "router_solicitation_delay",
};
/** Files in seconds; the other times are in milliseconds. */
const IN_SECONDS = /^(router_|temp_|max_desync|accept_ra_min_lft)/;

/** The sysctls of a device as /proc has them: `key value` lines. */
async function files({ sh }: Scene, family: "ipv4" | "ipv6", device: string): Promise<Map<string, number>> {
  const lines = await sh(`cd /proc/sys/net/${family}/conf/${device}; grep -s . * || true`);
  return new Map(
    lines.split("\n").flatMap((line) => {
      const [, key = "", value] = /^(\w+):(-?\d+)$/.exec(line) ?? [];
      return value === undefined ? [] : [[key, Number(value)] as const];
    }),
  );
}

/** How many settings agree; every one that is told and has a file must. */
function agree(
  settings: Settings,
  told: Readonly<Record<string, unknown>>,
  there: ReadonlyMap<string, number>,
): number {
  let compared = 0;
  for (const [word, setting] of Object.entries(settings)) {
    const file = FILES[word] ?? snake(word);
    const value = there.get(file);
    if (value === undefined || told[word] === undefined) continue;
    const isTime = setting.fromNumber(1000) === 1;
    equal(setting.toNumber(told[word]), (isTime && IN_SECONDS.test(file) ? value * 1000 : value) | 0, word);
    compared++;
  }
  return compared;
}

describe("devconf", () => {
  before(function () {
    needs(this, "ip");
  });

  it("reads what /proc/sys has, of every interface", async () => {
    await using here = await scene();
    await here.sh(`cd /proc/sys/net
      echo 1 > ipv4/conf/d0/log_martians; echo 2 > ipv4/conf/d0/rp_filter; echo -1 > ipv4/conf/d0/medium_id
      echo 2500 > ipv4/conf/d0/igmpv3_unsolicited_report_interval; echo 1 > ipv4/conf/br0/forwarding
      echo 2 > ipv6/conf/d0/accept_ra; echo 9 > ipv6/conf/d0/router_solicitation_interval
      echo 1500 > ipv6/conf/d0/mldv2_unsolicited_report_interval; echo -1 > ipv6/conf/d0/keep_addr_on_down`);
    const devconf = new Devconf(here.connection, here.links);
    const list = await devconf.list();
    deepEqual(list.map(({ name }) => name).sort(), (await here.links.list()).map(({ name }) => name).sort());
    for (const { name, inet, inet6 } of list) {
      ok(inet !== undefined && inet6 !== undefined, name);
      const v4 = agree(inetSettings, inet, await files(here, "ipv4", name));
      const v6 = agree(inet6Settings, inet6, await files(here, "ipv6", name));
      ok(v4 >= 30 && v6 >= 40, `${name}: ${v4} and ${v6} compared`);
      deepEqual(
        await devconf.get(name),
        list.find((one) => one.name === name),
      );
    }
  });

  it("sets several at once, each of them", async () => {
    await using here = await scene();
    const devconf = new Devconf(here.connection, here.links);
    const { inet: before } = await devconf.get("d0");
    ok(before !== undefined);
    const changes: Record<string, unknown> = {};
    for (const [word, { settable, shape, fromNumber }] of Object.entries(inetSettings as Settings)) {
      const value = [fromNumber(2), fromNumber(1), fromNumber(0)].find(
        (one) => shape.accepts(one) && one !== before[word as "tag"],
      );
      if (settable) changes[word] = value;
    }
    await devconf.set("d0", changes);
    const { inet } = await devconf.get("d0");
    ok(inet !== undefined);
    for (const [word, value] of Object.entries(changes)) {
      equal(inet[word as "tag"], value, word);
      if (before[word as "tag"] !== value) tried(`devconf.${word}`, "changes");
    }
    ok(agree(inetSettings, inet, await files(here, "ipv4", "d0")) >= 30);
    equal((await devconf.get("d1")).inet?.proxyArp, false, "only that interface");
    await devconf.set("d0", { proxyArp: false });
    deepEqual((await devconf.get("d0")).inet, { ...inet, proxyArp: false }, "what is absent stays");
  });

  it("says what is wrong", async () => {
    await using here = await scene();
    const devconf = new Devconf(here.connection, here.links);
    await rejects(devconf.set("d0", { rpFilter: 3 }), InputError);
    await rejects(devconf.set("nope", { proxyArp: true }), /nope: there is no such link/);
    await rejects(devconf.get("nope"), { code: "ENODEV", message: /^cannot read sysctls of nope: / });
    await here.sh("ip link set lo mtu 67");
    equal((await devconf.get("lo")).inet, undefined, "too small for IPv4");
    await rejects(devconf.set("lo", { proxyArp: true }), {
      code: "EAFNOSUPPORT",
      message: /^cannot set sysctls of lo: .*\(EAFNOSUPPORT, at name\)$/,
    });
  });
});

describe("netconf", () => {
  before(function () {
    needs(this, "ip");
  });

  /** As `ip -json netconf` writes it; it has no word for the last two. */
  const asIp = ({ family, dev, rpFilter, bcForwarding: _, forceForwarding: __, ...rest }: Record<string, unknown>) => ({
    family,
    interface: dev,
    ...(rpFilter === undefined ? {} : { rp_filter: rpFilter }),
    ...Object.fromEntries(Object.entries(rest).map(([word, value]) => [snake(word), value])),
  });

  it("agrees with ip netconf", async () => {
    await using here = await scene();
    const netconf = new Netconf(here.connection, here.links);
    await here.sh(`cd /proc/sys/net; echo 1 > ipv4/conf/d0/forwarding; echo 2 > ipv4/conf/d1/rp_filter
      echo 1 > ipv4/conf/default/rp_filter; echo 1 > ipv4/conf/br0/proxy_arp; echo 1 > ipv6/conf/d0/proxy_ndp
      echo 1 > ipv6/conf/all/forwarding; echo 1 > ipv4/conf/d0/ignore_routes_with_linkdown`);
    const theirs = await here.json("ip -json netconf");
    const ours = await netconf.list();
    const key = (one: Record<string, unknown>): string => `${one["family"]} ${one["interface"]}`;
    const byKey = (list: Record<string, unknown>[]) => new Map(list.map((one) => [key(one), one]));
    deepEqual(byKey(ours.map((one) => asIp({ ...one }))), byKey(theirs));
    equal(ours.length, theirs.length);
    deepEqual(new Set(ours.map(({ dev }) => dev)), new Set(["all", "default", "lo", "d0", "d1", "br0", "vx0"]));
    for (const family of ["inet", "inet6"] as const)
      for (const dev of ["d0", "all", "default"])
        deepEqual(
          await netconf.get(dev, family),
          ours.find((one) => one.dev === dev && one.family === family),
        );
    deepEqual(
      [...(await netconf.list({ family: "inet6" }))],
      ours.filter(({ family }) => family === "inet6"),
    );
  });

  it("says what is wrong", async () => {
    await using here = await scene();
    const netconf = new Netconf(here.connection, here.links);
    await rejects(netconf.get("nope"), /nope: there is no such link/);
    await rejects(netconf.list({ family: "ipx" as "inet" }), InputError);
    const mpls = await netconf.list({ family: "mpls" });
    if (mpls.length > 0) return equal((await netconf.get("lo", "mpls")).input, false);
    await rejects(
      netconf.get("lo", "mpls"),
      /^NetlinkError: cannot read netconf of lo for mpls: .*, at (dev|family)\)$/,
    );
  });

  it("tells changes through /proc in events, and hears nothing of changes over netlink", async () => {
    await using here = await scene();
    const devconf = new Devconf(here.connection, here.links);
    const monitor = here.sh("timeout 1.2 ip monitor netconf || true");
    await new Promise((done) => setTimeout(done, 400));
    await devconf.set("d0", { rpFilter: "loose", forwarding: true });
    equal((await new Netconf(here.connection, here.links).get("d0")).rpFilter, "loose");
    await here.sh("echo 1 > /proc/sys/net/ipv4/conf/d0/rp_filter");
    equal((await monitor).trim(), "inet d0 rp_filter strict");
  });
});
