/** What other tools asked for, and what kernels told: each message is understood whole, and encoded again as it was. */
import { deepEqual, match, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { newaddrlabel } from "../../lib/addresses/label-schema.ts";
import { newaddr } from "../../lib/addresses/schema.ts";
import { getmdb, newlink, newmdb, newtunnel, newvlan } from "../../lib/bridges/schema.ts";
import { newneigh } from "../../lib/neighbors/schema.ts";
import { newneightbl } from "../../lib/neighbors/table-schema.ts";
import { newbucket, newnexthop } from "../../lib/nexthops/schema.ts";
import { newroute } from "../../lib/routes/schema.ts";
import { newrule } from "../../lib/rules/schema.ts";
import { NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { type Attributes, requests } from "./requests.ts";

/** Attributes without a name, however deep. */
function unknownIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key.startsWith("#") ? [`${path}.${key}`] : unknownIn(part, `${path}.${key}`),
  );
}
const read = ({ body }: Attributes, bytes: Uint8Array): object =>
  body.read(new Reader(new Uint8Array(bytes)), NLMSG_HDRLEN, bytes.length);
function written({ body }: Attributes, value: object): Uint8Array {
  const out = new Writer();
  out.take(NLMSG_HDRLEN);
  body.write(out, value as never);
  return out.finish();
}
function understood(message: Attributes, bytes: Uint8Array, unknown: readonly string[] = []): void {
  const value = read(message, bytes);
  deepEqual(unknownIn(value), unknown);
  deepEqual(read(message, written(message, value)), value);
}

describe("requests of other tools", () => {
  it("are many", () => ok(requests().length > 30));

  for (const { file, bytes, message } of requests())
    it(`${file} is understood, and encoded again as it was`, () => {
      match(
        readFileSync(`test/fixtures/${file}.hex`, "utf8"),
        /^# .*(ip|bridge|wg) .*\n# (acknowledged|answered with \d+ messages?) by Linux \d.*; (ip|bridge|wireguard-tools)/,
      );
      understood(message, bytes);
    });
});

/** Messages by the folder; addresses also under the numbers of requests for multicast and anycast ones. */
const TOLD: Readonly<Record<string, readonly Attributes[]>> = {
  addresses: [newaddr, { ...newaddr, type: 58 }, { ...newaddr, type: 62 }, newaddrlabel],
  bridges: [newlink, newvlan, newtunnel, getmdb, newmdb],
  neighbors: [newneigh, newneightbl],
  nexthops: [newnexthop, newbucket],
  routes: [newroute],
  rules: [newrule],
};
/** Routes of multicast end in 64 bits, others in 32: these are kept as they are. */
const WIDER: Readonly<Record<string, readonly string[]>> = { "routes/mroute.hex": [".attrs.#23"] };

describe("what kernels told", () => {
  for (const [folder, messages] of Object.entries(TOLD))
    for (const file of readdirSync(`test/fixtures/${folder}`).filter((name) => name.endsWith(".hex")))
      it(`${folder}/${file} is understood, and encoded again as it was`, () => {
        for (const bytes of capture(`${folder}/${file}`)) {
          const message = messages.find(({ type }) => type === new Reader(bytes).u16[2]);
          ok(message, "nothing reads it");
          understood(message, bytes, WIDER[`${folder}/${file}`]);
        }
      });
});
