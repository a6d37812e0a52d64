/** Values for options, made from their shapes. */
import fc from "fast-check";
import type { Options } from "../../lib/links/option.ts";
import { address, linkName, mac, type Shape } from "../../lib/shape/shape.ts";

/** Names that links have in these tests, with their indexes. */
export const NAMES = ["lo", "eth0", "br-vm", "ens34f0", "_", "a.b:c@d=e+f"];
export const names = {
  indexOf: (name: string): number => NAMES.indexOf(name) + 1,
  nameOf: (index: number): string | undefined => NAMES[index - 1],
  fdOf: (): number => 9,
};

const hexByte = fc.integer({ min: 0, max: 255 }).map((byte) => byte.toString(16).padStart(2, "0"));
const macs = fc.array(hexByte, { minLength: 6, maxLength: 6 }).map((bytes) => bytes.join(":"));
const ipv4 = fc.ipV4().filter((ip) => ip !== "0.0.0.0");
const ipv6 = fc.ipV6().filter((ip) => /[1-9a-f]/i.test(ip));

interface Json {
  readonly type?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Json[];
  readonly properties?: Readonly<Record<string, Json>>;
  readonly additionalProperties?: Json | false;
  readonly items?: Json;
  readonly pattern?: string;
}
function fromJson({ type, minimum = 0, maximum = 0xffff_ffff, ...json }: Json): fc.Arbitrary<unknown> {
  if (json.enum !== undefined) return fc.constantFrom(...json.enum);
  if (json.const !== undefined) return fc.constant(json.const);
  if (json.anyOf !== undefined) return fc.oneof(...json.anyOf.map(fromJson));
  if (json.format === "ipv4") return ipv4;
  if (json.format === "ipv6") return ipv6;
  if (json.pattern !== undefined) return fc.stringMatching(new RegExp(json.pattern));
  if (json.items !== undefined) return fc.array(fromJson(json.items), { maxLength: 5 });
  if (json.additionalProperties !== undefined && json.additionalProperties !== false)
    return fc.dictionary(fc.nat(7).map(String), fromJson(json.additionalProperties));
  if (type === "boolean") return fc.boolean();
  if (type === "integer") return fc.integer({ min: minimum, max: maximum });
  if (type === "number")
    return fc.integer({ min: minimum * 100, max: maximum * 100 }).map((hundredths) => hundredths / 100);
  if (type === "null") return fc.constant(null);
  if (type === "object")
    return fc.record(Object.fromEntries(Object.entries(json.properties ?? {}).map(([k, v]) => [k, fromJson(v)])));
  return fc.string({ maxLength: 100 });
}

/** Values that a shape accepts. */
export function valuesOf(shape: Shape<unknown>): fc.Arbitrary<unknown> {
  if (shape === mac) return macs;
  if (shape === address) return fc.oneof(ipv4, ipv6);
  if (shape === linkName || shape.expected.startsWith(linkName.expected)) return fc.constantFrom(...NAMES);
  const [, example] = /^a prefix such as (\S+)$/.exec(shape.expected) ?? [];
  if (example !== undefined) return fc.constant(example);
  return fromJson(shape.json as Json).filter((value) => shape.accepts(value));
}

/** Any of the options that can be set, together. */
export function optionsOf(options: Options): fc.Arbitrary<Record<string, unknown>> {
  const settable = Object.entries(options).filter(([, { readOnly }]) => !readOnly);
  const parts = Object.fromEntries(settable.map(([key, { shape }]) => [key, valuesOf(shape)]));
  return fc.record(parts, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>;
}
