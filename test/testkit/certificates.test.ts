import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeChain } from "../../lib/testkit/certificates.ts";
import { der, integer, oid, time } from "../../lib/testkit/der.ts";
import { needs } from "../needs.ts";

const split = (chain: string): X509Certificate[] =>
  chain.split(/(?=-----BEGIN)/).map((text) => new X509Certificate(text));

describe("testkit: certificates", () => {
  const encodings: readonly (readonly [string, Buffer, string])[] = [
    ["a short value", der(0x04, Buffer.from("ab")), "04026162"],
    ["128 bytes", der(0x04, Buffer.alloc(128)).subarray(0, 3), "048180"],
    ["256 bytes", der(0x04, Buffer.alloc(256)).subarray(0, 4), "04820100"],
    ["zero", integer(Buffer.from([0])), "020100"],
    ["an integer with its top bit set", integer(Buffer.from([0x80])), "02020080"],
    ["an integer with leading zeros", integer(Buffer.from([0, 0, 5])), "020105"],
    ["an identifier", oid("1.2.840.113549.1.1.11"), "06092a864886f70d01010b"],
    [
      "a time before 2050",
      time(new Date("2026-11-24T01:02:03Z")),
      `170d${Buffer.from("261124010203Z").toString("hex")}`,
    ],
    [
      "a time after 2050",
      time(new Date("2051-01-01T00:00:00Z")),
      `180f${Buffer.from("20510101000000Z").toString("hex")}`,
    ],
  ];
  for (const [title, bytes, hex] of encodings) it(`writes ${title}`, () => assert.equal(bytes.toString("hex"), hex));

  it("makes a chain that fits together, quickly", () => {
    const start = performance.now();
    const made = makeChain({ names: ["vm.example"], addresses: ["198.51.100.12", "2001:db8::1"] });
    assert(performance.now() - start < 300);
    const root = new X509Certificate(made.root);
    const [leaf, middle] = split(made.chain);
    assert(leaf && middle);
    assert(leaf.verify(middle.publicKey) && middle.verify(root.publicKey) && root.verify(root.publicKey));
    assert(leaf.checkIssued(middle) && middle.checkIssued(root));
    assert(middle.ca && !leaf.ca);
    for (const address of ["198.51.100.12", "2001:db8::1"]) assert(leaf.checkIP(address), address);
    assert.equal(leaf.checkIP("198.51.100.13"), undefined);
    assert.equal(leaf.checkHost("vm.example"), "vm.example");
    assert.equal(made.bytes, leaf.raw.length + middle.raw.length);
    assert(made.bytes >= 5000 && made.bytes < 5100, String(made.bytes));
  });

  for (const size of [0, 4000, 6000, 20_000])
    it(`fills a flight of ${size} bytes`, () => {
      const { bytes } = makeChain({ size });
      assert(bytes >= size && (size === 0 || bytes < size + 100), String(bytes));
    });

  for (const address of ["", "1.2.3", "vm.example", "10.0.0.0/8"])
    it(`refuses the address "${address}"`, () => assert.throws(() => makeChain({ addresses: [address] }), TypeError));

  for (const key of ["ec", "rsa"] as const)
    it(`openssl accepts a chain with ${key} keys`, function () {
      needs(this, "openssl");
      const folder = mkdtempSync(join(tmpdir(), "linkwright-"));
      try {
        const { root, chain } = makeChain({ key, addresses: ["192.0.2.1"] });
        writeFileSync(join(folder, "root.pem"), root);
        writeFileSync(join(folder, "chain.pem"), chain);
        const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "192.0.2.1"];
        const said = execFileSync(
          "openssl",
          [...verify, "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem"],
          { cwd: folder, encoding: "utf8" },
        );
        assert.match(said, /chain\.pem: OK/);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});
