/** Source: include/uapi/linux/pkt_cls.h (TCA_MATCHALL_*), net/sched/cls_matchall.c (mall_policy, mall_dump). */
import { at, attrs, bytes, padding, u32 } from "../../wire/index.ts";
import { actionList } from "../action.ts";
import { kind } from "../kind.ts";
import { classid, hardwareFlags } from "./shared.ts";

/** Every packet. */
export const matchall = kind({
  kind: "matchall",
  wire: attrs("TCA_MATCHALL", {
    classid: at(1, u32),
    act: at(2, actionList),
    flags: at(3, u32),
    pcnt: at(4, bytes),
    pad: padding(5),
  }),
  options: { classid, ...hardwareFlags },
});
