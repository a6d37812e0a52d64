/**
 * Kinds without options.
 *
 * Source: net/sched/sch_ingress.c (ingress_dump, clsact), net/sched/sch_generic.c (noqueue_qdisc_ops), net/sched/sch_mq.c.
 */
import { attrs } from "../../wire/index.ts";
import { type Kind, kind } from "../kind.ts";

function bare<const N extends string>(name: N): Kind<N, Record<never, never>> {
  return kind({ kind: name, wire: attrs("TCA", {}), options: {} });
}

/** No queue: what virtual links have by default. */
export const noqueue = bare("noqueue");
/** Not a queue, but a place for filters of what arrives. */
export const ingress = bare("ingress");
/** A place for filters of what arrives and of what leaves. */
export const clsact = bare("clsact");
/** One queue for each of a device's: what such devices have by default. */
export const mq = bare("mq");
