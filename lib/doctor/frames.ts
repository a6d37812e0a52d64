/**
 * Frames as a device takes or sends them, with what the kernel knows of their checksums and whether they are bundles.
 *
 * Source: include/uapi/linux/if_packet.h (PACKET_VNET_HDR), virtio_net.h (struct virtio_net_hdr).
 */
import { loadBinding, META } from "../../native-bindings/index.ts";
import { AF, ETH_P_ALL, int32, linkAddress, openIn, receive, SOCK_RAW, widen } from "../probe/sockets.ts";

const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
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
  const native = loadBinding();
  const socket = openIn(nsFd, AF.packet, SOCK_RAW, ETH_P_ALL << 8);
  if (native.setopt(socket, SOL_PACKET, PACKET_VNET_HDR, int32(1)) < 0) {
    native.close(socket);
    return undefined;
  }
  native.bind(socket, linkAddress(index, ETH_P_ALL));
  widen(socket);
  const slab = new Uint8Array(VNET + ETHERNET + room);
  const meta = new Uint32Array(META.WORDS);
  let left = most;
  const one = (bytes: Buffer): boolean => {
    if (left-- <= 0) {
      native.watch(socket, null);
      return false;
    }
    const [flags = 0, bundle = 0] = bytes;
    const ethernet = bytes.subarray(VNET, VNET + ETHERNET);
    const trusted = (flags & TRUSTED) !== 0 || bundle !== 0;
    take({ ethernet, data: bytes.subarray(VNET + ETHERNET), trusted, bundled: bundle !== 0 });
    return true;
  };
  native.watch(socket, () => receive(socket, slab, meta, one));
  native.unref(socket);
  return {
    [Symbol.dispose]() {
      native.watch(socket, null);
      native.close(socket);
    },
  };
}
