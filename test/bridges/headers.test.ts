/** Every number of the schemas of bridges against the headers that this machine has. */
import { deepEqual, ok } from "node:assert/strict";
import {
  BRIDGE_FLAGS,
  BRIDGE_VLAN_INFO,
  BRIDGE_VLANDB_DUMPF,
  bridgeMst,
  bridgeSpec,
  MDB_FLAGS,
  mdbAttributes,
  mdba,
  mdbe,
  mdbeSource,
  mdbeSources,
  mdbInfo,
  mdbNest,
  mdbSource,
  mdbSources,
  mstEntry,
  TUNNEL_MSG_FLAG,
  vlandb,
  vlandbDump,
  vlanEntry,
  vlanGlobals,
  vlanStats,
  vlanTunnel,
  vlanTunnelInfo,
  vniEntry,
  vniFilter,
  vniStats,
} from "../../lib/bridges/schema.ts";
import type { AnySchema } from "../../lib/wire/index.ts";
import { compare, compareBits, header } from "../headers.ts";

const BRIDGE: readonly AnySchema[] = [
  bridgeSpec,
  bridgeMst,
  mstEntry,
  vlanTunnelInfo,
  vlandb,
  vlandbDump,
  vlanEntry,
  vlanTunnel,
  vlanStats,
  vlanGlobals,
  mdba,
  mdbNest,
  mdbInfo,
  mdbAttributes,
  mdbSources,
  mdbSource,
  mdbe,
];
const LINK: readonly AnySchema[] = [vniFilter, vniEntry, vniStats];
const BITS: readonly (readonly [file: string, prefix: string, bits: Readonly<Record<string, number>>])[] = [
  ["if_bridge.h", "BRIDGE_FLAGS", BRIDGE_FLAGS],
  ["if_bridge.h", "BRIDGE_VLAN_INFO", BRIDGE_VLAN_INFO],
  ["if_bridge.h", "BRIDGE_VLANDB_DUMPF", BRIDGE_VLANDB_DUMPF],
  ["if_bridge.h", "MDB_FLAGS", MDB_FLAGS],
  ["if_link.h", "TUNNEL_MSG_FLAG", TUNNEL_MSG_FLAG],
];

describe("numbers of bridges", () => {
  for (const [file, schemas] of [["if_bridge.h", BRIDGE] as const, ["if_link.h", LINK] as const])
    for (const schema of schemas)
      it(`${schema.name} are those of ${file}, all of them`, function () {
        const { checked, wrong } = compare(header(this, file), schema);
        deepEqual(wrong, []);
        ok(checked > 0);
      });

  for (const schema of [mdbeSources, mdbeSource])
    it(`${schema.name} is newer than the header, or as there`, function () {
      const { checked, newer } = compare(header(this, "if_bridge.h"), schema);
      ok(checked + newer.length > 0);
    });

  for (const [file, prefix, bits] of BITS)
    it(`bits ${prefix}_* are those of ${file}`, function () {
      const { checked, wrong } = compareBits(header(this, file), prefix, bits);
      deepEqual(wrong, []);
      ok(checked > 0);
    });
});
