/** What is tried of what bridges and VXLANs have: VLANs, VNIs and multicast groups. */
import type { Host } from "../../lib/host.ts";
import { set, type Tries, type Words } from "./kit.ts";

const as = <T>(words: Words): T => words as T;
const of = (key: string, { dev, ...words }: Words, link: Words = {}): object => ({
  links: { [String(dev)]: { ...link, [key]: [words] } },
});
/** Ranges are told as one: each for itself. */
const each = (
  listed: readonly { readonly vid: number; readonly vidEnd?: number | undefined }[],
): { readonly vid: number }[] =>
  listed.flatMap(({ vidEnd, ...one }) =>
    Array.from({ length: (vidEnd ?? one.vid) - one.vid + 1 }, (_, i) => ({ ...one, vid: one.vid + i })),
  );

const FILTERING = "ip link set br0 type bridge vlan_filtering 1 mcast_vlan_snooping 1 mcast_snooping 1";
const OPTIONS = ["state", "mcastRouter", "mcastMaxGroups", "neighSuppress", "neighForwardGrat"];
const VLANS: Tries = {
  kind: "bridge-vlan",
  object: "vlan",
  elsewhere: true,
  base: { dev: "d1", vid: 7 },
  words: {
    ...set("dev", "e1", { first: FILTERING }),
    ...set("vid", 8, { first: FILTERING }),
    vidEnd: { to: { vid: 8 }, first: FILTERING },
    ...set("pvid", true, { first: FILTERING }),
    ...set("untagged", true, { first: FILTERING }),
    ...set("state", "blocking", { first: FILTERING }),
    ...set("mcastRouter", 2, { first: FILTERING }),
    ...set("mcastMaxGroups", 9, { first: FILTERING, since: [6, 3], unseen: true }),
    ...set("neighSuppress", true, { first: FILTERING, since: [6, 4], unseen: true }),
    ...set("neighForwardGrat", true, { first: FILTERING, since: [7, 2], unseen: true }),
    ...set("tunnelId", 40, {
      with: { dev: "x1", tunnelId: 39 },
      first: `${FILTERING}; ip link set x1 master br0; bridge link set dev x1 vlan_tunnel on`,
    }),
  },
  remove: (host, { dev, vid }) => host.vlans.delete(as({ dev, vid, ...(dev === "br0" && { self: true }) })),
  shown: "bridge -details vlan show; bridge vlan tunnelshow",
  list: async (host) => each((await host.vlans.list()).filter(({ vid }) => vid > 1)),
  make: (host, one) => host.vlans.create(as(one)),
  change: (host, { dev, vid, ...one }, to) =>
    OPTIONS.some((word) => word in to)
      ? host.vlans.update(as({ dev, vid, ...to }))
      : host.vlans.create(as({ dev, vid, ...one })),
  document: (one) => of("vlans", one, { master: "br0" }),
};

const global = (word: string, value: unknown) => set(word, value, { first: FILTERING });
const GLOBALS: Tries = {
  kind: "vlanGlobal",
  elsewhere: true,
  base: { dev: "br0", vid: 7 },
  words: {
    ...global("mcastSnooping", false),
    ...global("mcastIgmpVersion", 3),
    ...global("mcastMldVersion", 2),
    ...global("mcastLastMemberCount", 5),
    ...global("mcastStartupQueryCount", 5),
    ...global("mcastLastMemberInterval", 5),
    ...global("mcastMembershipInterval", 500),
    ...global("mcastQuerierInterval", 500),
    ...global("mcastQueryInterval", 500),
    ...global("mcastQueryResponseInterval", 5),
    ...global("mcastStartupQueryInterval", 50),
    ...global("mcastQuerier", true),
    ...global("msti", 5),
  },
  remove: (host, { dev, vid }) => host.vlans.delete(as({ dev, vid, ...(dev === "br0" && { self: true }) })),
  shown: "bridge -details vlan global show",
  list: async (host) => each((await host.vlans.globals()).filter(({ vid }) => vid > 1)),
  make: (host, { dev, vid }) => host.vlans.create(as({ dev, vid, self: true })),
  change: (host, one, to) => host.vlans.updateGlobals(as({ dev: one["dev"], vid: one["vid"], ...to })),
  document: (one) => of("vlanGlobals", one, { kind: "bridge" }),
};

const VNIS: Tries = {
  kind: "vni",
  base: { dev: "x0", vni: 40 },
  words: {
    ...set("vni", 42),
    vniEnd: { to: { vni: 42 } },
    ...set("group", "239.1.1.2", { with: { group: "239.1.1.1" } }),
    ...set("remote", "203.0.113.2", { with: { remote: "203.0.113.1" } }),
  },
  remove: (host, one) => host.vnis.delete(as(one)),
  shown: "bridge vni show",
  list: (host) => host.vnis.list(),
  make: (host, one) => host.vnis.create(as(one)),
  change: (host, one) => host.vnis.create(as(one)),
  document: (one) => of("vnis", one, { kind: "vxlan" }),
};

const groups = async (host: Host): Promise<readonly object[]> =>
  (await host.mdb.list()).filter(({ group }) => group.startsWith("239.1."));
const mdb = (kind: string, base: Words, words: Tries["words"], first = "true"): Tries => ({
  kind,
  object: "mdb",
  base,
  words,
  first: `ip link set br0 type bridge mcast_snooping 1 mcast_igmp_version 3; ${first}`,
  remove: (host, { dev, port, group, source, vid, dst, dstport, vni, srcVni, via }) =>
    host.mdb.delete(as({ dev, port, group, source, vid, dst, dstport, vni, srcVni, via })),
  shown: "bridge -details mdb show",
  list: groups,
  make: (host, one) => host.mdb.create(as(one)),
  change: (host, one) => host.mdb.replace(as(one)),
  document: (one) => of("mdb", one),
});
const SOURCES = { filterMode: "include", sources: ["192.0.2.7"] };
const MDB: readonly Tries[] = [
  mdb(
    "mdb",
    { dev: "br0", port: "d1", group: "239.1.1.1" },
    {
      ...set("port", "e1"),
      ...set("group", "239.1.1.2"),
      ...set("source", "192.0.2.8", { with: { source: "192.0.2.7" } }),
      ...set("state", "temp", { with: { state: "permanent" } }),
      ...set("filterMode", "exclude", { with: SOURCES, since: [6, 2], unseen: true }),
      ...set("sources", ["192.0.2.8"], { with: SOURCES, since: [6, 2], unseen: true }),
      ...set("protocol", "zebra", { since: [6, 2], unseen: true }),
    },
  ),
  // Those without a VLAN stay out of reach once the bridge minds VLANs.
  mdb(
    "mdb",
    { dev: "br0", port: "d1", group: "239.1.1.1", vid: 7 },
    set("vid", 8, { first: FILTERING }),
    `${FILTERING} 2>/dev/null && { bridge vlan add dev d1 vid 7; bridge vlan add dev d1 vid 8; } || true`,
  ),
  mdb(
    "mdb:vxlan",
    { dev: "x1", port: "x1", group: "239.1.1.1", dst: "203.0.113.1", srcVni: 39 },
    {
      ...set("dst", "203.0.113.2", { since: [6, 4], unseen: true }),
      ...set("dstport", 9999, { since: [6, 4], unseen: true }),
      ...set("vni", 41, { since: [6, 4], unseen: true }),
      ...set("srcVni", 41, { since: [6, 4], unseen: true }),
      ...set("via", "e0", { with: { via: "d0" }, since: [6, 4], unseen: true }),
      ...set("protocol", "zebra", { since: [6, 4], unseen: true }),
      ...set("filterMode", "exclude", { with: SOURCES, since: [6, 4], unseen: true }),
      ...set("sources", ["192.0.2.8"], { with: SOURCES, since: [6, 4], unseen: true }),
    },
  ),
];

export const BRIDGES: readonly Tries[] = [VLANS, GLOBALS, VNIS, ...MDB];
