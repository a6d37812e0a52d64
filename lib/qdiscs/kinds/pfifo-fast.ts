/** Source: net/sched/sch_generic.c (pfifo_fast_ops, pfifo_fast_dump). */
import { kind, lone } from "../kind.ts";
import { status } from "../option.ts";
import { prioQopt } from "./prio.ts";

/** Three queues by the type of service: what links with queues have by default. It has no options. */
export const pfifoFast = kind({
  kind: "pfifo_fast",
  wire: lone("qopt", prioQopt),
  options: {
    bands: status("qopt.bands", (value: number) => value),
    priomap: status("qopt.priomap", (value: readonly number[]) => value),
  },
});
