/**
 * Looks at the UDP checksums of VXLAN that arrives. A packet from this same machine has none yet, and one whose sum the
 * network card has looked at is right: the kernel says of each packet which of these it is. Source: RFC 768.
 */
import { LARGEST } from "../probe/sockets.ts";
import { type Frame, frames } from "./frames.ts";
import { readUdp, UDP, type Udp, vniOf } from "./packet.ts";
import { Tally } from "./tally.ts";
import { summed } from "./vtep.ts";

/** Packets that are looked at in all, and sums that are computed for each sender. */
const MOST = 20_000;
const EACH = 100;

/** VXLAN of one sender with wrong checksums. */
export interface Spoiled {
  readonly from: string;
  readonly dport: number;
  readonly vni: number;
  /** Packets whose checksum was wrong. */
  readonly packets: number;
  /** Packets whose checksum was looked at. */
  readonly of: number;
}

/** Whether a checksum is right; undefined where there is none, or not all that it covers. */
function isRight({ from, to, segment }: Udp): boolean | undefined {
  const length = ((segment[4] ?? 0) << 8) | (segment[5] ?? 0);
  const none = segment[6] === 0 && segment[7] === 0;
  if (none || length < 8 || segment.length < length) return undefined;
  return summed(from, to, UDP, segment.subarray(0, length)) === 0;
}

/**
 * Looks at checksums on a device with headers of Ethernet until it is disposed of. `own`: addresses of this host, whose
 * packets are not looked at. Needs CAP_NET_RAW. A kernel that does not say which sums are made tells of none.
 */
export function sums(nsFd: number, index: number, own: ReadonlySet<string>): Disposable & { spoiled(): Spoiled[] } {
  const [right, wrong] = [new Tally<Omit<Spoiled, "packets" | "of">>(), new Tally<Omit<Spoiled, "packets" | "of">>()];
  const computed = new Map<string, number>();
  const take = ({ data, trusted }: Frame): void => {
    const udp = readUdp(data);
    const vni = udp === undefined ? undefined : vniOf(udp.payload);
    if (udp === undefined || vni === undefined || own.has(udp.from)) return;
    const { from, dport } = udp;
    const times = (computed.get(from) ?? 0) + 1;
    computed.set(from, times);
    if (times > EACH) return;
    const verdict = trusted || isRight(udp);
    if (verdict !== undefined) (verdict ? right : wrong).add({ from, dport, vni });
  };
  const open = frames({ nsFd, index, most: MOST, room: LARGEST }, take);
  return {
    spoiled: () =>
      wrong.all.map((one) => {
        const well = right.all.find(
          ({ from, dport, vni }) => from === one.from && dport === one.dport && vni === one.vni,
        );
        return { ...one, of: one.packets + (well?.packets ?? 0) };
      }),
    [Symbol.dispose]: () => open?.[Symbol.dispose](),
  };
}
