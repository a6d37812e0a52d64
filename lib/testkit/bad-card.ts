/**
 * A network card that promises checksums and does not compute them: VXLAN of one host is taken from the cable with the sums
 * as far as its kernel made them, and put back as if they were done. What had its sum made by a program stays right.
 *
 * Source: include/uapi/linux/if_packet.h, RFC 791, RFC 8200, RFC 768.
 */
import { loadBinding, META, type SocketHandle } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import { placeOf } from "../netns/netns.ts";
import { AF, ETH_P_ALL, LARGEST, linkAddress, openIn, receive, SOCK_RAW, widen } from "../probe/sockets.ts";
import { ip } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { LabError } from "./lab-topology.ts";

const ETHERNET = 14;
const UDP = 17;

/** Whose packets are spoiled, and where. */
export interface BadCard {
  /** The services of the switch. */
  readonly host: Host;
  /** The switch's port to the host with the card. */
  readonly port: string;
  /** The host's address. */
  readonly address: string;
  /** UDP port of its VXLAN. */
  readonly dstport: number;
}

/** Whether a frame is VXLAN of this host. */
function isVxlan(frame: Buffer, { address, dstport }: BadCard): boolean {
  const wide = address.includes(":");
  const header = wide ? 40 : ((frame[ETHERNET] ?? 0) & 15) * 4;
  const [source, length] = wide ? [ETHERNET + 8, 16] : [ETHERNET + 12, 4];
  if (frame.length < ETHERNET + header + 8 || frame.readUInt16BE(12) !== (wide ? 0x86dd : 0x0800)) return false;
  if (frame[ETHERNET + (wide ? 6 : 9)] !== UDP || frame.readUInt16BE(ETHERNET + header + 2) !== dstport) return false;
  return ip.read(new Reader(frame), source, source + length) === address;
}

function socketOn(nsFd: number, index: number, protocol: number): SocketHandle {
  // The protocol is in network byte order; 0 takes nothing.
  const socket = openIn(nsFd, AF.packet, SOCK_RAW, protocol << 8);
  loadBinding().bind(socket, linkAddress(index, protocol));
  return socket;
}

/** Takes VXLAN of the host from the cable, and puts it on all others. */
function passOn(card: BadCard, nsFd: number, from: number, to: readonly number[]): Disposable {
  const native = loadBinding();
  const open: SocketHandle[] = [];
  const close = (): void => {
    for (const socket of open) native.close(socket);
  };
  const opened = (index: number, protocol: number): SocketHandle => {
    const socket = socketOn(nsFd, index, protocol);
    open.push(socket);
    return socket;
  };
  try {
    const hear = opened(from, ETH_P_ALL);
    const out = to.map((index) => opened(index, 0));
    widen(hear);
    const slab = new Uint8Array(LARGEST);
    const meta = new Uint32Array(META.WORDS);
    native.watch(hear, () =>
      receive(hear, slab, meta, (frame) => {
        if (isVxlan(frame, card)) for (const socket of out) native.send(socket, frame, null);
      }),
    );
    native.unref(hear);
    return {
      [Symbol.dispose]() {
        native.watch(hear, null);
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Lets a host have such a card until this is disposed of. Each port has a table of its own in the bridge family of the switch.
 * @throws {LabError} `ERR_LAB_NODE` where the switch has no such port.
 */
export async function breakCard(card: BadCard): Promise<AsyncDisposable> {
  const { host, port, dstport } = card;
  const links = await host.links.list();
  const own = links.find(({ name }) => name === port);
  if (own?.master === undefined) throw new LabError(`the switch has no port ${port}`, "ERR_LAB_NODE");
  const others = links.filter(({ master, name }) => master === own.master && name !== port);
  const passing = passOn(
    card,
    placeOf(host.netns),
    own.index,
    others.map(({ index }) => index),
  );
  const table = `bad-card-${port}`;
  const rule = { match: { iifname: port, protocol: "udp", dport: dstport }, action: "drop" } as const;
  try {
    await host.nftables.replace({
      ...{ family: "bridge", name: table },
      chains: [{ name: "forward", hook: "forward", rules: [rule] }],
    });
  } catch (error) {
    passing[Symbol.dispose]();
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      passing[Symbol.dispose]();
      await host.nftables.delete("bridge", table);
    },
  };
}
