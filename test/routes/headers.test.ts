/** Every number of our schemas against the headers that this machine has. */
import { equal, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { IFA_F, ifa } from "../../lib/addresses/schema.ts";
import { NTF, NUD, nda, nfea } from "../../lib/neighbors/schema.ts";
import { RTM_F, RTNH_F, rta, rtax } from "../../lib/routes/schema.ts";
import type { AnySchema } from "../../lib/wire/index.ts";
import { skip } from "../needs.ts";

const FOLDER = "/usr/include/linux";

/** Enumerators and defined numbers of a header. */
function numbersIn(header: string): Map<string, number> {
  const source = readFileSync(`${FOLDER}/${header}`, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const found = new Map<string, number>();
  for (const [, name = "", value = ""] of source.matchAll(/^#define\s+(\w+)\s+\(?([\dx<a-fA-F ]+)\)?\s*$/gm)) {
    const [number = 0, shift = 0] = value.split("<<").map(Number);
    found.set(name, number << shift);
  }
  for (const [, name = "", of = ""] of source.matchAll(/^#define\s+(\w+)\s+([A-Z]\w+)\s*$/gm)) {
    const number = found.get(of);
    if (number !== undefined) found.set(name, number);
  }
  for (const [, body = ""] of source.replaceAll(/^#.*$/gm, "").matchAll(/enum\s*\w*\s*\{([^}]*)\}/g)) {
    let next = 0;
    for (const [, name = "", value] of body.matchAll(/(\w+)\s*(?:=\s*(\w+))?\s*(?:,|$)/g)) {
      if (value !== undefined) next = found.get(value) ?? Number(value);
      found.set(name, next++);
    }
  }
  return found;
}
const upper = (key: string): string => key.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (c) => `_${c}`).toUpperCase();

describe("numbers of addresses, routes and neighbors", () => {
  const SCHEMAS: readonly (readonly [header: string, schema: AnySchema])[] = [
    ["if_addr.h", ifa],
    ["rtnetlink.h", rta],
    ["rtnetlink.h", rtax],
    ["neighbour.h", nda],
    ["neighbour.h", nfea],
  ];
  for (const [header, { name: prefix, fields }] of SCHEMAS)
    it(`${prefix} are those of ${header}, all of them`, function () {
      if (!existsSync(`${FOLDER}/${header}`))
        skip(this, `${FOLDER}/${header} is missing; apt-get install linux-libc-dev`);
      const numbers = numbersIn(header);
      const last = (numbers.get(`__${prefix}_MAX`) ?? 0) - 1;
      const ours = new Map(Object.entries(fields).flatMap(([key, { claims }]) => claims.map((n) => [n, upper(key)])));
      for (const [number, key] of ours)
        if (Number(number) <= last) equal(numbers.get(`${prefix}_${key}`), number, `${prefix}_${key}`);
      for (let number = 1; number <= last; number++) ok(ours.has(number), `${prefix} ${number} has no key`);
    });

  const BITS: readonly (readonly [header: string, prefix: string, bits: Readonly<Record<string, number>>])[] = [
    ["if_addr.h", "IFA_F", IFA_F],
    ["rtnetlink.h", "RTM_F", RTM_F],
    ["rtnetlink.h", "RTNH_F", RTNH_F],
    ["neighbour.h", "NTF", NTF],
    ["neighbour.h", "NUD", NUD],
  ];
  for (const [header, prefix, bits] of BITS)
    it(`bits ${prefix}_* are those of ${header}`, function () {
      if (!existsSync(`${FOLDER}/${header}`))
        skip(this, `${FOLDER}/${header} is missing; apt-get install linux-libc-dev`);
      const numbers = numbersIn(header);
      for (const [name, bit] of Object.entries(bits)) equal(numbers.get(`${prefix}_${name}`), bit, `${prefix}_${name}`);
    });
});
