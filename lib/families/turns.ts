/** Long work in short pieces, so that whoever waits for the event loop does not wait for its end. */
import { now } from "../socket/clock.ts";

/** Milliseconds of work after which the event loop gets its turn. */
const TURN = 4;
/** So many are done between two looks at the clock. */
const STRIDE = 16;

/**
 * What becomes of each, in the same order, without those that become undefined. The event loop has its turn after every
 * 4 ms of work, so others may run meanwhile: give it what does not change, as a copy or the names of the beginning.
 */
export async function inTurns<T, R>(list: readonly T[], each: (one: T, index: number) => R | undefined): Promise<R[]> {
  const made: R[] = [];
  let until = now() + TURN;
  for (let i = 0; i < list.length; i++) {
    const one = each(list[i] as T, i);
    if (one !== undefined) made.push(one);
    if ((i + 1) % STRIDE !== 0 || now() < until) continue;
    await new Promise(setImmediate);
    until = now() + TURN;
  }
  return made;
}
