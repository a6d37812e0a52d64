/** Every number of the schemas of addresses, routes and neighbors against the headers that this machine has. */
import { deepEqual, ok } from "node:assert/strict";
import { IFA_F, ifa } from "../../lib/addresses/schema.ts";
import { lwtunnelIp, lwtunnelIp6, mplsIptunnel, seg6Iptunnel } from "../../lib/families/lwtunnel.ts";
import { RTNH_F } from "../../lib/families/route.ts";
import { NTF, NTF_EXT, NUD, nda, nfea } from "../../lib/neighbors/schema.ts";
import { RTM_F, rta, rtax } from "../../lib/routes/schema.ts";
import type { AnySchema } from "../../lib/wire/index.ts";
import { compare, compareBits, header } from "../headers.ts";

const ENCAP = { encap: ["RTA_ENCAP_TYPE", "RTA_ENCAP"] };
const SCHEMAS: readonly (readonly [file: string, schema: AnySchema, names?: Record<string, string[]>])[] = [
  ["if_addr.h", ifa],
  ["rtnetlink.h", rta, ENCAP],
  ["rtnetlink.h", rtax],
  ["neighbour.h", nda],
  ["neighbour.h", nfea],
  ["lwtunnel.h", lwtunnelIp],
  ["lwtunnel.h", lwtunnelIp6],
  ["mpls_iptunnel.h", mplsIptunnel],
  ["seg6_iptunnel.h", seg6Iptunnel],
];
const BITS: readonly (readonly [file: string, prefix: string, bits: Readonly<Record<string, number>>])[] = [
  ["if_addr.h", "IFA_F", IFA_F],
  ["rtnetlink.h", "RTM_F", RTM_F],
  ["rtnetlink.h", "RTNH_F", RTNH_F],
  ["neighbour.h", "NTF", NTF],
  ["neighbour.h", "NTF_EXT", NTF_EXT],
  ["neighbour.h", "NUD", NUD],
];

describe("numbers of addresses, routes and neighbors", () => {
  for (const [file, schema, names] of SCHEMAS)
    it(`${schema.name} are those of ${file}, all of them`, function () {
      const { checked, wrong } = compare(header(this, file), schema, names);
      deepEqual(wrong, []);
      ok(checked > 0);
    });

  for (const [file, prefix, bits] of BITS)
    it(`bits ${prefix}_* are those of ${file}`, function () {
      const { checked, wrong } = compareBits(header(this, file), prefix, bits);
      deepEqual(wrong, []);
      ok(checked > 0);
    });
});
