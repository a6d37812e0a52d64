/**
 * Messages of the family `wireguard`.
 *
 * Source: include/uapi/linux/wireguard.h (WGDEVICE_A_*, WGPEER_A_*, WGALLOWEDIP_A_*), drivers/net/wireguard/netlink.c
 * (device_policy, peer_policy, allowedip_policy; wg_get_device_dump and get_peer for what is told).
 */
import {
  at,
  attrs,
  be16,
  be32,
  bits,
  type Codec,
  type In,
  ip,
  ipv4,
  ipv6,
  many,
  type Out,
  padding,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  WireError,
} from "../wire/index.ts";

/** The name of the family. */
export const WG_GENL_NAME = "wireguard";
/** The version of the family that requests are written for. */
export const WG_GENL_VERSION = 1;
/** Asks for a device; answered by a dump. */
export const WG_CMD_GET_DEVICE = 0;
/** Changes a device. */
export const WG_CMD_SET_DEVICE = 1;

/** WG_KEY_LEN. */
const KEY_BYTES = 32;
/** A key, as base64. What does not fit is refused without being shown: it may be a secret. */
const key: Codec<string> = {
  name: "WireGuard key",
  write(out, value) {
    const bytes = Buffer.from(String(value), "base64");
    if (bytes.length !== KEY_BYTES) throw new WireError(`expected a key of ${KEY_BYTES} bytes in base64`);
    out.bytes(bytes);
  },
  read(from, start, end) {
    if (end - start !== KEY_BYTES) throw new WireError(`key needs ${KEY_BYTES} bytes, got ${end - start}`);
    return Buffer.from(from.u8.subarray(start, end)).toString("base64");
  },
};

export const AF_INET = 2;
export const AF_INET6 = 10;
const sockaddrIn = struct("sockaddr_in", { family: u16, port: be16, address: ipv4, _zero: u32, _more: u32 });
const sockaddrIn6 = struct("sockaddr_in6", { family: u16, port: be16, flowinfo: be32, address: ipv6, scope: u32 });
/** struct sockaddr_in or sockaddr_in6; `family` tells which. */
const sockaddr: Codec<
  In<typeof sockaddrIn> | In<typeof sockaddrIn6>,
  Out<typeof sockaddrIn> | Out<typeof sockaddrIn6>
> = {
  name: "sockaddr",
  write(out, value) {
    if (value.family === AF_INET) sockaddrIn.write(out, value);
    else if (value.family === AF_INET6) sockaddrIn6.write(out, value);
    else throw new WireError(`expected address family ${AF_INET} or ${AF_INET6}, got ${value.family}`);
  },
  read(from, start, end) {
    const family = end - start < 2 ? 0 : (from.u16[start >> 1] as number);
    if (family === AF_INET) return sockaddrIn.read(from, start, end);
    if (family === AF_INET6) return sockaddrIn6.read(from, start, end);
    throw new WireError(`sockaddr of address family ${family}`);
  },
};

/** A network that belongs to a peer. */
export const wgAllowedIp = attrs("WGALLOWEDIP_A", {
  unspec: padding(0),
  family: at(1, u16),
  ipaddr: at(2, ip),
  cidrMask: at(3, u8),
  /** Linux 6.16 and later. */
  flags: at(4, bits(u32, { removeMe: 1 })),
});

/** A peer. What stands in a list has no number of its own: the kernel writes 0. */
export const wgPeer = attrs("WGPEER_A", {
  unspec: padding(0),
  publicKey: at(1, key),
  /** All zero where there is none. */
  presharedKey: at(2, key),
  flags: at(3, bits(u32, { removeMe: 1, replaceAllowedips: 2, updateOnly: 4 })),
  endpoint: at(4, sockaddr),
  /** Seconds, 0 for off. */
  persistentKeepaliveInterval: at(5, u16),
  /** Since 1970; all zero for never. */
  lastHandshakeTime: at(6, struct("__kernel_timespec", { sec: u64, nsec: u64 })),
  rxBytes: at(7, u64),
  txBytes: at(8, u64),
  allowedips: at(9, attrs("WGPEER_A_ALLOWEDIPS", { ip: many(0, wgAllowedIp) })),
  protocolVersion: at(10, u32),
});

/** A device. */
export const wgDevice = attrs("WGDEVICE_A", {
  unspec: padding(0),
  ifindex: at(1, u32),
  ifname: at(2, text),
  /** All zero takes it away. */
  privateKey: at(3, key),
  publicKey: at(4, key),
  flags: at(5, bits(u32, { replacePeers: 1 })),
  listenPort: at(6, u16),
  fwmark: at(7, u32),
  peers: at(8, attrs("WGDEVICE_A_PEERS", { peer: many(0, wgPeer) })),
});
