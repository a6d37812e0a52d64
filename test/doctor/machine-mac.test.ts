import { deepEqual, equal } from "node:assert/strict";
import { machineMacs, sipHash } from "../../lib/doctor/machine-mac.ts";

describe("MAC addresses that systemd makes of machine ids", () => {
  it("use the hash of the paper, appendix A, and of its test vectors", () => {
    const bytes = Buffer.from(Array.from({ length: 64 }, (_, at) => at));
    const key = bytes.subarray(0, 16);
    equal(sipHash(key, bytes.subarray(0, 15)), 0xa129ca6149be45e5n);
    equal(sipHash(key, bytes.subarray(0, 0)), 0x726fdb47dd0e0e31n);
    equal(sipHash(key, bytes.subarray(0, 8)), 0x93f5f5799a932462n);
  });

  it("are those that udev 252 and networkd 252 gave to a bridge", () => {
    deepEqual(machineMacs("0123456789abcdef0123456789abcdef", "br-vm"), [
      { by: "systemd-udevd", mac: "0a:58:04:e1:93:d8" },
      { by: "systemd-networkd", mac: "6a:27:2d:bc:5b:d4" },
    ]);
  });

  it("are those of nobody where there is no id", () => {
    for (const id of ["", "uninitialized", "0123"]) deepEqual(machineMacs(id, "br-vm"), []);
  });
});
