import { deepEqual, ok, throws } from "node:assert/strict";
import { nhmsg } from "../../lib/families/route.ts";
import {
  getbucket,
  NEXTHOP_GRP_TYPE,
  newbucket,
  newnexthop,
  nha,
  nhaResBucket,
  nhaResGroup,
} from "../../lib/nexthops/schema.ts";
import { bucketFromWire, checkNexthop, type NexthopObjectConfig, nexthopFromWire } from "../../lib/nexthops/words.ts";
import { NAMES, readAgain } from "../addresses/attributes.ts";
import { compare, compareBits, header } from "../headers.ts";

const plain = { family: "inet", scope: "link", protocol: "unspec" };
const CAPTURES: Readonly<Record<string, object>> = {
  via: { ...plain, id: 901, via: "192.0.2.7", dev: "d0", onlink: true, protocol: "bgp" },
  ipv6: { ...plain, id: 902, family: "inet6", via: "2001:db8::7", dev: "d0" },
  blackhole: { ...plain, id: 903, blackhole: true, scope: "global" },
  fdb: { ...plain, id: 904, via: "192.0.2.12", fdb: true },
  encap: { ...plain, id: 905, dev: "d0", scope: "host", encap: { type: "ip", id: 39, dst: "192.0.2.12" } },
  group: {
    id: 906,
    group: [
      { id: 901, weight: 3 },
      { id: 902, weight: 1 },
    ],
    type: "mpath",
    scope: "global",
    protocol: "unspec",
  },
  resilient: {
    id: 907,
    group: [
      { id: 901, weight: 1 },
      { id: 902, weight: 2 },
    ],
    type: "resilient",
    buckets: 4,
    idleTimer: 60,
    unbalancedTimer: 300,
    unbalancedTime: 0,
    scope: "global",
    protocol: "unspec",
  },
};

const REFUSED: readonly (readonly [config: object, message: RegExp])[] = [
  [{ via: "192.0.2.1", dev: "d0" }, /^id: missing/],
  [{ id: 0, dev: "d0" }, /^id: expected a whole number from 1 to 4294967295/],
  [{ id: 1 }, /^dev: missing; a nexthop needs dev, blackhole, group, or fdb with via/],
  [{ id: 1, via: "192.0.2.1" }, /^dev: missing/],
  [{ id: 1, gateway: "192.0.2.1" }, /^gateway: unknown key/],
  [
    { id: 1, via: "192.0.2.1", dev: "d0", family: "inet6" },
    /^family: inet6, but the gateway 192\.0\.2\.1 is of the other/,
  ],
  [{ id: 1, blackhole: true, dev: "d0" }, /^dev: a black hole has none/],
  [{ id: 1, fdb: true }, /^via: missing; a nexthop for forwarding entries needs a far end/],
  [{ id: 1, fdb: true, via: "192.0.2.1", dev: "d0" }, /^dev: a nexthop for forwarding entries has none/],
  [{ id: 1, group: [] }, /^group: expected a list of nexthops/],
  [{ id: 1, group: [{ weight: 1 }] }, /^group\.0\.id: missing/],
  [{ id: 1, group: [{ id: 2, wieght: 1 }] }, /^group\.0\.wieght: unknown key; did you mean weight\?/],
  [{ id: 1, group: [{ id: 2, weight: 65537 }] }, /^group\.0\.weight: expected a whole number from 1 to 65536/],
  [{ id: 1, group: [{ id: 2 }], via: "192.0.2.1" }, /^via: a group has none/],
  [{ id: 1, group: [{ id: 2 }], buckets: 4 }, /^buckets: is for a group of type resilient/],
  [{ id: 1, group: [{ id: 2 }], type: "resilient" }, /^buckets: missing/],
  [{ id: 1, dev: "d0", idleTimer: 5 }, /^idleTimer: is for a group; give it one/],
  [{ id: 1, dev: "d0", hwStats: true }, /^hwStats: is for a group; give it one/],
  [{ id: 1, group: [{ id: 2 }], hwStats: 1 }, /^hwStats: expected true or false/],
  [{ id: 1, dev: "d0", encap: { type: "ip", ttl: 0 } }, /^encap\.ttl: expected a whole number from 1 to 255/],
];

describe("nexthops", () => {
  for (const [name, expected] of Object.entries(CAPTURES))
    it(`reads the kernel's ${name}`, () => {
      deepEqual(nexthopFromWire(readAgain(`nexthops/${name}.hex`, newnexthop, nhmsg.size), NAMES), expected);
    });

  it("reads the kernel's bucket", () => {
    const { idleTime, ...rest } = bucketFromWire(readAgain("nexthops/bucket.hex", newbucket, nhmsg.size));
    deepEqual(rest, { id: 908, index: 0, nhid: 902 });
    ok(idleTime >= 0);
  });

  for (const [config, message] of REFUSED)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkNexthop(config as NexthopObjectConfig, "create"), { code: "ERR_INPUT", message });
    });

  it("numbers are those of nexthop.h, all of them", function () {
    const numbers = header(this, "nexthop.h");
    const encap = { encap: ["NHA_ENCAP_TYPE", "NHA_ENCAP"] };
    for (const [schema, names] of [[nha, encap], [nhaResGroup], [nhaResBucket]] as const) {
      const { checked, wrong } = compare(numbers, schema, names);
      deepEqual(wrong, []);
      ok(checked >= 4);
    }
    deepEqual(compareBits(numbers, "NEXTHOP_GRP_TYPE", NEXTHOP_GRP_TYPE).wrong, []);
    const messages = header(this, "rtnetlink.h");
    const ours = { NEWNEXTHOP: newnexthop.type, NEWNEXTHOPBUCKET: newbucket.type, GETNEXTHOPBUCKET: getbucket.type };
    deepEqual(compareBits(messages, "RTM", ours), { checked: 3, wrong: [] });
  });
});
