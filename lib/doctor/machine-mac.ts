/**
 * The MAC address that systemd makes of a machine's id and a link's name: the same on two machines with one id.
 *
 * Source: systemd.link(5), MACAddressPolicy=persistent; systemd.netdev(5), MACAddress=; systemd's
 * src/shared/netif-util.c and src/network/netdev/netdev.c (the keys); SipHash-2-4, https://www.aumasson.jp/siphash/siphash.pdf
 */

/** Who makes addresses of links, each with a key of its own. */
const KEYS = {
  "systemd-udevd": "d31e48fa90fe4b4c9dafd5d7a1b12e8a",
  "systemd-networkd": "52e145bd006f299621c6306d83710448",
} as const;
const WORD = (1n << 64n) - 1n;

const turned = (word: bigint, by: bigint): bigint => ((word << by) | (word >> (64n - by))) & WORD;

/** One round on the four words of the state. */
function round([a, b, c, d]: readonly [bigint, bigint, bigint, bigint]): [bigint, bigint, bigint, bigint] {
  const a1 = (a + b) & WORD;
  const b1 = turned(b, 13n) ^ a1;
  const c1 = (c + d) & WORD;
  const d1 = turned(d, 16n) ^ c1;
  const a2 = (turned(a1, 32n) + d1) & WORD;
  const c2 = (c1 + b1) & WORD;
  return [a2, turned(b1, 17n) ^ c2, turned(c2, 32n), turned(d1, 21n) ^ a2];
}

/** SipHash-2-4. */
export function sipHash(key: Buffer, data: Buffer): bigint {
  const [k0, k1] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)];
  let state: [bigint, bigint, bigint, bigint] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const padded = Buffer.alloc(Math.floor(data.length / 8) * 8 + 8);
  data.copy(padded);
  padded[padded.length - 1] = data.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    const [a, b, c, d] = round(round([state[0], state[1], state[2], state[3] ^ word]));
    state = [a ^ word, b, c, d];
  }
  state[2] ^= 0xffn;
  for (let times = 0; times < 4; times++) state = round(state);
  return state[0] ^ state[1] ^ state[2] ^ state[3];
}

/** The MAC address of a link by who makes it; none where the id is none. */
export function machineMacs(machineId: string, link: string): readonly { readonly by: string; readonly mac: string }[] {
  if (!/^[0-9a-f]{32}$/.test(machineId)) return [];
  const data = Buffer.concat([Buffer.from(machineId, "hex"), Buffer.from(link)]);
  return Object.entries(KEYS).map(([by, key]) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(sipHash(Buffer.from(key, "hex"), data));
    bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
    return { by, mac: [...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":") };
  });
}
