/**
 * Qdiscs, classes and filters on the wire.
 *
 * Source: include/uapi/linux/rtnetlink.h (TCA_*), net/sched/sch_api.c (rtm_tca_policy, tc_fill_qdisc, tc_fill_tclass),
 * net/sched/cls_api.c (tcf_fill_node).
 */
import {
  RTM_DELQDISC,
  RTM_DELTCLASS,
  RTM_DELTFILTER,
  RTM_GETQDISC,
  RTM_GETTCLASS,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTCLASS,
  RTM_NEWTFILTER,
  tcmsg,
} from "../families/tc.ts";
import { at, attrs, body, bytes, flag, type MessageOut, message, padding, text, u8, u32 } from "../wire/index.ts";
import { filterKinds } from "./filters/index.ts";
import { type AnyKind, kindAndOptions } from "./kind.ts";
import { classKinds, qdiscKinds } from "./kinds/index.ts";
import { stats } from "./statistics.ts";

/** A table of declarations, looked up by name. */
export type KindTable = Readonly<Record<string, AnyKind>>;
export const qdiscTable: KindTable = qdiscKinds as never;
export const classTable: KindTable = classKinds as never;
export const filterTable: KindTable = filterKinds as never;

function tca(kinds: KindTable) {
  return attrs("TCA", {
    options: kindAndOptions(1, 2, kinds),
    /** The older form of {@link stats2}, which has all of it but 64-bit counters. */
    stats: at(3, bytes),
    xstats: at(4, bytes),
    rate: at(5, bytes),
    fcnt: at(6, bytes),
    stats2: at(7, stats),
    stab: at(8, bytes),
    pad: padding(9),
    dumpInvisible: flag(10),
    chain: at(11, u32),
    hwOffload: at(12, u8),
    ingressBlock: at(13, u32),
    egressBlock: at(14, u32),
    dumpFlags: at(15, bytes),
    extWarnMsg: at(16, text),
  });
}
export const qdiscAttributes = tca(qdiscTable);

const qdiscBody = body(tcmsg, qdiscAttributes);
export const newqdisc = message("RTM_NEWQDISC", RTM_NEWQDISC, qdiscBody);
export const delqdisc = message("RTM_DELQDISC", RTM_DELQDISC, qdiscBody);
export const getqdisc = message("RTM_GETQDISC", RTM_GETQDISC, qdiscBody);

const classBody = body(tcmsg, tca(classTable));
export const newclass = message("RTM_NEWTCLASS", RTM_NEWTCLASS, classBody);
export const delclass = message("RTM_DELTCLASS", RTM_DELTCLASS, classBody);
export const getclass = message("RTM_GETTCLASS", RTM_GETTCLASS, classBody);

const filterBody = body(tcmsg, tca(filterTable));
export const newfilter = message("RTM_NEWTFILTER", RTM_NEWTFILTER, filterBody);
export const delfilter = message("RTM_DELTFILTER", RTM_DELTFILTER, filterBody);
export const getfilter = message("RTM_GETTFILTER", RTM_GETTFILTER, filterBody);

/** What is read of any of them. */
export type TcMessage = MessageOut<typeof newqdisc>;
