/** Every number against the headers of this machine. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { LINK_MODES } from "../../lib/ethtool/before-netlink.ts";
import { ETH_SS, ETHTOOL } from "../../lib/ethtool/driver.ts";
import * as schema from "../../lib/ethtool/schema.ts";
import { STATS_GROUPS, STATS_NAMES } from "../../lib/ethtool/statistics.ts";
import type { AnySchema } from "../../lib/wire/index.ts";
import { compare, header, shouted } from "../headers.ts";

/** The sizes of packets have numbers among those of their group, and a nest of their own. */
const ALLOWED = new Set(["ETHTOOL_A_STATS_GRP 7", "ETHTOOL_A_STATS_GRP 8", "ETHTOOL_A_STATS_GRP 9"]);

/** The schema and the nests in it. */
function nests(one: AnySchema): AnySchema[] {
  const inner = Object.values(one.fields).flatMap((field) => {
    const { codec } = field.open({ u8: [], u16: [] } as never, field.claims[0] ?? 0, { start: 0, end: 0 });
    return codec !== undefined && "fields" in codec ? nests(codec as AnySchema) : [];
  });
  return [one, ...inner];
}

describe("ethtool: numbers", () => {
  const schemas = Object.values(schema).filter(
    (one): one is AnySchema & typeof one => typeof one === "object" && "fields" in one,
  );
  const all = [...new Map(schemas.flatMap((one) => nests(one as AnySchema)).map((one) => [one, one])).keys()];

  it("covers the nests", () => ok(all.length > 20, `${all.length} schemas`));
  for (const one of all)
    it(`of ${one.name} (${Object.keys(one.fields).length}) are those of ethtool_netlink.h`, function () {
      const { checked, wrong, newer } = compare(header(this, "ethtool_netlink.h"), one);
      const left = wrong.filter((said) => ![...ALLOWED].some((allowed) => said.startsWith(`${allowed} `)));
      // Of the sizes of packets this schema has only its own.
      const part = Object.hasOwn(one.fields, "histVal") ? left.filter((said) => !said.endsWith("has no key")) : left;
      deepEqual(part, []);
      equal(checked + newer.length, Object.keys(one.fields).length);
    });

  it("of requests are those of ethtool_netlink.h", function () {
    const numbers = header(this, "ethtool_netlink.h");
    for (const [name, number] of Object.entries(schema.ETHTOOL_MSG))
      equal(numbers.get(`ETHTOOL_MSG_${name}`), number, name);
    equal(numbers.get("ETHTOOL_FLAG_OMIT_REPLY"), schema.ETHTOOL_FLAG_OMIT_REPLY);
    for (const [number, name] of STATS_GROUPS.entries())
      equal(numbers.get(`ETHTOOL_STATS_${name.toUpperCase().replace("-", "_")}`), number, name);
  });

  it("of commands and sets of names are those of ethtool.h", function () {
    const numbers = header(this, "ethtool.h");
    for (const [name, number] of Object.entries(ETHTOOL)) equal(numbers.get(`ETHTOOL_${name}`), number, name);
    for (const [name, number] of Object.entries(ETH_SS)) equal(numbers.get(`ETH_SS_${name}`), number, name);
    for (const [name, number] of Object.entries(STATS_NAMES))
      equal(numbers.get(`ETH_SS_STATS_${name.toUpperCase().replace("-", "_")}`), number, name);
  });

  it("of link modes are those of ethtool.h", function () {
    const numbers = header(this, "ethtool.h");
    const fec = new Set(["None", "RS", "BASER"]);
    for (const [bit, mode] of LINK_MODES.entries()) {
      const name = fec.has(mode) ? `FEC_${mode.toUpperCase()}` : mode.replace("/", "_");
      equal(numbers.get(`ETHTOOL_LINK_MODE_${name}_BIT`), bit, mode);
    }
    equal(LINK_MODES.length, 74);
  });

  it("of words are those of ethtool.h", function () {
    const numbers = header(this, "ethtool.h");
    const { port, transceiver } = schema.ethtoolLinkInfo.fields;
    const { duplex } = schema.ethtoolLinkModes.fields;
    const { extState } = schema.ethtoolLinkState.fields;
    let compared = 0;
    for (const [prefix, field, words] of [
      ["PORT", port, ["tp", "aui", "mii", "fibre", "bnc", "da", "none", "other"]],
      ["XCVR", transceiver, ["internal", "external"]],
      ["DUPLEX", duplex, ["half", "full", "unknown"]],
      ["ETHTOOL_LINK_EXT_STATE", extState, ["autoneg", "no-cable", "bad-signal-integrity", "overheat", "module"]],
    ] as const)
      for (const word of words) {
        const number = numbers.get(`${prefix}_${shouted(word).replaceAll("-", "_")}`);
        ok(number !== undefined, `${prefix} ${word}`);
        const bytes = { u8: new Uint8Array([number]) };
        equal(field.read(bytes as never, field.claims[0] ?? 0, 0, 1, undefined, { start: 0, end: 1 }), word);
        compared++;
      }
    equal(compared, 18);
  });
});
