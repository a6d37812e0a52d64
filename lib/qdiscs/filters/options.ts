/**
 * What flower matches in lists and nests: labels of MPLS, and what a tunnel's header carries beside its key.
 *
 * Source: include/uapi/linux/pkt_cls.h (TCA_FLOWER_KEY_MPLS_OPT_*, TCA_FLOWER_KEY_ENC_OPT_*), net/sched/cls_flower.c
 * (fl_set_key_mpls_lse, fl_set_geneve_opt, fl_set_vxlan_opt, fl_set_erspan_opt, fl_set_gtp_opt, fl_dump_key_options).
 */
import { boolean, choice, integer, type Shape, type Shapes } from "../../shape/shape.ts";
import { align, at, attrs, be16, be32, bytes, type Field, type In, many, type Out, u8, u32 } from "../../wire/index.ts";
import { custom, type Option, valueAt, type Wire } from "../option.ts";
import { hexParts, hexShape, hexText, joinedNumber, type MaskedNumber, maskedShape, numberParts } from "./masked.ts";

const lse = attrs("TCA_FLOWER_KEY_MPLS_OPT_LSE", {
  depth: at(1, u8),
  ttl: at(2, u8),
  bos: at(3, u8),
  tc: at(4, u8),
  label: at(5, u32),
});
export const mplsOpts = attrs("TCA_FLOWER_KEY_MPLS_OPTS", { lse: many(1, lse) });
const geneve = attrs("TCA_FLOWER_KEY_ENC_OPT_GENEVE", { class: at(1, be16), type: at(2, u8), data: at(3, bytes) });
type Geneve = Out<typeof geneve>;
/** Each option is set in a nest of its own, and all are told one after the other in one. */
const geneveOptions: Field<readonly In<typeof geneve>[], readonly Geneve[]> = {
  ...many(1, geneve),
  read(from, _, start, end, before = []) {
    const options: Geneve[] = [...before];
    for (let at = start, first = start; at < end; ) {
      const next = at + align(from.u16[at >> 1] as number);
      if (next >= end || next === at || from.u16[(next >> 1) + 1] === 1) {
        options.push(geneve.read(from, first, Math.min(next, end)));
        first = next;
      }
      at = next === at ? end : next;
    }
    return options;
  },
};
export const encOpts = attrs("TCA_FLOWER_KEY_ENC_OPTS", {
  geneve: geneveOptions,
  vxlan: at(2, attrs("TCA_FLOWER_KEY_ENC_OPT_VXLAN", { gbp: at(1, u32) })),
  erspan: at(
    3,
    attrs("TCA_FLOWER_KEY_ENC_OPT_ERSPAN", { ver: at(1, u8), index: at(2, be32), dir: at(3, u8), hwid: at(4, u8) }),
  ),
  gtp: at(4, attrs("TCA_FLOWER_KEY_ENC_OPT_GTP", { pduType: at(1, u8), qfi: at(2, u8) })),
});

/** What is matched of one label of MPLS. */
export interface MatchedMplsLabel {
  /** 1 is the outermost, 7 the last that can be matched. */
  readonly depth: number;
  /** 0 to 1048575. */
  readonly label?: number | undefined;
  /** Traffic class, 0 to 7. */
  readonly tc?: number | undefined;
  /** Whether it is the last label. */
  readonly bos?: boolean | undefined;
  /** 0 to 255. */
  readonly ttl?: number | undefined;
}
/** One option in the header of Geneve. */
export interface MatchedGeneveOption {
  /** Who defines it: 0 to 65535. */
  readonly class: MaskedNumber;
  /** 0 to 255. */
  readonly type: MaskedNumber;
  /** 4 to 128 bytes in hexadecimal, a multiple of 4; with a mask where not all bits count: `0a0b0c0d/ffff0000`. */
  readonly data: string;
}
/** What is matched of the header of a VXLAN with `gbp`. */
export interface MatchedVxlanOptions {
  /** Number of the group policy, 0 to 65535; with 0x80000 where it was applied, and 0x400000 for no learning. */
  readonly gbp: MaskedNumber;
}
/** What is matched of the header of ERSPAN: of version 1 the index, of version 2 direction and hardware. */
export type MatchedErspanOptions =
  | { readonly version: 1; readonly index?: MaskedNumber | undefined }
  | {
      readonly version: 2;
      readonly dir?: "ingress" | "egress" | undefined;
      /** 6 bits. */
      readonly hwid?: MaskedNumber | undefined;
    };
/** What is matched of the header of GTP. */
export interface MatchedGtpOptions {
  /** 0 to 255. */
  readonly pduType?: MaskedNumber | undefined;
  /** Flow of a quality of service, 0 to 255. */
  readonly qfi?: MaskedNumber | undefined;
}

export const mplsShapes = { label: integer(0, 0xf_ffff), tc: integer(0, 7), bos: boolean, ttl: integer(0, 255) };

/** An object with some of these properties and no others; `needed` are there. */
function objectOf<T>(expected: string, shapes: Shapes, ...needed: readonly string[]): Shape<T> {
  const properties = Object.fromEntries(Object.entries(shapes).map(([key, { json }]) => [key, json]));
  return {
    expected,
    json: { type: "object", properties, required: needed, additionalProperties: false },
    accepts(value): value is T {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
      const given = Object.entries(value).filter(([, part]) => part !== undefined);
      return (
        needed.every((key) => given.some(([name]) => name === key)) &&
        given.every(([key, part]) => Object.hasOwn(shapes, key) && shapes[key]?.accepts(part))
      );
    },
  };
}
function listOf<T>(one: Shape<T>, expected: string): Shape<readonly T[]> {
  return {
    expected,
    json: { type: "array", items: one.json, minItems: 1 },
    accepts: (value): value is readonly T[] =>
      Array.isArray(value) && value.length > 0 && value.every((part) => one.accepts(part)),
  };
}

const mplsLabel = objectOf<MatchedMplsLabel>("", { depth: integer(1, 7), ...mplsShapes }, "depth");
/** Labels by their depth. */
export const mplsLabels: Option<readonly MatchedMplsLabel[]> = custom(
  ["keyMplsOpts"],
  listOf(mplsLabel, "a list of labels such as { depth: 1, label: 100, tc: 0, bos: true, ttl: 64 }"),
  (labels) => ({
    keyMplsOpts: {
      lse: labels.map(({ bos, ...rest }) => ({ ...rest, bos: bos === undefined ? undefined : Number(bos) })),
    },
  }),
  (wire) => {
    const { lse = [] } = (wire["keyMplsOpts"] ?? {}) as { readonly lse?: readonly Wire[] };
    const labels = lse.map(({ bos, ...rest }) => ({ ...rest, ...(bos === undefined ? {} : { bos: bos !== 0 }) }));
    return labels.length === 0 ? undefined : (labels as unknown as readonly MatchedMplsLabel[]);
  },
);

/** Both nests of one sort of header: what is matched, and which bits of it. */
function encOption<T, W>(
  key: keyof (typeof encOpts)["fields"],
  shape: Shape<T>,
  toWire: (value: T) => readonly [value: W, mask: W],
  fromWire: (value: W, mask: W | undefined) => T,
): Option<T> {
  const [path, masked] = [`keyEncOpts.${key}`, `keyEncOptsMask.${key}`];
  return custom<T>(
    [path, masked],
    shape,
    (value) => {
      const [matched, mask] = toWire(value);
      return { [path]: matched, [masked]: mask };
    },
    (wire) => {
      const matched = valueAt(wire, path) as W | undefined;
      return matched === undefined ? undefined : fromWire(matched, valueAt(wire, masked) as W | undefined);
    },
  );
}
type Numbers = Readonly<Record<string, number | undefined>>;
/** Numbers of `sizes` bits each; those that are not named match everything. */
function numbersToWire(sizes: Readonly<Record<string, number>>, values: object): readonly [Numbers, Numbers] {
  const parts = Object.entries(sizes).map(([key, bits]) => {
    const value = (values as Readonly<Record<string, MaskedNumber | undefined>>)[key];
    return [key, value === undefined ? [0, 0] : numberParts(value, bits)] as const;
  });
  return [
    Object.fromEntries(parts.map(([key, [value]]) => [key, value])),
    Object.fromEntries(parts.map(([key, [, mask]]) => [key, mask])),
  ];
}
function numbersFromWire(sizes: Readonly<Record<string, number>>, value: Numbers, mask: Numbers = {}): object {
  const parts = Object.entries(sizes).map(([key, bits]) => [key, joinedNumber(value[key], mask[key], bits)]);
  return Object.fromEntries(parts.filter(([, part]) => part !== undefined));
}

const geneveOption = objectOf<MatchedGeneveOption>(
  "",
  { class: maskedShape(16), type: maskedShape(8), data: hexShape(4, 128) },
  "class",
  "type",
  "data",
);
const NOTHING = new Uint8Array();
/** A number of which no bit counts. */
const NONE = { value: 0, mask: 0 };
export const geneveOpts: Option<readonly MatchedGeneveOption[]> = encOption(
  "geneve",
  listOf(geneveOption, "a list of options such as { class: 0x102, type: 0x80, data: 0a0b0c0d }"),
  (options) => {
    const parts = options.map((one) => {
      const [number, type, data] = [numberParts(one.class, 16), numberParts(one.type, 8), hexParts(one.data)];
      return [0, 1].map((i) => ({ class: number[i], type: type[i], data: data[i] }) as Geneve);
    });
    return [parts.map(([value]) => value as Geneve), parts.map(([, mask]) => mask as Geneve)];
  },
  (values: readonly Geneve[], masks = []) =>
    values.map(({ class: number = 0, type = 0, data = NOTHING }, i) => ({
      class: joinedNumber(number, masks[i]?.class, 16) ?? NONE,
      type: joinedNumber(type, masks[i]?.type, 8) ?? NONE,
      data: hexText(data, masks[i]?.data),
    })),
);

/** Bits of a group policy that the kernel keeps: the number, "was applied", "do not learn". Source: VXLAN_GBP_MASK. */
const GBP = 0x48_ffff;
const gbp: Shape<MaskedNumber> = {
  ...maskedShape(23),
  expected:
    "a number from 0 to 65535, with 0x80000 for a policy that was applied, 0x400000 for no learning; or { value, mask }",
  accepts(value): value is MaskedNumber {
    if (!maskedShape(23).accepts(value)) return false;
    return numberParts(value, 23)[0] === (numberParts(value, 23)[0] & GBP);
  },
};
export const vxlanOpts: Option<MatchedVxlanOptions> = encOption<MatchedVxlanOptions, { readonly gbp?: number }>(
  "vxlan",
  objectOf("{ gbp } with a number from 0 to 65535, or { value, mask }", { gbp }, "gbp"),
  ({ gbp: of }) => (typeof of === "number" ? [{ gbp: of }, { gbp: GBP }] : [{ gbp: of.value }, { gbp: of.mask }]),
  ({ gbp: value = 0 }, { gbp: mask = GBP } = {}) => ({
    gbp: (mask & GBP) === GBP ? value : { value, mask: mask & GBP },
  }),
);

const GTP = { pduType: 8, qfi: 8 };
export const gtpOpts: Option<MatchedGtpOptions> = encOption(
  "gtp",
  objectOf<MatchedGtpOptions>("{ pduType, qfi } with numbers from 0 to 255, or { value, mask }", {
    pduType: maskedShape(8),
    qfi: maskedShape(8),
  }),
  (options) => numbersToWire(GTP, options),
  (value, mask) => numbersFromWire(GTP, value, mask) as MatchedGtpOptions,
);

const DIRECTIONS = ["ingress", "egress"] as const;
const erspan1 = objectOf<MatchedErspanOptions>("", { version: integer(1, 1), index: maskedShape(32) }, "version");
const erspan2 = objectOf<MatchedErspanOptions>(
  "",
  { version: integer(2, 2), dir: choice(...DIRECTIONS), hwid: maskedShape(6) },
  "version",
);
const erspanShape: Shape<MatchedErspanOptions> = {
  expected: "{ version: 1, index }, or { version: 2, dir, hwid } with dir ingress or egress",
  json: { anyOf: [erspan1.json, erspan2.json] },
  accepts: (value): value is MatchedErspanOptions => erspan1.accepts(value) || erspan2.accepts(value),
};
export const erspanOpts: Option<MatchedErspanOptions> = encOption<MatchedErspanOptions, Numbers>(
  "erspan",
  erspanShape,
  (options) => {
    // The kernel reads both by the version that stands in each.
    const ver = options.version;
    if (options.version === 1) {
      const [value, mask] = numbersToWire({ index: 32 }, options);
      return [
        { ver, ...value },
        { ver, ...mask },
      ];
    }
    const { dir, hwid } = options;
    const of = { dir: dir === undefined ? undefined : DIRECTIONS.indexOf(dir), hwid };
    const [value, mask] = numbersToWire({ dir: 1, hwid: 6 }, of);
    return [
      { ver, ...value },
      { ver, ...mask },
    ];
  },
  (value, mask) => {
    if (value["ver"] === 1) return { version: 1, ...numbersFromWire({ index: 32 }, value, mask) };
    const { dir } = numbersFromWire({ dir: 1 }, value, mask) as { readonly dir?: number };
    const told = dir === undefined ? {} : { dir: dir === 1 ? ("egress" as const) : ("ingress" as const) };
    return { version: 2, ...told, ...numbersFromWire({ hwid: 6 }, value, mask) };
  },
);
