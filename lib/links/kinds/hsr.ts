/**
 * Source: include/uapi/linux/if_link.h (IFLA_HSR_*, HSR_PROTOCOL_*), net/hsr/hsr_netlink.c (hsr_policy, hsr_newlink,
 * hsr_fill_info). There is no change in place.
 */
import { choice, integer, linkName } from "../../shape/shape.ts";
import { at, attrs, mac, oneOf, u8, u16, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { custom, type OptionsOf, reference, same, status } from "../option.ts";

const FIXED = { fixed: true };

/** Two networks in parallel, or a ring, that lose no packet when one way fails. */
export const hsr = linkKind({
  kind: "hsr",
  wire: attrs("IFLA_HSR", {
    slave1: at(1, u32),
    slave2: at(2, u32),
    multicastSpec: at(3, u8),
    supervisionAddr: at(4, mac),
    seqNr: at(5, u16),
    version: at(6, u8),
    protocol: at(7, oneOf(u8, { hsr: 0, prp: 1 })),
    interlink: at(8, u32),
  }),
  options: {
    /** Name of the first link. */
    slave1: reference("slave1", linkName, FIXED),
    /** Name of the second link. */
    slave2: reference("slave2", linkName, FIXED),
    /** Name of the link towards nodes that are attached once. Linux 6.10 and later; 6.12 does not tell it. */
    interlink: reference("interlink", linkName, { ...FIXED, untold: true }),
    /** Last byte of the address of supervision frames, default 0; told in `supervisionAddr`. */
    supervision: custom<number>(
      ["multicastSpec", "supervisionAddr"],
      integer(0, 255),
      (value) => ({ multicastSpec: value }),
      (wire) => {
        const last = (wire["supervisionAddr"] as string | undefined)?.split(":").at(-1);
        return last === undefined ? (wire["multicastSpec"] as number | undefined) : Number.parseInt(last, 16);
      },
      FIXED,
    ),
    /** Version of HSR, default 0. Never told. */
    version: same("version", integer(0, 1), { ...FIXED, untold: true }),
    /** HSR for a ring (the default), or PRP for two networks. */
    proto: same("protocol", choice("hsr", "prp"), FIXED),

    /** Destination of supervision frames. */
    supervisionAddr: status<string>("supervisionAddr", (value: string) => value),
    /** Number of the next frame. */
    seqNr: status<number>("seqNr", (value: number) => value),
  },
  complete({ slave1, slave2 }) {
    if (slave1 === undefined) return { key: "slave1", reason: "missing; it needs two links" };
    return slave2 === undefined ? { key: "slave2", reason: "missing; it needs two links" } : undefined;
  },
  check({ slave1, slave2, proto, version }) {
    if (slave1 !== undefined && slave1 === slave2) return { key: "slave2", reason: `is slave1 too; name another link` };
    if (proto === "prp" && version === 1) return { key: "version", reason: "is of HSR; leave it out with proto: prp" };
    return undefined;
  },
});
export interface HsrOptions extends OptionsOf<typeof hsr.options> {}
