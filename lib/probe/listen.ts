/**
 * Listens to all packets of a device, whoever they are for. Needs CAP_NET_RAW.
 *
 * Source: include/uapi/linux/if_packet.h (PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING).
 */
import { loadBinding, META } from "../../native-bindings/index.ts";
import {
  AF,
  ETH_P_ALL,
  int32,
  linkAddress,
  networkOrder,
  openIn,
  receive,
  type SOCK_DGRAM,
  type SOCK_RAW,
  widen,
} from "./sockets.ts";

const SOL_PACKET = 263;
/** What the kernel may be asked for: what it knows of checksums and bundles before each frame, or only what comes in. */
const OPTIONS = { knowledge: 15, incoming: 23 } as const;

/** What to listen to. */
export interface Listening {
  readonly nsFd: number;
  readonly index: number;
  /** With the headers of the link, or without. */
  readonly type: typeof SOCK_RAW | typeof SOCK_DGRAM;
  readonly option?: keyof typeof OPTIONS;
  /** Bytes that are read of each packet. */
  readonly room: number;
  /** Packets that are looked at: a busy device has told enough by then. */
  readonly most: number;
}
/** One who listens, until it is disposed of. */
export interface Listener extends Disposable {
  /** When it had heard enough, in milliseconds of `performance.now()`; absent where it heard all. */
  readonly enough?: number;
}

/**
 * Hands over each packet that comes or goes by a device. Undefined where this kernel does not have the option. It holds
 * no process.
 * @throws {SocketError} with EPERM without the privilege.
 */
export function listenAt(
  { nsFd, index, type, option, room, most }: Listening,
  take: (packet: Buffer) => void,
): Listener | undefined {
  const native = loadBinding();
  const socket = openIn(nsFd, AF.packet, type, networkOrder(ETH_P_ALL));
  if (option !== undefined && native.setopt(socket, SOL_PACKET, OPTIONS[option], int32(1)) < 0) {
    native.close(socket);
    return undefined;
  }
  native.bind(socket, linkAddress(index, ETH_P_ALL));
  widen(socket);
  const slab = new Uint8Array(room);
  const meta = new Uint32Array(META.WORDS);
  let [left, open] = [most, true];
  const listener = {
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      native.watch(socket, null);
      native.close(socket);
    },
  } as Listener & { enough?: number };
  const one = (packet: Buffer): boolean => {
    if (left-- > 0) {
      take(packet);
      return true;
    }
    listener.enough = performance.now();
    native.watch(socket, null);
    return false;
  };
  native.watch(socket, () => receive(socket, slab, meta, one));
  native.unref(socket);
  return listener;
}
