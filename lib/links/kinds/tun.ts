/**
 * Source: include/uapi/linux/if_link.h (IFLA_TUN_*), drivers/net/tun.c (tun_fill_info). rtnetlink tells these and sets
 * none of them, nor does it make such a link: the character device /dev/net/tun does.
 */
import { boolean, choice, integer, type Shape } from "../../shape/shape.ts";
import { at, attrs, bool, oneOf, u8, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { custom, type Option, type OptionsOf, same, status } from "../option.ts";

const FIXED = { fixed: true };

const id = integer(0, 0xffff_fffe);
const idOrNone: Shape<number | null> = {
  expected: `${id.expected}, or null for none`,
  json: { anyOf: [id.json, { type: "null" }] },
  accepts: (value): value is number | null => value === null || id.accepts(value),
};
/** Number of a user or a group, where the kernel is silent when there is none. */
function holder(key: string): Option<number | null> {
  return custom<number | null>(
    [key],
    idOrNone,
    (value) => (value === null ? {} : { [key]: value }),
    // The mode is always told.
    (wire) => (wire["type"] === undefined ? undefined : ((wire[key] as number | undefined) ?? null)),
    FIXED,
  );
}

/**
 * A link whose far end is a program that has /dev/net/tun open. One that is made here stays without any program, until
 * it is deleted. Same as: ip tuntap add NAME mode tap user UID
 */
export const tun = linkKind({
  kind: "tun",
  wire: attrs("IFLA_TUN", {
    owner: at(1, u32),
    group: at(2, u32),
    type: at(3, oneOf(u8, { tun: 1, tap: 2 })),
    pi: at(4, bool),
    vnetHdr: at(5, bool),
    persist: at(6, bool),
    multiQueue: at(7, bool),
    numQueues: at(8, u32),
    numDisabledQueues: at(9, u32),
  }),
  options: {
    /** `tun` carries IP packets, `tap` Ethernet frames. */
    mode: same<"tun" | "tap">("type", choice("tun", "tap"), FIXED),
    /** Number of the user who may open it without CAP_NET_ADMIN; null, the default, for nobody. */
    owner: holder("owner"),
    /** Number of the group whose members may open it; with `owner` too, it takes both. Null, the default, for none. */
    ownerGroup: holder("group"),
    /** Whether each packet begins with 4 bytes of packet information. Default false, as with `ip tuntap`. */
    pi: same("pi", boolean, FIXED),
    /** Whether each packet begins with a header of virtio, which tells of segments and checksums. Default false. */
    vnetHdr: same("vnetHdr", boolean, FIXED),
    /** Whether programs may open it several times, with a queue each. Default false. */
    multiQueue: same("multiQueue", boolean, FIXED),
    /** Whether it stays when the last program has closed it. */
    persist: status("persist", (value: boolean) => value),
    /** Queues that programs have open; told of a link with `multiQueue`. */
    queues: status("numQueues", (value: number) => value),
    /** Queues that are open and switched off. */
    disabledQueues: status("numDisabledQueues", (value: number) => value),
  },
  complete({ mode }) {
    return mode === undefined ? { key: "mode", reason: "missing; tun for packets, or tap for frames" } : undefined;
  },
});
export interface TunOptions extends OptionsOf<typeof tun.options> {}
