/** Source: include/uapi/linux/pkt_cls.h (tc_gen), the beginning of what most actions have. */
import { s32, u32 } from "../../wire/index.ts";

export const generic = { index: u32, capab: u32, action: s32, refcnt: s32, bindcnt: s32 };
