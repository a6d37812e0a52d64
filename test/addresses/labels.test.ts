import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { ifaddrlblmsg, ifal, newaddrlabel } from "../../lib/addresses/label-schema.ts";
import {
  type AddressLabelConfig,
  addressLabelFromWire,
  addressLabelToWire,
  checkAddressLabel,
} from "../../lib/addresses/labels.ts";
import { compare, header } from "../headers.ts";
import { indexIn, NAMES, readAgain } from "./attributes.ts";

const REFUSED: readonly (readonly [config: object, verb: "create" | "delete", message: RegExp])[] = [
  [{ label: 5 }, "create", /^prefix: missing; expected a network/],
  [{ prefix: "2001:db8::/32" }, "create", /^label: missing; expected a whole number from 0 to 4294967294/],
  [{ prefix: "2001:db8::/32", label: 2 ** 32 - 1 }, "create", /^label: expected a whole number/],
  [
    { prefix: "2001:db8::1/32", label: 5 },
    "create",
    /^prefix: .* has bits set beyond its length; write 2001:db8::\/32/,
  ],
  [{ prefix: "10.0.0.0/8", label: 5 }, "create", /^prefix: 10\.0\.0\.0\/8 is of IPv4; .* of ::ffff:0:0\/96$/],
  [{ prefix: "::ffff:10.0.0.0/104", label: 5 }, "create", /^prefix: ::ffff:10\.0\.0\.0\/104 is of IPv4; /],
  [{ prefix: "0::FFFF:a01:203", label: 5 }, "delete", /^prefix: 0::FFFF:a01:203 is of IPv4; /],
  [{ prefix: "2001:db8::/32", label: 5, dev: "#7" }, "create", /^dev: expected an interface name/],
  [
    { prefix: "2001:db8::/32", dev: "#0" },
    "delete",
    /^dev: expected an interface name: .* a link that is gone, got "#0"/,
  ],
  [{ prefix: "2001:db8::/32", lable: 5 }, "create", /^lable: unknown key; did you mean label\?/],
  [{ dev: "d0" }, "delete", /^prefix: missing/],
];

describe("labels of addresses", () => {
  it("reads the kernel's, and writes the same", () => {
    const message = readAgain("addresses/label.hex", newaddrlabel, ifaddrlblmsg.size);
    const label = addressLabelFromWire(message, NAMES);
    deepEqual(label, { prefix: "2001:db8:1::/48", label: 99, dev: "d0" });
    const { header: head, attrs } = addressLabelToWire(label, indexIn);
    deepEqual(attrs, message.attrs);
    deepEqual([head.family, head.prefixlen, head.index], [10, 48, 10]);
  });

  it("writes all of IPv6 as a prefix without bits", () => {
    const { header: head, attrs } = addressLabelToWire({ prefix: "default", label: 1 }, indexIn);
    deepEqual([head.prefixlen, head.index, attrs], [0, 0, { address: "::", label: 1 }]);
  });

  it("takes IPv4 as a whole, and what only looks like it", () => {
    for (const prefix of ["::ffff:0:0/96", "::fffe:0:0/95", "::ffff:1", "::1:ffff:1:2"])
      checkAddressLabel({ prefix, label: 5 }, "create");
  });

  it("names a link that is gone by its number", () => {
    const gone = { prefix: "2001:db8::/32", dev: "#999999999" };
    checkAddressLabel(gone, "delete");
    equal(addressLabelToWire(gone, () => 0).header.index, 999999999);
  });

  for (const [config, verb, message] of REFUSED)
    it(`refuses to ${verb} ${JSON.stringify(config)}`, () => {
      throws(() => checkAddressLabel(config as AddressLabelConfig, verb), { code: "ERR_INPUT", message });
    });

  it("numbers are those of if_addrlabel.h, all of them", function () {
    const { checked, wrong } = compare(header(this, "if_addrlabel.h"), ifal);
    deepEqual(wrong, []);
    equal(checked, 2);
    ok(ifaddrlblmsg.size === 12);
  });
});
