/**
 * The clock of traffic control. A tick is 64 ns in every kernel since 2.6.31, whatever its HZ; /proc/net/psched tells it.
 *
 * Source: include/net/pkt_sched.h (PSCHED_SHIFT), net/sched/sch_api.c (psched_show).
 */
export const TICK_NS = 64;
const NS = 1e9;
const MOST = 0xffff_ffff;

/** Seconds as ticks, at most as many as 32 bits hold: 274 seconds. */
export function ticksOf(seconds: number): number {
  return Math.min(Math.round((seconds * NS) / TICK_NS), MOST);
}
/** Ticks as seconds. */
export function secondsOf(ticks: number): number {
  return (ticks * TICK_NS) / NS;
}

/** Seconds as nanoseconds. */
export const nanosecondsOf = (seconds: number): bigint => BigInt(Math.round(seconds * NS));
/** Nanoseconds as seconds. */
export const fromNanoseconds = (value: bigint): number => Number(value) / NS;

/** Seconds as microseconds. */
export const microsecondsOf = (seconds: number): number => Math.round(seconds * 1e6);
/** Microseconds as seconds. */
export const fromMicroseconds = (value: number): number => value / 1e6;
