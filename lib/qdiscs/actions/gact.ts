/** Source: include/uapi/linux/tc_act/tc_gact.h, net/sched/act_gact.c (gact_policy, tcf_gact_init, tcf_gact_dump). */
import { choice, integer, type Shape } from "../../shape/shape.ts";
import { at, attrs, bytes, padding, s32, struct, u16 } from "../../wire/index.ts";
import { control, controlNumber, controlOf, type TcControl } from "../control.ts";
import { kind } from "../kind.ts";
import { converted, custom } from "../option.ts";
import { generic } from "./generic.ts";

const TYPES = { netrand: 1, determ: 2 } as const;
type Type = keyof typeof TYPES;
/** Now and then something else becomes of a packet: at random, or each `value`th. */
export interface RandomControl {
  readonly type: Type;
  readonly control: TcControl;
  /** One of so many packets. */
  readonly value: number;
}
const type = choice("netrand", "determ");
const value = integer(1, 10_000);
const random: Shape<RandomControl> = {
  expected: "{ type: netrand or determ, control, value: 1 to 10000 }",
  json: { type: "object" },
  accepts(one): one is RandomControl {
    const given = one as Partial<RandomControl> | null;
    if (typeof given !== "object" || given === null || Object.keys(given).length !== 3) return false;
    return type.accepts(given.type) && control.accepts(given.control) && value.accepts(given.value);
  },
};

/** The plain verdicts: pass, drop, go on elsewhere. */
export const gact = kind({
  kind: "gact",
  wire: attrs("TCA_GACT", {
    tm: at(1, bytes),
    parms: at(2, struct("tc_gact", generic)),
    prob: at(3, struct("tc_gact_p", { ptype: u16, pval: u16, paction: s32 })),
    pad: padding(4),
  }),
  options: {
    control: converted<TcControl, number>("parms.action", control, controlNumber, controlOf),
    random: custom<RandomControl>(
      ["prob"],
      random,
      (one) => ({ prob: { ptype: TYPES[one.type], pval: one.value, paction: controlNumber(one.control) } }),
      (wire) => {
        const told = wire["prob"] as { ptype: number; pval: number; paction: number } | undefined;
        const name = (Object.keys(TYPES) as Type[]).find((one) => TYPES[one] === told?.ptype);
        if (told === undefined || name === undefined) return undefined;
        return { type: name, control: controlOf(told.paction), value: told.pval };
      },
    ),
  },
  needed: ["control"],
});
