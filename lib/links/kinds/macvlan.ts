/**
 * Source: include/uapi/linux/if_link.h (IFLA_MACVLAN_*, MACVLAN_MODE_*, MACVLAN_MACADDR_*, MACVLAN_FLAG_*),
 * drivers/net/macvlan.c (macvlan_policy, macvlan_common_newlink, macvlan_changelink, macvlan_fill_info). A macvtap has
 * the same attributes (drivers/net/macvtap.c).
 */
import { boolean, choice, integer, list, mac } from "../../shape/shape.ts";
import { at, attrs, bits, mac as macAddress, many, oneOf, s32, u16, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { below, custom, type Option, type OptionsOf, same, status } from "../option.ts";

const MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 };
type Mode = keyof typeof MODES;
const wire = attrs("IFLA_MACVLAN", {
  mode: at(1, oneOf(u32, MODES)),
  flags: at(2, bits(u16, { nopromisc: 1, nodst: 2 })),
  macaddrMode: at(3, oneOf(u32, { add: 0, del: 1, flush: 2, set: 3 })),
  macaddr: at(4, macAddress),
  macaddrData: at(5, attrs("IFLA_MACVLAN", { macaddr: many(4, macAddress) })),
  macaddrCount: at(6, u32),
  bcQueueLen: at(7, u32),
  bcQueueLenUsed: at(8, u32),
  bcCutoff: at(9, s32),
});

/** A bit that is told with the others, and makes them all. They are of different modes. */
const flag = (key: "nopromisc" | "nodst"): Option<boolean> =>
  custom(
    ["flags"],
    boolean,
    (value) => ({ flags: { [key]: value } }),
    (data) => {
      const flags = data["flags"] as { readonly [K in typeof key]?: boolean } | undefined;
      return flags && flags[key] === true;
    },
  );
/** The order is the kernel's own. */
const sameSet = (a: readonly string[], b: readonly string[]): boolean => {
  const sorted = (macs: readonly string[]): string =>
    macs
      .map((one) => one.toLowerCase())
      .sort()
      .join();
  return sorted(a) === sorted(b);
};

const options = {
  /** Name of the link that the traffic goes through. */
  dev: below(),
  /**
   * How links on the same `dev` reach each other: through the switch outside that sends back (`vepa`, the default), not
   * at all (`private`), directly (`bridge`); `passthru` has the `dev` for itself; `source` takes what comes from the
   * addresses in `macaddr`. A live link becomes `passthru` no more, nor something else than that.
   */
  mode: same<Mode>("mode", choice("private", "vepa", "bridge", "passthru", "source"), {
    inPlace: (from, to) => from === undefined || (from === "passthru") === (to === "passthru"),
  }),
  /** Whether `dev` does not go into promiscuous mode; only with mode `passthru`. Default false. */
  nopromisc: flag("nopromisc"),
  /** Whether what matches `macaddr` does not go to the link with the destination too; only with mode `source`. Linux 5.13 and later. */
  nodst: flag("nodst"),
  /** Senders whose frames come here, the whole list; only with mode `source`. */
  macaddr: custom<readonly string[]>(
    ["macaddrData", "macaddrMode"],
    list(mac),
    (value) => ({ macaddrMode: "set", macaddrData: { macaddr: value } }),
    (data) =>
      (data["macaddrData"] as { readonly macaddr?: readonly string[] } | undefined)?.macaddr ??
      (data["mode"] === "source" ? [] : undefined),
    { equal: sameSet },
  ),
  /** Broadcast and multicast packets that may wait, default 1000; the largest of all links on the same `dev` is in force. */
  bcqueuelen: same("bcQueueLen", integer(0, 0xffff_ffff, "packets")),
  /** Links with as many listeners to a group get it at once; more wait in the queue. -1 for all at once, default 1. Linux 6.4 and later. */
  bclim: same("bcCutoff", integer(-0x8000_0000, 0x7fff_ffff)),

  /** The queue length in force. */
  usedbcqueuelen: status<number>("bcQueueLenUsed", (value: number) => value),
};
type Told = OptionsOf<typeof options>;

function complete({ dev }: Told): { key: "dev"; reason: string } | undefined {
  return dev === undefined
    ? { key: "dev", reason: "missing; it needs the link that its traffic goes through" }
    : undefined;
}
function check({ mode = "vepa", nopromisc, nodst, macaddr = [] }: Told) {
  if (nopromisc === true && mode !== "passthru") return { key: "nopromisc", reason: "needs mode: passthru" } as const;
  if (nodst === true && mode !== "source") return { key: "nodst", reason: "needs mode: source" } as const;
  if (macaddr.length > 0 && mode !== "source") return { key: "macaddr", reason: "needs mode: source" } as const;
  return undefined;
}

/** A link with a MAC address of its own on another link. */
export const macvlan = linkKind({ kind: "macvlan", wire, options, complete, check });
/** A macvlan that programs read and write through /dev/tapN. */
export const macvtap = linkKind({ kind: "macvtap", wire, options, complete, check });
export interface MacvlanOptions extends OptionsOf<typeof macvlan.options> {}
