/** Source: include/uapi/linux/pkt_sched.h (struct tc_prio_qopt, TCQ_PRIO_BANDS), net/sched/sch_prio.c (prio_tune, prio_dump). */
import { integer, list, type Shape } from "../../shape/shape.ts";
import { array, type Fixed, s32, struct, u8 } from "../../wire/index.ts";
import { kind, lone } from "../kind.ts";
import { same } from "../option.ts";

/** TC_PRIO_MAX + 1 */
const PRIORITIES = 16;
const eachPriority: Fixed<readonly number[]> = { ...array(u8), size: PRIORITIES };
export const prioQopt = struct("tc_prio_qopt", { bands: s32, priomap: eachPriority });
export interface PrioQopt {
  readonly bands: number;
  readonly priomap: readonly number[];
}
const map: Shape<readonly number[]> = {
  ...list(integer(0, 15)),
  expected: `${PRIORITIES} bands, one for each priority`,
  accepts: (value): value is readonly number[] => list(integer(0, 15)).accepts(value) && value.length === PRIORITIES,
};
/** By the type of service: interactive first, bulk last. */
const MAP = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];

const options = {
  /** Queues, 2 to 16, default 3; a band is served when those before it are empty. */
  bands: same("qopt.bands", integer(2, 16)),
  /** Band of each of 16 priorities. */
  priomap: same("qopt.priomap", map),
};

/** Queues of which the first is always served first. */
export const prio = kind({
  kind: "prio",
  wire: lone("qopt", prioQopt),
  options,
  whole: true,
  defaults: ({ bands = 3 }) => ({ bands, priomap: MAP.map((band) => Math.min(band, bands - 1)) }),
  check({ bands = 3, priomap = [] }) {
    const beyond = priomap.find((band) => band >= bands);
    return beyond === undefined ? undefined : { key: "priomap", reason: `band ${beyond} is not one of ${bands}` };
  },
});
