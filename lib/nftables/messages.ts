/**
 * The messages of nf_tables that this library sends and reads.
 *
 * Source: include/uapi/linux/netfilter/nf_tables.h; net/netfilter/nf_tables_api.c nft_table_policy, nft_chain_policy,
 * nft_hook_policy, nft_rule_policy, nft_obj_policy; nf_tables_fill_table_info, nf_tables_fill_chain_info,
 * nf_tables_fill_rule_info, nf_tables_fill_obj_info, nf_tables_fill_gen_info.
 */
import { nftMessage } from "../families/netfilter.ts";
import { at, attrs, be32, be64, bits, bytes, many, oneOf, padding, text } from "../wire/index.ts";
import { counter } from "./expressions/counter.ts";
import { sbe32 } from "./expressions/data.ts";
import { expressions } from "./expressions/index.ts";
import { objectType } from "./expressions/objref.ts";

/** NFTA_TABLE_*. */
export const tableAttrs = attrs("NFTA_TABLE", {
  name: at(1, text),
  flags: at(2, bits(be32, { dormant: 1, owner: 2, persist: 4 })),
  use: at(3, be32),
  handle: at(4, be64),
  pad: padding(5),
  userdata: at(6, bytes),
  owner: at(7, be32),
});

const hook = attrs("NFTA_HOOK", {
  hooknum: at(1, be32),
  priority: at(2, sbe32),
  dev: at(3, text),
  devs: at(4, attrs("NFTA_DEVICE", { name: many(1, text) })),
});

/** NFTA_CHAIN_*. */
export const chainAttrs = attrs("NFTA_CHAIN", {
  table: at(1, text),
  handle: at(2, be64),
  name: at(3, text),
  hook: at(4, hook),
  policy: at(5, oneOf(be32, { drop: 0, accept: 1 })),
  use: at(6, be32),
  type: at(7, text),
  counters: at(8, counter),
  pad: padding(9),
  flags: at(10, bits(be32, { base: 1, hwOffload: 2, binding: 4 })),
  id: at(11, be32),
  userdata: at(12, bytes),
});

/** NFTA_RULE_*. */
export const ruleAttrs = attrs("NFTA_RULE", {
  table: at(1, text),
  chain: at(2, text),
  handle: at(3, be64),
  expressions: at(4, expressions),
  compat: at(5, attrs("NFTA_RULE_COMPAT", { proto: at(1, be32), flags: at(2, be32) })),
  position: at(6, be64),
  userdata: at(7, bytes),
  pad: padding(8),
  id: at(9, be32),
  positionId: at(10, be32),
  chainId: at(11, be32),
});

/** NFTA_OBJ_*: named counters are written; other objects are read with their data raw. */
export const objectAttrs = attrs("NFTA_OBJ", {
  table: at(1, text),
  name: at(2, text),
  type: at(3, objectType),
  data: at(4, counter),
  use: at(5, be32),
  handle: at(6, be64),
  pad: padding(7),
  userdata: at(8, bytes),
});

const genAttrs = attrs("NFTA_GEN", { id: at(1, be32), procPid: at(2, be32), procName: at(3, text) });

export const newTable = nftMessage("NEWTABLE", tableAttrs);
export const getTable = nftMessage("GETTABLE", tableAttrs);
export const delTable = nftMessage("DELTABLE", tableAttrs);
export const newChain = nftMessage("NEWCHAIN", chainAttrs);
export const getChain = nftMessage("GETCHAIN", chainAttrs);
export const newRule = nftMessage("NEWRULE", ruleAttrs);
export const getRule = nftMessage("GETRULE", ruleAttrs);
export const newObject = nftMessage("NEWOBJ", objectAttrs);
export const getObject = nftMessage("GETOBJ", objectAttrs);
export const newGen = nftMessage("NEWGEN", genAttrs);
export const getGen = nftMessage("GETGEN", genAttrs);
