/** Listens on a link: a packet socket in any namespace, and what VXLAN's outer headers say. */

import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LabNode } from "../../lib/testkit/lab-node.ts";

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const UDP = 17;

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

/** A packet socket in another program, so that what we say of the wire does not rest on our own sockets. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) # nothing until it is bound
s.bind((sys.argv[1], 3))
print("listening", flush=True)
while True:
    print(s.recv(65536).hex(), flush=True)
`;

/** Collects the frames that pass a link of a node until it is closed. */
export async function listen(node: LabNode, link: string): Promise<{ frames: Buffer[]; close(): Promise<void> }> {
  const child = node.netns.run("python3", ["-c", LISTENER, link], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const frames: Buffer[] = [];
  const lines = createInterface({ input: child.stdout as Readable });
  const [first] = await once(lines, "line");
  if (first !== "listening") throw new Error(`the listener said ${first}`);
  lines.on("line", (line) => frames.push(Buffer.from(line, "hex")));
  return {
    frames,
    async close() {
      child.kill();
      await ended;
    },
  };
}
