import { deepEqual, equal, rejects } from "node:assert/strict";
import { Rules } from "../../lib/rules/rules.ts";
import type { Range, Rule, RuleConfig } from "../../lib/rules/words.ts";
import { needs, skip } from "../../test/needs.ts";
import { given, type Scene, scene, sorted } from "../routes/kit.ts";

const mark = (value: boolean | undefined): null | undefined => (value === true ? null : undefined);
const hex = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `0x${value.toString(16)}`;
function network(name: string, text: string | undefined): Record<string, unknown> {
  const [address, length] = text?.split("/") ?? [];
  return { [name]: address, [`${name}len`]: length === undefined ? undefined : Number(length) };
}
function range(name: string, value: Range | undefined): Record<string, unknown> {
  if (typeof value !== "string") return { [name]: value };
  const [start, end] = value.split("-").map(Number);
  return { [`${name}_start`]: start, [`${name}_end`]: end };
}
function users(value: Range | undefined): Record<string, unknown> {
  const [start, end = start] = value === undefined ? [] : String(value).split("-").map(Number);
  return { uid_start: start, uid_end: end };
}
const DROPS = ["blackhole", "unreachable", "prohibit"];

/** A rule of ours as `ip -json -details rule` tells it. */
function asIp(one: Rule): Record<string, unknown> {
  return given({
    priority: one.priority,
    not: mark(one.not),
    src: "all",
    ...(one.from !== undefined && network("src", one.from)),
    ...network("dst", one.to),
    tos: one.tos === undefined ? undefined : `0x${one.tos.toString(16).padStart(2, "0")}`,
    fwmark: hex(one.fwmark),
    fwmask: hex(one.fwmask),
    iif: one.iif,
    iif_detached: mark(one.iifDetached),
    oif: one.oif,
    oif_detached: mark(one.oifDetached),
    l3mdev: mark(one.l3mdev),
    ...users(one.uidrange),
    ipproto: one.ipproto,
    ...range("sport", one.sport),
    ...range("dport", one.dport),
    tun_id: one.tunId,
    table: one.table === undefined ? undefined : String(one.table),
    suppress_prefixlen: one.suppressPrefixlength,
    suppress_ifgroup: one.suppressIfgroup === undefined ? undefined : String(one.suppressIfgroup),
    flow_from: one.realm === undefined ? undefined : String(one.realm >>> 16),
    flow_to: one.realm === undefined ? undefined : String(one.realm & 0xffff),
    action: DROPS.includes(one.action) ? one.action : undefined,
    nop: one.action === "nop" ? null : undefined,
    goto: one.goto,
    unresolved: mark(one.unresolved),
    protocol: one.protocol === "linkwright" ? "139" : String(one.protocol),
  });
}

/** Both tell the same of every rule. */
async function agree(rules: Rules, { json }: Scene): Promise<readonly Rule[]> {
  const ours = await rules.list();
  const theirs = [...(await json("ip -4 -json -details rule show")), ...(await json("ip -6 -json -details rule show"))];
  equal(ours.consistent, true);
  deepEqual(sorted(ours.map(asIp)), sorted(theirs));
  return ours;
}

const OURS: readonly RuleConfig[] = [
  { priority: 5, from: "10.0.0.0/8", table: 100 },
  { priority: 6, not: true, from: "10.0.0.0/8", to: "10.1.1.1", iif: "eth9", oif: "d0", table: 1000, protocol: "bgp" },
  { priority: 7, l3mdev: true },
  { priority: 8, fwmark: 1, fwmask: 0xff, tos: 16, table: "default" },
  { priority: 9, fwmark: 0xffff_ffff, action: "prohibit" },
  { priority: 10, ipproto: "tcp", sport: 53, dport: "1024-65534", table: 3 },
  { priority: 11, ipproto: "sctp", uidrange: 0, tunId: 39, table: 4 },
  { priority: 12, suppressPrefixlength: 0, suppressIfgroup: 3 },
  { priority: 13, goto: 20 },
  { priority: 14, goto: 15_000 },
  { priority: 15, action: "nop" },
  { priority: 16, to: "192.0.2.0/24", action: "blackhole" },
  { priority: 20, action: "unreachable" },
  { priority: 21, family: "inet6", table: 300 },
  { priority: 22, from: "2001:db8::/32", to: "2001:db8:1::1", action: "unreachable" },
  { priority: 23, family: "inet6", l3mdev: true, iif: "d0" },
  { priority: 24, family: "inet6", tos: 4, table: "local" },
];
const THEIRS = [
  "priority 5 from 10.0.0.0/8 table 100",
  "priority 6 not from 10.0.0.0/8 to 10.1.1.1 iif eth9 oif d0 fwmark 1/0xff table 1000 protocol 4",
  "priority 7 l3mdev",
  "priority 8 tun_id 5 ipproto udp dport 5-9 sport 5 table 5",
  "priority 9 uidrange 0-0 prohibit",
  "priority 10 table main suppress_prefixlength 0 suppress_ifgroup 3",
  "priority 11 goto 20",
  "priority 12 goto 30000",
  "priority 20 type nop",
  "priority 21 blackhole",
];

describe("rules beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    const rules = new Rules(here.connection, here.links);
    const before = (await agree(rules, here)).length;
    for (const config of OURS) await rules.create(config);
    const found = await agree(rules, here);
    equal(found.length, before + OURS.length);
    for (const config of OURS) {
      const { priority, family = config.from?.includes(":") === true ? "inet6" : "inet", ...wanted } = config;
      const one = found.find((rule) => rule.priority === priority && rule.family === family);
      for (const [key, value] of Object.entries(wanted)) equal(one?.[key as keyof Rule], value, `${priority} ${key}`);
    }
    for (const config of OURS) await rules.delete(config);
    equal((await agree(rules, here)).length, before);
    for (const line of THEIRS) await here.sh(`ip rule add ${line}`);
    const wide = THEIRS.filter((line) => !line.includes("10.0.0.0"));
    for (const line of wide) await here.sh(`ip -6 rule add ${line}`);
    equal((await agree(rules, here)).length, before + THEIRS.length + wide.length);
  });

  it("send packets to the table that they name", async () => {
    await using here = await scene();
    const rules = new Rules(here.connection, here.links);
    await here.routes.create({ dst: "203.0.113.0/24", via: "192.0.2.7", table: 100 });
    await rejects(here.routes.get("203.0.113.5"), { code: "ENETUNREACH" });
    await rules.create({ fwmark: 7, table: 100 });
    await rules.create({ ipproto: "tcp", dport: "80-90", table: 100 });
    equal((await here.routes.get("203.0.113.5", { mark: 7 })).via, "192.0.2.7");
    equal((await here.routes.get("203.0.113.5", { ipproto: "tcp", dport: 85 })).table, 100);
    await rejects(here.routes.get("203.0.113.5", { ipproto: "udp", dport: 85 }), { code: "ENETUNREACH" });
    await rules.create({ priority: 1, uidrange: 0, to: "203.0.113.0/24", action: "prohibit" });
    await rejects(here.routes.get("203.0.113.5", { mark: 7, uid: 0 }), { code: "EACCES" });
  });

  it("are flushed by what a filter names, and only so", async () => {
    await using here = await scene();
    const rules = new Rules(here.connection, here.links);
    const before = await rules.list();
    for (const config of OURS) await rules.create(config);
    equal(await rules.flush({ protocol: "bgp" }), 1);
    equal(await rules.flush({ table: 100, family: "inet" }), 1);
    equal(await rules.flush({ priority: 7 }), 1);
    equal(await rules.flush({ protocol: "linkwright" }), OURS.length - 3);
    deepEqual([...(await rules.list())], [...before]);
    await rejects(rules.flush({}), { code: "ERR_INPUT", message: /^filter: names nothing; say which rules are to go/ });
    equal(await rules.flush({ family: "inet6" }), 1);
    deepEqual(
      (await rules.list({ family: "inet6" })).map(({ priority }) => priority),
      [0],
    );
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const rules = new Rules(here.connection, here.links);
    const config = { priority: 5, from: "10.0.0.0/8", table: 100 };
    await rules.create(config);
    await rejects(rules.create(config), {
      code: "EEXIST",
      message: /^cannot add rule 5 from 10\.0\.0\.0\/8 table 100: .*\(EEXIST/,
    });
    await rejects(rules.delete({ priority: 77 }), {
      code: "ENOENT",
      message: /^cannot delete rule 77: .*\(ENOENT, at priority\)$/,
    });
    await rejects(rules.create({ priority: 6, tos: 3, table: 5 }), {
      message: /^cannot add rule 6 table 5: .*\(EINVAL/,
    });
    const results = await rules.batch("create", [{ priority: 8, table: 5 }, config]);
    deepEqual(
      results.map((error) => error?.code),
      [undefined, "EEXIST"],
    );
  });

  it("know code points and masks where the kernel does", async function () {
    await using here = await scene();
    const rules = new Rules(here.connection, here.links);
    const config: RuleConfig = {
      priority: 5,
      dscp: 8,
      dscpMask: 0x3c,
      ipproto: "tcp",
      dport: 8,
      dportMask: 0xfff8,
      table: 9,
    };
    await rules.create(config);
    const [made] = await rules.list({ table: 9 });
    if (made?.dscpMask === undefined) skip(this, "this kernel acknowledges rules with masks, and forgets the masks");
    await rules.create({ priority: 6, family: "inet6", flowlabel: 0x12345, flowlabelMask: 0xfffff, table: 9 });
    const found = await rules.list({ table: 9 });
    for (const [key, value] of Object.entries(config)) equal(found[0]?.[key as keyof Rule], value, key);
    equal(found[1]?.flowlabel, 0x12345);
  });
});
