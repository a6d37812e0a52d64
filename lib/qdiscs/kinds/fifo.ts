/** Source: include/uapi/linux/pkt_sched.h (struct tc_fifo_qopt), net/sched/sch_fifo.c (__fifo_init, __fifo_dump). */
import { integer } from "../../shape/shape.ts";
import { struct, u32 } from "../../wire/index.ts";
import { kind, lone } from "../kind.ts";
import { same } from "../option.ts";

const wire = lone("qopt", struct("tc_fifo_qopt", { limit: u32 }));

/** One queue, limited by packets. */
export const pfifo = kind({
  kind: "pfifo",
  wire,
  options: {
    /** Packets that may wait; default the link's `txqlen`. */
    limit: same("qopt.limit", integer(0, 0xffff_ffff, "packets")),
  },
});
/** One queue, limited by bytes. */
export const bfifo = kind({
  kind: "bfifo",
  wire,
  options: {
    /** Bytes that may wait; default the link's `txqlen` packets of its MTU. */
    limit: same("qopt.limit", integer(0, 0xffff_ffff, "bytes")),
  },
});
