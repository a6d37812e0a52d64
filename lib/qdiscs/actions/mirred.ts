/** Source: include/uapi/linux/tc_act/tc_mirred.h, net/sched/act_mirred.c (mirred_policy, tcf_mirred_init, tcf_mirred_dump). */
import { choice, linkName } from "../../shape/shape.ts";
import { at, attrs, bytes, padding, s32, struct, u32 } from "../../wire/index.ts";
import { control, controlNumber, controlOf, type TcControl } from "../control.ts";
import { kind } from "../kind.ts";
import { converted, custom, reference } from "../option.ts";
import { generic } from "./generic.ts";

type Mode = "redirect" | "mirror";
type Direction = "egress" | "ingress";
/** TCA_EGRESS_REDIR and so on. */
const EACTIONS: readonly (readonly [direction: Direction, mode: Mode, number: number])[] = [
  ["egress", "redirect", 1],
  ["egress", "mirror", 2],
  ["ingress", "redirect", 3],
  ["ingress", "mirror", 4],
];

/** Sends packets, or copies of them, to another link. */
export const mirred = kind({
  kind: "mirred",
  wire: attrs("TCA_MIRRED", {
    tm: at(1, bytes),
    parms: at(2, struct("tc_mirred", { ...generic, eaction: s32, ifindex: u32 })),
    pad: padding(3),
    blockid: at(4, u32),
  }),
  options: {
    /** Whether the packet itself goes there, or a copy. */
    mode: custom<Mode>(
      ["parms.eaction"],
      choice("redirect", "mirror"),
      (mode, { values: { direction = "egress" } }) => ({
        "parms.eaction": EACTIONS.find(([way, what]) => way === direction && what === mode)?.[2],
      }),
      (wire) => EACTIONS.find(([, , number]) => number === numberIn(wire))?.[1],
    ),
    /** Whether it leaves by that link, or arrives at it. Default egress. */
    direction: custom<Direction>(
      [],
      choice("egress", "ingress"),
      () => ({}),
      (wire) => EACTIONS.find(([, , number]) => number === numberIn(wire))?.[0],
    ),
    /** Name of the link. */
    dev: reference("parms.ifindex", linkName),
    /** What becomes of the packet here; default stolen where it is redirected, pipe where it is mirrored. */
    control: converted<TcControl, number>("parms.action", control, controlNumber, controlOf),
  },
  needed: ["mode", "dev"],
  defaults: ({ mode }): { control: TcControl } => ({ control: mode === "mirror" ? "pipe" : "stolen" }),
});

function numberIn(wire: Readonly<Record<string, unknown>>): number | undefined {
  return (wire["parms"] as { eaction: number } | undefined)?.eaction;
}
