/** Options that every kind of filter has. Source: include/uapi/linux/pkt_cls.h (TCA_CLS_FLAGS_*). */
import { boolean } from "../../shape/shape.ts";
import { classHandle, handleNumber, handleText } from "../handle.ts";
import { converted, custom, type Option, type Status, status } from "../option.ts";

const FLAGS = { skipHw: 1, skipSw: 2, inHw: 4, notInHw: 8 } as const;

/** The class that packets go to. */
export const classid = converted("classid", classHandle, handleNumber, handleText);

function flagAt(word: "skipHw" | "skipSw"): Option<boolean> {
  return custom<boolean>(
    ["flags"],
    boolean,
    // Both words write the whole of the flags.
    (_, { values }) => ({
      flags: (values["skipHw"] === true ? FLAGS.skipHw : 0) | (values["skipSw"] === true ? FLAGS.skipSw : 0),
    }),
    (wire) => (((wire["flags"] as number | undefined) ?? 0) & FLAGS[word] ? true : undefined),
  );
}
const inHw: Status<boolean> = status("flags", (flags: number) => (flags & FLAGS.inHw ? true : undefined));

/** Whether hardware, and whether the kernel, does the work; by default both try. */
export const hardwareFlags = { skipHw: flagAt("skipHw"), skipSw: flagAt("skipSw"), inHw };
