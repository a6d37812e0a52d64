/**
 * Policy rules on the wire: which table is asked for which packets.
 *
 * Source: include/uapi/linux/fib_rules.h (FRA_*, FR_ACT_*, FIB_RULE_*), net/core/fib_rules.c (fib_rule_policy,
 * fib_nl_fill_rule), net/ipv4/fib_rules.c (fib4_rule_fill), net/ipv6/fib6_rules.c (fib6_rule_fill).
 */
import { fibRuleHdr, RTM_DELRULE, RTM_GETRULE, RTM_NEWRULE } from "../families/route.ts";
import { at, attrs, be32, be64, body, bytes, ip, message, padding, struct, text, u8, u16, u32 } from "../wire/index.ts";

const uidRange = struct("fib_rule_uid_range", { start: u32, end: u32 });
/** In the order of this machine's bytes, unlike ports elsewhere. */
const portRange = struct("fib_rule_port_range", { start: u16, end: u16 });

export const fra = attrs("FRA", {
  dst: at(1, ip),
  src: at(2, ip),
  iifname: at(3, text),
  goto: at(4, u32),
  unused2: at(5, bytes),
  priority: at(6, u32),
  unused3: at(7, bytes),
  unused4: at(8, bytes),
  unused5: at(9, bytes),
  fwmark: at(10, u32),
  flow: at(11, u32),
  tunId: at(12, be64),
  /** All bits: none. So it is with `suppressPrefixlen`. */
  suppressIfgroup: at(13, u32),
  suppressPrefixlen: at(14, u32),
  table: at(15, u32),
  fwmask: at(16, u32),
  oifname: at(17, text),
  pad: padding(18),
  l3mdev: at(19, u8),
  uidRange: at(20, uidRange),
  protocol: at(21, u8),
  ipProto: at(22, u8),
  sportRange: at(23, portRange),
  dportRange: at(24, portRange),
  dscp: at(25, u8),
  flowlabel: at(26, be32),
  flowlabelMask: at(27, be32),
  sportMask: at(28, u16),
  dportMask: at(29, u16),
  dscpMask: at(30, u8),
});

const payload = body(fibRuleHdr, fra);
export const newrule = message("RTM_NEWRULE", RTM_NEWRULE, payload);
export const delrule = message("RTM_DELRULE", RTM_DELRULE, payload);
export const getrule = message("RTM_GETRULE", RTM_GETRULE, payload);

/** What a rule does (fib_rule_hdr.action). */
export const FR_ACT = {
  UNSPEC: 0,
  TO_TBL: 1,
  GOTO: 2,
  NOP: 3,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
} as const;
/** Bits of fib_rule_hdr.flags. */
export const FIB_RULE = {
  PERMANENT: 0x1,
  INVERT: 0x2,
  UNRESOLVED: 0x4,
  IIF_DETACHED: 0x8,
  OIF_DETACHED: 0x10,
  FIND_SADDR: 0x1_0000,
} as const;
