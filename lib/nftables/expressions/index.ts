/**
 * The table of expressions: a new one is its file and two lines here. What is not in it (such as the `match` and `target`
 * of iptables-nft) is kept whole, as `{ kind: "#match", data: bytes }`.
 *
 * Source: enum nft_expr_attributes, nft_list_attributes; net/netfilter/nf_tables_api.c nft_expr_policy, nf_tables_fill_expr_info.
 */
import { attrs, type Codec, type In, many, type Out, tagged } from "../../wire/index.ts";
import { bitwise } from "./bitwise.ts";
import { byteorder } from "./byteorder.ts";
import { cmp } from "./cmp.ts";
import { counter } from "./counter.ts";
import { ct } from "./ct.ts";
import { exthdr } from "./exthdr.ts";
import { immediate } from "./immediate.ts";
import { limit } from "./limit.ts";
import { log } from "./log.ts";
import { lookup } from "./lookup.ts";
import { masq } from "./masq.ts";
import { meta } from "./meta.ts";
import { nat } from "./nat.ts";
import { objref } from "./objref.ts";
import { payload } from "./payload.ts";
import { range } from "./range.ts";
import { redir } from "./redir.ts";
import { reject } from "./reject.ts";
import { rt } from "./rt.ts";

export const kinds = {
  bitwise,
  byteorder,
  cmp,
  counter,
  ct,
  exthdr,
  immediate,
  limit,
  log,
  lookup,
  masq,
  meta,
  nat,
  objref,
  payload,
  range,
  redir,
  reject,
  rt,
} as const;

const element = attrs("NFTA_EXPR", { expr: tagged(1, 2, kinds) });
const list = attrs("NFTA_LIST", { elem: many(1, element) });

/** One step of a rule, as the kernel runs it: `{ kind: "meta", data: { key: "iifname", dreg: 1 } }`. */
export type Expression = NonNullable<Out<typeof element>["expr"]>;
type Writable = NonNullable<In<typeof element>["expr"]>;

/** The steps of a rule in order. */
export const expressions: Codec<readonly Expression[]> = {
  ...list,
  write: (out, steps) => list.write(out, { elem: steps.map((expr) => ({ expr: expr as Writable })) }),
  read: (from, start, end) => (list.read(from, start, end).elem ?? []).flatMap(({ expr }) => (expr ? [expr] : [])),
};
