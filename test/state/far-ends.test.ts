/** Where VXLANs flood to, planned on hosts of a few words each. */
import { deepEqual, equal } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import { plan } from "../../lib/state/plan.ts";
import { isOfVni, isOwnRemote } from "../../lib/state/plan-remotes.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Words } from "../../lib/state/step.ts";
import { ZERO_MAC } from "../../lib/state/words.ts";

const CARD = { name: "eth0", mtu: 1500, up: true };
const VXLAN = { name: "vx0", kind: "vxlan", dstport: 4789, mtu: 1450, up: true };
const SINGLE = { external: true, vnifilter: true };

const entry = (dst: string, more: Words = {}): Words => ({ mac: ZERO_MAC, dev: "vx0", dst, ...more });

interface Given {
  /** The VXLAN in the document. */
  readonly wanted: string;
  /** The document's own entries. */
  readonly named?: string;
  /** The VXLAN on the host, besides its name. */
  readonly link?: Words;
  readonly fdb?: readonly Words[];
  readonly vnis?: readonly Words[];
}
function planned({ wanted, named = "", link = { vni: 7 }, fdb = [], vnis = [] }: Given): Plan {
  const document = `linkwright: 1\nlinks: { eth1: { kind: dummy }, vx0: { kind: vxlan, ${wanted} } }\nfdb: [${named}]`;
  return plan({ links: [CARD, { ...VXLAN, ...link }], fdb, vnis }, desiredOf(parseSource(document)));
}
const short = (subject: string): string => subject.replace(`${ZERO_MAC} dst `, "").replace(" on vx0", "");
/** What a plan does to entries, in the order of its steps: what, why, and what it drops. */
function told(given: Given): string[] {
  const steps = planned(given).steps.filter(({ object }) => object === "fdb");
  return steps.map(({ action, subject, reason, drops }) =>
    [`${action} ${short(subject)}: ${reason}`, ...drops].join("; "),
  );
}
function kept(given: Given): string[] {
  return planned(given).kept.flatMap(({ object, subject }) => (object === "fdb" ? [short(subject)] : []));
}

const [A, B, C] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
const ROWS: Readonly<Record<string, Given & { readonly does: readonly string[] }>> = {
  "are left alone where the document names none": { wanted: "vni: 7", fdb: [entry(A)], does: [] },
  "are added before others are cut": {
    wanted: `vni: 7, remotes: [${A}, ${C}]`,
    fdb: [entry(A), entry(B)],
    does: [`create ${C}: not there`, `remove ${B}: not in the list of remotes; flooding to ${B}`],
  },
  "are all cut where the list is empty": {
    wanted: "vni: 7, remotes: []",
    fdb: [entry(A)],
    does: [`remove ${A}: not in the list of remotes; flooding to ${A}`],
  },
  "are the one remote, besides which none is": {
    wanted: `vni: 7, remote: ${A}`,
    link: { vni: 7, remote: A },
    fdb: [entry(A), entry(B)],
    does: [`remove ${B}: not the remote ${A}; flooding to ${B}`],
  },
  "come back where only the entry of the remote is gone": {
    wanted: `vni: 7, remote: ${A}`,
    link: { vni: 7, remote: A },
    does: [`create ${A}: not there`],
  },
  "go by the kernel's own exchange where the remote changes": {
    wanted: `vni: 7, remote: ${B}`,
    link: { vni: 7, remote: A },
    fdb: [entry(A), entry(C)],
    does: [`remove ${C}: not the remote ${B}; flooding to ${C}`],
  },
  "are not told twice: once by the output link and once without": {
    wanted: `vni: 7, dev: eth0, remote: ${A}`,
    link: { vni: 7, dev: "eth0", remote: A },
    fdb: [entry(A), entry(A, { via: "eth0" })],
    does: [`remove ${A}: there twice: what is flooded would be sent twice`],
  },
  "leave by the new output link, and by the former one no more": {
    wanted: `vni: 7, dev: eth1, remote: ${A}`,
    link: { vni: 7, dev: "eth0", remote: A },
    fdb: [entry(A, { via: "eth0" })],
    does: [`create ${A} via eth1: not there`, `remove ${A} via eth0: there twice: what is flooded would be sent twice`],
  },
  "leave by the new output link to the new remote": {
    wanted: `vni: 7, dev: eth1, remote: ${B}`,
    link: { vni: 7, dev: "eth0", remote: A },
    fdb: [entry(A, { via: "eth0" })],
    does: [`create ${B} via eth1: not there`, `remove ${B} via eth0: there twice: what is flooded would be sent twice`],
  },
  "are not those of another port, VNI or output link, of a control plane, a group of nexthops, or one MAC": {
    wanted: "vni: 7, remotes: []",
    fdb: [
      ...[entry(A, { port: 8472 }), entry(A, { vni: 9 }), entry(A, { via: "eth0" }), entry(A, { externLearn: true })],
      ...[{ mac: ZERO_MAC, dev: "vx0", nhid: 3 }, entry(A, { mac: "02:00:00:00:00:01" }), entry(A, { dev: "vx1" })],
    ],
    does: [],
  },
  "are not added where a control plane did": {
    wanted: `vni: 7, remotes: [${A}, ${B}]`,
    fdb: [entry(A, { externLearn: true })],
    does: [`create ${B}: not there`],
  },
  "are not cut or added where an entry of the document names them": {
    wanted: `vni: 7, remotes: [${A}, ${C}]`,
    named: `{ mac: "${ZERO_MAC}", dev: vx0, dst: ${B} }, { mac: "${ZERO_MAC}", dev: vx0, dst: ${C} }`,
    fdb: [entry(A), entry(B, { state: "permanent" })],
    does: [`create ${C}: not there`],
  },
  "of a VNI are left alone where the document does not list it": {
    wanted: "external: true, vnifilter: true, remotes: []",
    link: SINGLE,
    fdb: [entry(A, { srcVni: 10 })],
    vnis: [{ dev: "vx0", vni: 10 }],
    does: [],
  },
  "of a VNI that the document lists are cut": {
    wanted: "external: true, vnifilter: true, remotes: [], vnis: [10]",
    link: SINGLE,
    fdb: [entry(A, { srcVni: 10 })],
    vnis: [{ dev: "vx0", vni: 10 }],
    does: [`remove ${A} srcVni 10: not among the far ends of VNI 10; flooding of VNI 10 to ${A}`],
  },
  "of a VNI are the kernel's where the VNI itself has it": {
    wanted: `external: true, vnifilter: true, remotes: [], vnis: [{ vni: 10, remote: ${A} }]`,
    link: SINGLE,
    fdb: [entry(A, { srcVni: 10 })],
    vnis: [{ dev: "vx0", vni: 10, remote: A }],
    does: [],
  },
};

describe("far ends of a VXLAN", () => {
  for (const [title, { does, ...given }] of Object.entries(ROWS))
    it(title, () => {
      deepEqual(told(given), does);
    });

  it("that stay are told as kept, but for that of `remote`, which is a property of the link", () => {
    deepEqual(kept({ wanted: `vni: 7, remotes: [${A}, ${B}]`, fdb: [entry(A)] }), [A]);
    deepEqual(kept({ wanted: `vni: 7, remote: ${A}`, link: { vni: 7, remote: A }, fdb: [entry(A)] }), []);
  });

  it("wait for their link, and those that are cut for those that are added", () => {
    const { steps } = planned({ wanted: `vni: 7, mtu: 1400, remotes: [${B}]`, fdb: [entry(A)] });
    const [added, cut] = steps.filter(({ object }) => object === "fdb");
    deepEqual(added?.needs, ["link vx0"]);
    deepEqual(cut?.needs, ["link vx0", added?.id]);
    equal(added?.differences[0]?.from, undefined);
    deepEqual(added?.path, ["links", "vx0", "remotes"]);
  });

  it("are there again after their link was made again, which is no difference", () => {
    const steps = planned({
      wanted: `vni: 7, ttl: 9, dstport: 8472, remotes: [${A}, ${B}]`,
      fdb: [entry(A), entry(C)],
    });
    const far = steps.steps.filter(({ object }) => object === "fdb");
    deepEqual(
      far.map(({ differences }) => differences),
      [[{ field: "dst", from: A, to: A }], [{ field: "dst", from: undefined, to: B }]],
    );
  });
});

describe("entries that the kernel keeps by itself", () => {
  it("are that of the link's remote, by its output link", () => {
    equal(isOwnRemote(entry(A), { remote: A }), true);
    equal(isOwnRemote(entry(A, { via: "eth0" }), { remote: A, dev: "eth0" }), true);
    equal(isOwnRemote(entry(A), { remote: A, dev: "eth0" }), false);
    equal(isOwnRemote(entry(B), { remote: A }), false);
    equal(isOwnRemote(entry(A, { mac: "02:00:00:00:00:01" }), { remote: A }), false);
    equal(isOwnRemote(entry(A), undefined), false);
  });

  it("are those of VNIs, by their remote or group", () => {
    const vnis = [
      { dev: "vx0", vni: 10, remote: A },
      { dev: "vx0", vni: 11, group: "239.0.0.1" },
    ];
    const links = [VXLAN];
    equal(isOfVni(entry(A, { srcVni: 10 }), { links, vnis }), true);
    equal(isOfVni(entry("239.0.0.1", { srcVni: 11 }), { links, vnis }), true);
    equal(isOfVni(entry(B, { srcVni: 10 }), { links, vnis }), false);
    equal(isOfVni(entry(A, { srcVni: 11 }), { links, vnis }), false);
    equal(isOfVni(entry(A, { srcVni: 10, mac: "02:00:00:00:00:01" }), { links, vnis }), false);
    equal(isOfVni(entry(A, { srcVni: 10 }), { links }), false);
  });
});
