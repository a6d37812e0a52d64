import { equal } from "node:assert/strict";
import * as net from "node:net";
import fc from "fast-check";
import { isIPv4, isIPv6 } from "../../lib/shape/ip.ts";
import { interfaceAddress, network } from "../../lib/shape/shape.ts";
import { firstTryCounts } from "../needs.ts";

describe("shape: addresses", function () {
  firstTryCounts(this);

  it("are what Node takes for one", () => {
    const byte = fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "256", "1a", " 1", "+1"));
    const dotted = fc.array(byte, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
    const near = fc.tuple(dotted, fc.constantFrom("", ".", "\n", "%0")).map((parts) => parts.join(""));
    const any = fc.oneof(near, fc.ipV4(), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(any, (text) => {
        equal(isIPv4(text), net.isIPv4(text));
        equal(isIPv6(text), net.isIPv6(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("with a prefix length are taken apart alike", () => {
    const taken = (text: string): boolean => {
      const [ip = "", length, ...rest] = text.split("/");
      const most = net.isIPv4(ip) ? 32 : net.isIPv6(ip) && !ip.includes("%") ? 128 : -1;
      const fits = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most);
      return text === "default" || (rest.length === 0 && most > 0 && fits);
    };
    const byte = fc.oneof(fc.nat(300).map(String), fc.constantFrom("0", "", "01"));
    const dotted = fc.array(byte, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
    const length = fc.oneof(
      fc.nat(140).map((n) => `/${n}`),
      fc.constantFrom("", "/", "/032", "/0032", "/8/8", "/-1", "/8 ", "x"),
    );
    const ip = fc.oneof(fc.ipV4(), fc.ipV6(), dotted, fc.constantFrom("::1%lo", "default"));
    fc.assert(
      fc.property(ip, length, (one, tail) => {
        equal(network.accepts(one + tail), taken(one + tail));
        equal(interfaceAddress.accepts(one + tail), one !== "default" && tail !== "" && taken(one + tail));
      }),
      { numRuns: 2000 },
    );
  });
});
