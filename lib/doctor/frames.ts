/**
 * Frames as a device takes or sends them, with what the kernel knows of their checksums and whether they are bundles.
 *
 * Source: include/uapi/linux/virtio_net.h (struct virtio_net_hdr).
 */
import { listenAt } from "../probe/listen.ts";
import { SOCK_RAW } from "../probe/sockets.ts";

/** Bytes of struct virtio_net_hdr, and of the header of Ethernet. */
const VNET = 10;
const ETHERNET = 14;
/** VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_F_DATA_VALID: the sum is still to be made, or was found right. */
const TRUSTED = 3;

/** A frame, or the beginning of one. */
export interface Frame {
  /** Destination, source, and type. */
  readonly ethernet: Buffer;
  /** What it carries. */
  readonly data: Buffer;
  /** Whether its checksum needs no looking at. */
  readonly trusted: boolean;
  /** Whether it is a bundle of segments, which is not as long on the wire. */
  readonly bundled: boolean;
}

/**
 * Tells of each frame of the device with this number, up to `most` of them and `room` bytes of each, until it is disposed
 * of. Needs CAP_NET_RAW. Undefined where the kernel does not say what it knows of them.
 */
export function frames(
  { nsFd, index, most, room }: { nsFd: number; index: number; most: number; room: number },
  take: (frame: Frame) => void,
): Disposable | undefined {
  const at = { nsFd, index, type: SOCK_RAW, option: "knowledge", room: VNET + ETHERNET + room, most } as const;
  return listenAt(at, (bytes) => {
    const [flags = 0, bundle = 0] = bytes;
    const ethernet = bytes.subarray(VNET, VNET + ETHERNET);
    const trusted = (flags & TRUSTED) !== 0 || bundle !== 0;
    take({ ethernet, data: bytes.subarray(VNET + ETHERNET), trusted, bundled: bundle !== 0 });
  });
}
