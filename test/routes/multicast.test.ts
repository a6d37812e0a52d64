import { deepEqual } from "node:assert/strict";
import { multicastFromWire } from "../../lib/addresses/multicast.ts";
import { toldmulticast } from "../../lib/addresses/schema.ts";
import { multicastRouteFromWire } from "../../lib/routes/multicast.ts";
import { newmroute } from "../../lib/routes/schema.ts";
import { NAMES, readTwice } from "../addresses/attributes.ts";

describe("multicast", () => {
  it("reads the kernel's route", () => {
    deepEqual(multicastRouteFromWire(readTwice("routes/mroute.hex", newmroute), NAMES), {
      family: "inet",
      source: "192.0.2.9",
      group: "239.1.1.1",
      table: "default",
      iif: "d0",
      oifs: [{ dev: "d1", ttl: 1 }],
      packets: 0n,
      bytes: 0n,
      wrongIf: 0n,
      lastUsed: 0.2,
    });
  });

  it("reads the kernel's group of a link", () => {
    deepEqual(multicastFromWire(readTwice("addresses/multicast.hex", toldmulticast), NAMES), {
      dev: "d1",
      family: "inet6",
      address: "ff01::1",
    });
  });
});
