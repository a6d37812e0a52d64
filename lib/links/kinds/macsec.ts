/**
 * Source: include/uapi/linux/if_link.h (IFLA_MACSEC_*, MACSEC_VALIDATE_*, MACSEC_OFFLOAD_*),
 * drivers/net/macsec.c (macsec_rtnl_policy, macsec_newlink, macsec_changelink, macsec_fill_info). Keys and receive
 * channels are of the generic netlink family macsec: lib/macsec.
 */
import { sci } from "../../shape/sci.ts";
import { boolean, choice, integer } from "../../shape/shape.ts";
import { at, attrs, be16, be64, bool, padding, u8, u32, u64 } from "../../wire/index.ts";
import { type Cipher, cipherNamed, cipherNumbers, offload, sciNumber, sciText, validation } from "../../wire/macsec.ts";
import { linkKind } from "../kind.ts";
import { below, converted, type OptionsOf, same } from "../option.ts";

const FIXED = { fixed: true };

/** Encryption of frames between neighbors, IEEE 802.1AE. */
export const macsec = linkKind({
  kind: "macsec",
  wire: attrs("IFLA_MACSEC", {
    sci: at(1, be64),
    port: at(2, be16),
    icvLen: at(3, u8),
    cipherSuite: at(4, u64),
    window: at(5, u32),
    encodingSa: at(6, u8),
    encrypt: at(7, bool),
    protect: at(8, bool),
    incSci: at(9, bool),
    es: at(10, bool),
    scb: at(11, bool),
    replayProtect: at(12, bool),
    validation: at(13, validation),
    pad: padding(14),
    offload: at(15, offload),
  }),
  options: {
    /** Name of the link that is encrypted. */
    dev: below(),
    /** Secure channel identifier, 16 hexadecimal digits; default: the MAC address and `sciPort`. */
    sci: converted<string, bigint>("sci", sci, sciNumber, sciText, {
      ...FIXED,
      equal: (a, b) => a.toLowerCase() === b.toLowerCase(),
    }),
    /** The port in the secure channel identifier, 1 to 65535, default 1; told as the end of `sci`. `ip` calls it port. */
    sciPort: same("port", integer(1, 0xffff), { ...FIXED, untold: true }),
    /** The cipher suite, default gcm-aes-128. */
    cipher: converted<Cipher, bigint>(
      "cipherSuite",
      choice("gcm-aes-128", "gcm-aes-256", "gcm-aes-xpn-128", "gcm-aes-xpn-256"),
      (value) => cipherNumbers[value],
      cipherNamed,
      FIXED,
    ),
    /** Bytes of the check value, 8 to 16, default 16. */
    icvlen: same("icvLen", integer(8, 16, "bytes"), FIXED),
    /** Whether what is sent is encrypted, and not only protected. Default false. */
    encrypt: same("encrypt", boolean),
    /** Whether frames carry the secure channel identifier. Default true. */
    sendSci: same("incSci", boolean),
    /** Whether this is an end station, whose identifier follows from its MAC address. Default false. */
    endStation: same("es", boolean),
    /** Single copy broadcast. Default false. */
    scb: same("scb", boolean),
    /** Whether what is sent is protected at all. Default true. */
    protect: same("protect", boolean),
    /**
     * Whether frames that come twice or too late are dropped; needs `window`, in the same message, so that a live link
     * can only be told to stop it. Default false.
     */
    replay: same("replayProtect", boolean, { inPlace: (_, to) => !to }),
    /** Frames that may be late, told while `replay` is on. */
    window: same("window", integer(0, 0xffff_ffff, "frames")),
    /** What becomes of frames that are not as they should be: dropped (`strict`, the default), counted, or passed. */
    validate: same("validation", choice("disabled", "check", "strict")),
    /** Number of the association that is sent with, 0 to 3, default 0. */
    encodingsa: same("encodingSa", integer(0, 3)),
    /** Who does the work: this host (`off`, the default), or the hardware. Linux 5.6 and later. */
    offload: same("offload", choice("off", "phy", "mac")),
  },
  complete({ dev, sci: identifier, sciPort }) {
    if (dev === undefined) return { key: "dev", reason: "missing; it needs the link that is to be encrypted" };
    if (identifier !== undefined && sciPort !== undefined)
      return { key: "sciPort", reason: "is a part of sci; leave one of them out" };
    return undefined;
  },
  check({ sendSci, endStation, scb, replay, window }) {
    if (endStation === true && scb === true) return { key: "scb", reason: "does not go with endStation: true" };
    if (sendSci === true && (endStation === true || scb === true))
      return { key: "sendSci", reason: `does not go with ${scb === true ? "scb" : "endStation"}: true` };
    if (replay === true && window === undefined) return { key: "replay", reason: "needs window" };
    return undefined;
  },
});
export interface MacsecOptions extends OptionsOf<typeof macsec.options> {}
