/**
 * Source: include/uapi/linux/pkt_sched.h (TCA_FQ_CODEL_*, struct tc_fq_codel_qd_stats), net/sched/sch_fq_codel.c
 * (fq_codel_policy, fq_codel_change, fq_codel_dump, fq_codel_dump_stats).
 */
import { boolean, integer, type Shape, seconds } from "../../shape/shape.ts";
import { at, attrs, struct, u8, u32 } from "../../wire/index.ts";
import { fromMicroseconds, microsecondsOf } from "../clock.ts";
import { kind } from "../kind.ts";
import { converted, type Option, same, switched } from "../option.ts";

function microseconds(path: string, shape: Shape<number>): Option<number> {
  return converted(path, shape, microsecondsOf, fromMicroseconds);
}
const time = seconds(4000);

/** Fair queuing with controlled delay: flows take turns, and packets that waited too long are dropped. */
export const fqCodel = kind({
  kind: "fq_codel",
  wire: attrs("TCA_FQ_CODEL", {
    target: at(1, u32),
    limit: at(2, u32),
    interval: at(3, u32),
    ecn: at(4, u32),
    flows: at(5, u32),
    quantum: at(6, u32),
    ceThreshold: at(7, u32),
    dropBatchSize: at(8, u32),
    memoryLimit: at(9, u32),
    ceThresholdSelector: at(10, u8),
    ceThresholdMask: at(11, u8),
  }),
  options: {
    /** Seconds that a packet may wait, default 0.005. */
    target: microseconds("target", time),
    /** Packets that may wait, default 10240. */
    limit: same("limit", integer(1, 0xffff_ffff, "packets")),
    /** Seconds, about the longest round trip of the traffic; default 0.1. */
    interval: microseconds("interval", time),
    /** Whether packets are marked instead of dropped where their sender can be told so. Default true. */
    ecn: switched("ecn", boolean),
    /** Queues that flows are put into, 1 to 65536, default 1024. Linux does not change it. */
    flows: same("flows", integer(1, 65_536)),
    /** Bytes that a flow may send in its turn; default one packet of the link. */
    quantum: same("quantum", integer(256, 1 << 20, "bytes")),
    /** Seconds above which every packet that can be is marked; default never. */
    ceThreshold: microseconds("ceThreshold", time),
    /** Packets that are dropped at once when `limit` or `memoryLimit` is exceeded, default 64. */
    dropBatch: same("dropBatchSize", integer(1, 0xffff_ffff, "packets")),
    /** Bytes of memory that waiting packets may take, default 32 MiB. */
    memoryLimit: same("memoryLimit", integer(0, 0x7fff_ffff, "bytes")),
    /** `ceThreshold` is for packets only whose DS field, under the mask, has this value. Linux 5.16 and later. */
    ceThresholdSelector: same("ceThresholdSelector", integer(0, 255)),
    ceThresholdMask: same("ceThresholdMask", integer(0, 255)),
  },
  counters: struct("tc_fq_codel_xstats", {
    /** 0: of the qdisc. */
    _type: u32,
    maxPacket: u32,
    dropOverlimit: u32,
    ecnMark: u32,
    newFlowCount: u32,
    newFlowsLength: u32,
    oldFlowsLength: u32,
    ceMark: u32,
    memoryUsed: u32,
    dropOvermemory: u32,
  }),
  check: ({ ceThresholdSelector, ceThresholdMask, ceThreshold }) =>
    (ceThresholdSelector ?? ceThresholdMask) !== undefined && ceThreshold === undefined
      ? { key: "ceThresholdSelector", reason: "needs ceThreshold" }
      : undefined,
});
