import { deepEqual } from "node:assert/strict";
import { type TableName, watchables } from "../../lib/watch/tables.ts";
import { header } from "../headers.ts";

/** The multicast groups of each table, as the header calls them behind RTNLGRP_. */
const GROUPS: Readonly<Record<TableName, readonly string[]>> = {
  links: ["LINK"],
  addresses: ["IPV4_IFADDR", "IPV6_IFADDR"],
  routes: ["IPV4_ROUTE", "IPV6_ROUTE"],
  neighbors: ["NEIGH"],
  fdb: ["NEIGH"],
  rules: ["IPV4_RULE", "IPV6_RULE"],
  nexthops: ["NEXTHOP"],
  qdiscs: ["TC"],
  netconf: ["IPV4_NETCONF", "IPV6_NETCONF", "MPLS_NETCONF"],
  vlans: ["BRVLAN"],
  vnis: ["TUNNEL"],
  mdb: ["MDB"],
  classes: ["TC"],
  filters: ["TC"],
  nsids: ["NSID"],
};

describe("groups of events", () => {
  for (const [table, { groups }] of Object.entries(watchables))
    it(`${table}: numbers are those of rtnetlink.h`, function () {
      const numbers = header(this, "rtnetlink.h");
      deepEqual(
        groups,
        GROUPS[table as TableName].map((name) => numbers.get(`RTNLGRP_${name}`)),
      );
    });
});
