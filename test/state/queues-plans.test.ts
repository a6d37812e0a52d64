/** Plans for what is in the queues of links, and for VLANs, on hosts of a few words each. */
import { deepEqual, match, throws } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Step, Words } from "../../lib/state/step.ts";

const planned = (observed: Observed, body: string): Plan =>
  plan(observed, desiredOf(parseSource(`linkwright: 1\n${body}\n`, "f.yaml")));
const made = ({ steps }: Plan): string[] =>
  steps.flatMap(({ moves }) => moves.map(({ request: { object, verb } }) => `${verb} ${object}`));
const stepOf = ({ steps }: Plan, object: Step["object"]): Step | undefined =>
  steps.find((one) => one.object === object);

describe("a filter that sends packets to a link that goes", () => {
  const mirror = { kind: "mirred", mode: "mirror", direction: "egress", control: "pipe" };
  const to = (dev?: string): Words => ({ ...mirror, ...(dev !== undefined && { dev }) });
  const filter = (kind: string, ...actions: Words[]): Words => ({
    ...{ dev: "va", parent: "ingress", pref: 5, chain: 0, protocol: "all", kind, handle: 1, actions },
  });
  const host = (...filters: Words[]): Observed => ({
    links: [
      { name: "va", kind: "dummy", mtu: 1500, up: true },
      { name: "vx", kind: "vxlan", vni: 5, mtu: 1450, up: true },
    ],
    qdiscs: {},
    queues: [{ dev: "va", parent: "ingress", kind: "clsact", handle: "ffff:" }],
    filters,
  });
  const AGAIN = "links: { vx: { kind: vxlan, vni: 6 } }";
  const GONE = "links: { vx: { kind: vxlan, state: absent } }";
  const DROPS = "what filter 5 number 1 at ingress on va sends there";

  it("comes back with the link, and with its removal taken back, and is told", () => {
    const whole = filter("flower", to("vx"), { kind: "gact", control: "pass" });
    const again = planned(host(whole), AGAIN);
    deepEqual(made(again), ["delete link", "create link", "replace filter"]);
    deepEqual(stepOf(again, "filter")?.moves[0]?.request.words, whole);
    const back = { object: "filter", verb: "replace", words: whole };
    for (const one of [again, planned(host(whole), GONE)]) {
      const link = stepOf(one, "link");
      deepEqual(link?.moves[0]?.undo.at(-1), back);
      deepEqual(
        link?.drops.filter((text) => text.includes("filter")),
        [DROPS],
      );
    }
  });

  it("is left alone where it leads elsewhere", () => {
    const one = planned(host(filter("flower", to("va")), filter("flower")), AGAIN);
    deepEqual(made(one), ["delete link", "create link"]);
    deepEqual(stepOf(one, "link")?.drops.includes(DROPS), false);
  });

  it("is made what the document says where that names it", () => {
    const listed = (kind: string): string =>
      `links: { vx: { kind: vxlan, vni: 6 }, va: { filters: [{ parent: ingress, pref: 5, protocol: all, kind: ${kind}, actions: [{ kind: mirred, mode: mirror, dev: vx }] }] } }`;
    deepEqual(made(planned(host(filter("flower", to("vx"))), listed("flower"))), [
      ...["delete link", "create link", "replace filter"],
    ]);
    const other = planned(host(filter("matchall", to("vx"))), listed("matchall"));
    deepEqual(made(other), ["delete link", "create link", "delete filter", "create filter"]);
    // There is no link to send to while it is taken back, until that of the link.
    const [removal] = stepOf(other, "filter")?.moves ?? [];
    deepEqual(removal?.undo[0]?.words["actions"], [{ kind: "gact", control: "pipe" }]);
  });

  it("comes back without what it sent to a link that was gone before", () => {
    const dead = filter("flower", { ...to(), mode: "redirect", control: "stolen" }, { kind: "gact", control: "pass" });
    const [step] = planned(host(dead), "links: { va: { kind: dummy, state: absent } }").steps;
    match(JSON.stringify(step?.moves[0]?.undo), /"actions":\[\{"kind":"gact","control":"drop"\},/);
  });
});

describe("a class whose rate changes", () => {
  const host = (ceil: number): Observed => ({
    links: [{ name: "d0", kind: "dummy", mtu: 1500, up: true }],
    qdiscs: { d0: { kind: "htb", handle: "1:" } },
    classes: [
      { dev: "d0", classid: "1:1", parent: "root", kind: "htb", rate: 80_000, ceil, burst: 1610, cburst: 1610 },
    ],
  });
  const asked = (ceil: number, more = ""): unknown =>
    stepOf(
      planned(host(ceil), `links: { d0: { classes: [{ classid: '1:1', kind: htb, rate: 160000${more} }] } }`),
      "class",
    )?.moves[0]?.request.words["ceil"];

  it("takes its ceiling along where that was the rate, and nobody says otherwise", () => {
    deepEqual(asked(80_000), 160_000);
    deepEqual(asked(200_000), 200_000);
    deepEqual(asked(80_000, ", ceil: 170000"), 170_000);
    throws(() => asked(90_000), /ceil.*expected no less than the rate/);
    throws(() => asked(80_000, ", ceil: 80000"), /ceil.*expected no less than the rate/);
  });
});

describe("queues that contradict themselves", () => {
  const host: Observed = {
    links: [{ name: "d0", kind: "dummy", mtu: 1500, up: true }],
    qdiscs: { d0: { kind: "htb", handle: "1:" } },
    classes: [{ dev: "d0", classid: "1:9", parent: "root", kind: "htb", rate: 80_000, ceil: 80_000 }],
  };
  const said = (body: string): string[] => {
    try {
      planned(host, `links: { d0: ${body} }`);
      return [];
    } catch (error) {
      return (error as Error).message.split("\n").map((line) => line.replace(/^f\.yaml:\d+:\d+: links\.d0\./, ""));
    }
  };
  const one = (classid: string, parent: string): string =>
    `{ classid: '${classid}', parent: '${parent}', kind: htb, rate: 8000 }`;
  const TABLE: readonly (readonly [what: string, body: string, ...lines: string[]])[] = [
    [
      "two classes below each other, and one below these",
      `{ classes: [${one("1:3", "1:2")}, ${one("1:2", "1:1")}, ${one("1:1", "1:2")}] }`,
      "classes[2]: 1:1 → 1:2 → 1:1 is a loop; take one of them out",
    ],
    [
      "a class below itself",
      `{ classes: [${one("1:1", "1:1")}] }`,
      "classes[0]: 1:1 → 1:1 is a loop; take one of them out",
    ],
    [
      "a queue within itself",
      "{ queues: [{ parent: '7:1', handle: '7:', kind: prio }] }",
      "queues[0]: 7: → 7:1 → 7: is a loop; take one of them out",
    ],
    [
      "the handle of the root",
      "{ queues: [{ parent: '1:9', handle: '1:', kind: prio }] }",
      "queues[0]: the queue at root has the handle 1: already; give it another",
    ],
    [
      "two queues of one handle",
      `{ classes: [${one("1:8", "1:")}], queues: [{ parent: '1:9', handle: '7:', kind: prio }, { parent: '1:8', handle: '7:', kind: fq }] }`,
      "queues[1]: the queue at 1:9 has the handle 7: already; give it another",
    ],
    [
      "nothing of the kind",
      `{ classes: [${one("1:8", "1:9")}], queues: [{ parent: '1:8', handle: '7:', kind: prio }, { parent: '7:1', handle: '8:', kind: fq }, { kind: clsact }] }`,
    ],
  ];
  for (const [what, body, ...lines] of TABLE)
    it(`are told before anything is changed: ${what}`, () => deepEqual(said(body), lines));
});

describe("options of VLANs that go", () => {
  const host: Observed = {
    links: [
      { name: "br0", kind: "bridge", mtu: 1500, up: true, vlanFiltering: true },
      { name: "pa", kind: "dummy", mtu: 1500, up: true, master: "br0" },
    ],
    vlans: [{ dev: "pa", vid: 10, vidEnd: 12 }],
    vlanGlobals: [{ dev: "br0", vid: 10, vidEnd: 12, mcastQuerier: true }],
  };
  const gone = (...vids: number[]): string =>
    `pa: { vlans: [${vids.map((vid) => `{ vid: ${vid}, state: absent }`).join(", ")}] }`;
  const globals = (range: string): string => `br0: { kind: bridge, vlanGlobals: [{ ${range}, mcastQuerier: false }] }`;

  it("are not set of what the document removes", () => {
    throws(
      () => planned(host, `links: { ${gone(11)}, ${globals("vid: 10, vidEnd: 12")} }`),
      /neither br0 nor a port of it has VLAN 11; write it into vlans/,
    );
    deepEqual(made(planned(host, `links: { ${gone(11)}, ${globals("vid: 12")} }`)), [
      ...["delete vlan", "update vlanGlobal"],
    ]);
  });

  it("come back each with its VLAN", () => {
    const undo = planned(host, `links: { ${gone(11, 12)} }`).steps.flatMap(({ moves }) =>
      moves.map((move) => move.undo.map(({ object, words }) => [object, words["vid"], words["vidEnd"]])),
    );
    deepEqual(undo, [
      [
        ["vlan", 11, undefined],
        ["vlanGlobal", 11, undefined],
      ],
      [
        ["vlan", 12, undefined],
        ["vlanGlobal", 12, undefined],
      ],
    ]);
  });
});

describe("a filter that a document cannot say whole", () => {
  const host: Observed = {
    links: [{ name: "d0", kind: "dummy", mtu: 1500, up: true }],
    qdiscs: { d0: { kind: "htb", handle: "1:", inner: true, ingress: true } },
    queues: [
      { dev: "d0", parent: "ingress", kind: "clsact", handle: "ffff:" },
      { dev: "d0", parent: "1:9", kind: "prio", handle: "9:" },
      { dev: "d0", parent: "1:8", kind: "prio", handle: "8:" },
    ],
    classes: ["1:8", "1:9"].map((classid) => ({ dev: "d0", classid, parent: "root", kind: "htb", rate: 80, ceil: 80 })),
    filters: [],
    untoldFilters: ["egress", "9:"].map((parent) => ({ dev: "d0", parent, pref: 5, chain: 0 })),
  };
  const HINT = "could not be put back; remove";
  const TABLE: readonly (readonly [body: string, says: string])[] = [
    [
      "filters: [{ parent: egress, pref: 5, kind: matchall }]",
      `${HINT} it first (tc filter delete dev d0 egress pref 5)`,
    ],
    [
      "filters: [{ parent: '9:', pref: 5, state: absent }]",
      `${HINT} it first (tc filter delete dev d0 parent 9: pref 5)`,
    ],
    ["queues: [{ kind: clsact, state: absent }]", `${HINT} these first`],
    ["queues: [{ parent: '1:9', state: absent }]", `${HINT} these first`],
    ["queues: [{ parent: '1:9', kind: pfifo }]", `${HINT} these first`],
  ];
  for (const [body, says] of TABLE)
    it(`is neither changed nor taken along: ${body}`, () =>
      throws(
        () => planned(host, `links: { d0: { ${body} } }`),
        ({ message }: Error) => message.endsWith(says) && !message.includes("\n"),
      ));
  it("is in the way of nothing else", () => {
    const body = "queues: [{ parent: '1:8', state: absent }], filters: [{ parent: egress, pref: 6, kind: matchall }]";
    deepEqual(made(planned(host, `links: { d0: { ${body} } }`)), ["delete queue", "create filter"]);
  });
});
