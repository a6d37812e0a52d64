/**
 * What the schema language costs: 100,000 routes, as the kernel dumps them, decoded and encoded through the schema and
 * by a hand-written switch. No kernel, no privileges; interleaved rounds; prints medians and the ratio.
 */
import { RTM_NEWROUTE } from "../lib/families/route.ts";
import { newroute } from "../lib/routes/schema.ts";
import { NLMSG_HDRLEN, Reader, Writer, writeMessage } from "../lib/wire/index.ts";

const COUNT = 100_000;
const ROUNDS = 15;

/** One dump's worth of messages in blocks of 32 KiB, each route of the five attributes that a plain one has. */
function blocks(): Reader[] {
  const made: Reader[] = [];
  let out = new Writer(32_768);
  for (let i = 0; i < COUNT; i++) {
    const header = { family: 2, dstLen: 32, table: 254, protocol: 4, scope: 0, type: 1 };
    const attrs = { table: 254, dst: address(i), priority: 1024, gateway: "192.0.2.1", oif: 1000 + (i & 7) };
    writeMessage(out, newroute, { header, attrs }, 2, 1);
    if (out.length > 32_600 || i === COUNT - 1) {
      made.push(new Reader(out.finish()));
      out = new Writer(32_768);
    }
  }
  return made;
}

interface Plain {
  family: number;
  dstLen: number;
  table: number;
  protocol: number;
  scope: number;
  type: number;
  dst: string;
  gateway: string;
  oif: number;
  priority: number;
}
const pairs = new Array<string>(65_536);
for (let i = 0; i < 65_536; i++) pairs[i] = `${i >> 8}.${i & 255}`;
const quad = (u8: Uint8Array, at: number): string =>
  `${pairs[((u8[at] as number) << 8) | (u8[at + 1] as number)]}.${pairs[((u8[at + 2] as number) << 8) | (u8[at + 3] as number)]}`;

function byHand({ u8, u16, u32 }: Reader, start: number, end: number): Plain {
  const route: Plain = {
    family: u8[start] as number,
    dstLen: u8[start + 1] as number,
    table: u8[start + 4] as number,
    protocol: u8[start + 5] as number,
    scope: u8[start + 6] as number,
    type: u8[start + 7] as number,
    dst: "",
    gateway: "",
    oif: 0,
    priority: 0,
  };
  for (let at = start + 12; at + 4 <= end; at += ((u16[at >> 1] as number) + 3) & ~3) {
    const payload = at + 4;
    switch (u16[(at >> 1) + 1]) {
      case 1:
        route.dst = quad(u8, payload);
        break;
      case 4:
        route.oif = u32[payload >> 2] as number;
        break;
      case 5:
        route.gateway = quad(u8, payload);
        break;
      case 6:
        route.priority = u32[payload >> 2] as number;
        break;
      case 15:
        route.table = u32[payload >> 2] as number;
        break;
    }
  }
  return route;
}
const bySchema = (from: Reader, start: number, end: number): unknown => newroute.body.read(from, start, end);

function decode(all: readonly Reader[], read: (from: Reader, start: number, end: number) => unknown): number {
  let kept: unknown;
  let count = 0;
  const begin = process.hrtime.bigint();
  for (const from of all)
    for (let at = 0; at < from.u8.length; ) {
      const length = from.u32[at >> 2] as number;
      if (from.u16[(at >> 1) + 2] !== RTM_NEWROUTE) throw new Error("not a route");
      kept = read(from, at + NLMSG_HDRLEN, at + length);
      count++;
      at += (length + 3) & ~3;
    }
  const ns = Number(process.hrtime.bigint() - begin);
  if (count !== COUNT || kept === undefined) throw new Error(`decoded ${count} of ${COUNT}`);
  return ns / COUNT;
}

const address = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

function putQuad(u8: Uint8Array, at: number, text: string): void {
  let position = at;
  let byte = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      u8[position++] = byte;
      byte = 0;
    } else byte = byte * 10 + code - 48;
  }
  u8[position] = byte;
}

function encodeByHand(out: Writer, i: number): void {
  const begin = out.take(NLMSG_HDRLEN + 12 + 16);
  const { u8, u16, u32 } = out;
  u16[(begin >> 1) + 2] = RTM_NEWROUTE;
  u32[begin >> 2] = NLMSG_HDRLEN + 12 + 16;
  const at = begin + NLMSG_HDRLEN;
  u8[at] = 2;
  u8[at + 1] = 32;
  u8[at + 4] = 254;
  u8[at + 5] = 4;
  u8[at + 7] = 1;
  u16[(at + 12) >> 1] = 8;
  u16[(at + 14) >> 1] = 1;
  putQuad(u8, at + 16, address(i));
  u16[(at + 20) >> 1] = 8;
  u16[(at + 22) >> 1] = 4;
  u32[(at + 24) >> 2] = 1000;
}
function encodeBySchema(out: Writer, i: number): void {
  const header = { family: 2, dstLen: 32, table: 254, protocol: 4, type: 1 };
  writeMessage(out, newroute, { header, attrs: { dst: address(i), oif: 1000 } }, 0, 0);
}
function encode(write: (out: Writer, i: number) => void): number {
  const out = new Writer(32_768);
  const begin = process.hrtime.bigint();
  for (let i = 0; i < COUNT; i++) {
    if (out.length > 16_000) out.truncate(0);
    write(out, i);
  }
  return Number(process.hrtime.bigint() - begin) / COUNT;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;

/** Runs both in turn, so that whatever else the machine does meets both. */
function row(name: string, ours: () => number, hand: () => number, most: number): void {
  const rounds = Array.from({ length: ROUNDS }, () => ({ ours: ours(), hand: hand() })).slice(3);
  const [a, b] = [median(rounds.map((one) => one.ours)), median(rounds.map((one) => one.hand))];
  const first = `${name.padEnd(28)} schema ${a.toFixed(0).padStart(5)} ns   by hand ${b.toFixed(0).padStart(5)} ns`;
  console.log(`${first}   ratio ${(a / b).toFixed(2)} (goal: at most ${most})`);
}

const all = blocks();
row(
  "decode a route, 5 attributes",
  () => decode(all, bySchema),
  () => decode(all, byHand),
  1.5,
);
row(
  "encode a route, 2 attributes",
  () => encode(encodeBySchema),
  () => encode(encodeByHand),
  3,
);
