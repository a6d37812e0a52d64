/** Listens on a link: a packet socket in any namespace, and what VXLAN's outer headers say. */

import type { LabNode } from "../../lib/testkit/lab-node.ts";
import { loadBinding, META } from "../../native-bindings/index.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL = 3;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const UDP = 17;
const SLOT = 2048;

/** A VXLAN packet, taken apart. */
export interface Encapsulated {
  readonly version: 4 | 6;
  readonly from: string;
  readonly to: string;
  readonly dstport: number;
  /** First byte of the VXLAN header: 8 says that there is a VNI. */
  readonly flags: number;
  readonly vni: number;
  /** Bytes of the outer IP packet. */
  readonly length: number;
  /** The frame inside. */
  readonly inner: Buffer;
}

function text4(bytes: Buffer): string {
  return bytes.join(".");
}
/** Not shortened: eight groups. */
function text6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":");
}

/** The VXLAN packet in an Ethernet frame; undefined where there is none. */
export function takeApart(frame: Buffer): Encapsulated | undefined {
  if (frame.length < 14) return undefined;
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(14);
  const wide = type === IPV6;
  if ((!wide && type !== IPV4) || ip[wide ? 6 : 9] !== UDP) return undefined;
  const udp = ip.subarray(wide ? 40 : 20);
  const vxlan = udp.subarray(8);
  return {
    version: wide ? 6 : 4,
    from: wide ? text6(ip.subarray(8, 24)) : text4(ip.subarray(12, 16)),
    to: wide ? text6(ip.subarray(24, 40)) : text4(ip.subarray(16, 20)),
    dstport: udp.readUInt16BE(2),
    flags: vxlan[0] ?? 0,
    vni: vxlan.readUIntBE(4, 3),
    length: wide ? ip.readUInt16BE(4) + 40 : ip.readUInt16BE(2),
    inner: vxlan.subarray(8),
  };
}

/** struct sockaddr_ll */
function linkAddress(index: number): Uint8Array {
  const address = Buffer.alloc(20);
  new DataView(address.buffer, address.byteOffset).setUint16(0, AF_PACKET, true);
  address.writeUInt16BE(ETH_P_ALL, 2);
  new DataView(address.buffer, address.byteOffset).setInt32(4, index, true);
  return address;
}

/** Collects the frames that pass a link of a node until it is closed. */
export async function listen(node: LabNode, link: string): Promise<{ frames: Buffer[]; close(): void }> {
  const native = loadBinding();
  // The protocol in network order.
  const socket = native.open(AF_PACKET, SOCK_RAW, ETH_P_ALL << 8, node.netns.fd);
  if (typeof socket === "number") throw new Error(`no packet socket: ${socket}`);
  const bound = native.bind(socket, linkAddress(await node.host.links.indexOf(link)));
  if (bound < 0) throw new Error(`cannot bind: ${bound}`);
  const frames: Buffer[] = [];
  const slab = new Uint8Array(SLOT * 32);
  const meta = new Uint32Array(META.WORDS * 32);
  native.watch(socket, () => {
    const count = native.recv(socket, slab, SLOT, meta);
    for (let i = 0; i < count; i++) {
      const length = Math.min(SLOT, meta[i * META.WORDS + META.LENGTH] ?? 0);
      frames.push(Buffer.from(slab.slice(i * SLOT, i * SLOT + length)));
    }
  });
  return {
    frames,
    close() {
      native.watch(socket, null);
      native.close(socket);
    },
  };
}
