/**
 * Links that only /dev/net/tun makes.
 *
 * Source: include/uapi/linux/if_tun.h (IFF_*), drivers/net/tun.c (tun_set_iff).
 */
import { loadBinding } from "../../native-bindings/index.ts";
import { errnoName, NetlinkError } from "../socket/index.ts";

const MODES = { tun: 0x1, tap: 0x2 } as const;
const IFF_MULTI_QUEUE = 0x100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** Instead of a user or a group. */
const NOBODY = 0xffff_ffff;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not open /dev/net/tun",
  ENODEV: "/dev/net/tun is there, but not its driver (modprobe tun)",
  ENOENT: "/dev/net/tun is missing (modprobe tun)",
};

/** A link of kind `tun` to be made; see its options. */
export interface TunConfig {
  readonly name: string;
  readonly mode?: "tun" | "tap";
  readonly owner?: number | null;
  readonly ownerGroup?: number | null;
  readonly pi?: boolean;
  readonly vnetHdr?: boolean;
  readonly multiQueue?: boolean;
}

function flagsOf({ mode = "tun", pi, vnetHdr, multiQueue }: TunConfig): number {
  let flags: number = MODES[mode];
  if (pi !== true) flags |= IFF_NO_PI;
  if (vnetHdr === true) flags |= IFF_VNET_HDR;
  if (multiQueue === true) flags |= IFF_MULTI_QUEUE;
  return flags;
}

/**
 * Makes a tun or tap link that stays, in the namespace of this descriptor; -1 is here.
 * Same as: ip tuntap add NAME mode tap
 *
 * @throws {NetlinkError} `EEXIST`, `EPERM`, `ENOENT` where there is no /dev/net/tun, `EINVAL` for an owner that this
 * user namespace does not know; nothing was made then.
 */
export function makeTun(netns: number, config: TunConfig): Promise<void> {
  const { name, owner, ownerGroup } = config;
  return new Promise((resolve, reject) => {
    const done = (errno: number): void => {
      const reason = REASONS[errnoName(errno)];
      if (errno === 0) resolve();
      else reject(new NetlinkError({ errno, request: "TUNSETIFF", reason }));
    };
    const started = loadBinding().tunNew(netns, name, flagsOf(config), owner ?? NOBODY, ownerGroup ?? NOBODY, done);
    if (started < 0) done(started);
  });
}
