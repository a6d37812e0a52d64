/**
 * Broken messages must never crash a decoder, hold it up, or raise anything but a WireError.
 * usage: node fuzz.js [COUNT] [SEED]: so many messages in all, default 10 million, on every core.
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Reader, WireError } from "../../lib/wire/index.ts";
import { readOne, type Target, targets } from "./targets.ts";

/** Milliseconds that one message may take. */
const HANG = 50;
/** Bytes of the memory in which messages stand: longer captures are cut. */
const ROOM = 4096;
/** Messages between two looks at the clock. */
const RUN = 64;
/** Seconds after which a thread that is still at the same message is taken for one that never ends. */
const NEVER = 20;

/** What a thread is at, for who looks after it: how many runs, which target, how long the message is, its bytes. */
class Place {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #message: Uint8Array;

  constructor(memory = new SharedArrayBuffer(12 + ROOM)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory, 0, 3);
    this.#message = new Uint8Array(memory, 12);
  }
  begin(target: number): void {
    this.#numbers[1] = target;
    Atomics.add(this.#numbers, 0, 1);
  }
  at(message: Uint8Array, length: number): void {
    this.#numbers[2] = length;
    for (let i = 0; i < length; i++) this.#message[i] = message[i] as number;
  }
  end(): void {
    Atomics.store(this.#numbers, 0, 0);
  }
  /** None where the thread has ended. */
  get runs(): number {
    return Atomics.load(this.#numbers, 0);
  }
  toString(): string {
    const [, target = 0, length] = this.#numbers;
    return `${targets()[target]?.name} ${Buffer.from(this.#message.slice(0, length)).toString("hex")}`;
  }
}
/** Ends the process with what a thread is at that does not come to an end. */
function lookAfter(places: readonly Place[]): NodeJS.Timeout {
  let before: readonly number[] = [];
  return setInterval(() => {
    const now = places.map(({ runs }) => runs);
    const stuck = places.find((_, i) => now[i] !== 0 && now[i] === before[i]);
    before = now;
    if (stuck === undefined) return;
    console.log(`a message that is never done with: ${stuck}`);
    process.exit(1);
  }, NEVER * 1000);
}

/** Numbers that look random and come again with the same seed (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const SPECIAL = [0, 1, 2, 3, 4, 5, 8, 0x7f, 0x80, 0xff];
/** Breaks the message in `block`: single bytes, lengths, copies of other parts, a cut. Returns its new length. */
function breakUp(block: Uint8Array, length: number, random: (below: number) => number): number {
  for (let left = random(4) + 1; left > 0; left--) {
    const at = random(length);
    switch (random(5)) {
      case 0:
        block[at] = random(256);
        break;
      case 1:
        block[at] = SPECIAL[random(SPECIAL.length)] as number;
        break;
      case 2: // the length or the type of an attribute, more often than chance would have it
        block[at & ~3] = random(64);
        block[(at & ~3) + 1] = random(8) === 0 ? random(256) : 0;
        break;
      case 3:
        block.copyWithin(at & ~3, random(length) & ~3, random(length));
        break;
      default:
        if (random(4) === 0) return random(length + 1);
    }
  }
  return length;
}

interface Slow {
  readonly name: string;
  readonly ms: number;
}
/** What a thread has to tell. */
interface Outcome {
  readonly done: number;
  readonly refused: number;
  readonly faults: readonly string[];
  readonly slow: readonly Slow[];
}

function once(target: Target, from: Reader, length: number): "read" | "refused" | Error {
  try {
    readOne(target, from, length);
    return "read";
  } catch (error) {
    return error instanceof WireError ? "refused" : (error as Error);
  }
}

/** Milliseconds that `work` takes at best: the collector, or the machine, may have been what took so long. */
function least(work: () => unknown): number {
  const times = Array.from({ length: 10 }, () => {
    const begin = performance.now();
    work();
    return performance.now() - begin;
  });
  return Math.min(...times);
}

function fuzz(count: number, seed: number, place: Place): Outcome {
  const all = targets();
  const random = numbers(seed);
  const block = new Uint8Array(ROOM);
  const from = new Reader(block);
  const faults: string[] = [];
  const slow: Slow[] = [];
  let refused = 0;
  Error.stackTraceLimit = 0; // refusals are the rule here, and stacks are what they cost
  for (let done = 0; done < count && faults.length < 10; done += RUN) {
    const number = random(all.length);
    const target = all[number] as Target;
    place.begin(number);
    const original = (target.seeds[random(target.seeds.length)] as Uint8Array).subarray(0, ROOM);
    let begin = performance.now();
    for (let i = 0; i < RUN; i++) {
      block.set(original);
      const length = breakUp(block, original.length, random);
      place.at(block, length);
      const end = once(target, from, length);
      if (end === "refused") refused++;
      else if (end !== "read") {
        Error.stackTraceLimit = 10;
        const { stack } = once(target, from, length) as Error;
        Error.stackTraceLimit = 0;
        faults.push(`${target.name}: ${stack}\n  ${Buffer.from(block.subarray(0, length)).toString("hex")}`);
      }
      if (performance.now() - begin <= HANG) continue;
      const ms = least(() => once(target, from, length));
      if (ms > HANG)
        slow.push({ name: `${target.name} ${Buffer.from(block.subarray(0, length)).toString("hex")}`, ms });
      begin = performance.now();
    }
  }
  place.end();
  return { done: count, refused, faults, slow };
}

async function main(): Promise<number> {
  const [count = 10_000_000, seed = Date.now() >>> 0] = process.argv.slice(2).map(Number);
  const threads = availableParallelism();
  const begin = performance.now();
  const places = Array.from({ length: threads }, () => new Place());
  const watchdog = lookAfter(places);
  const outcomes = await Promise.all(
    places.map(({ memory }, n) => {
      const share = Math.ceil(count / threads / RUN) * RUN;
      const worker = new Worker(new URL(import.meta.url), { workerData: { share, seed: seed + n * 7919, memory } });
      return new Promise<Outcome>((resolve, reject) => {
        worker.once("message", resolve).once("error", reject);
      });
    }),
  );
  clearInterval(watchdog);
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, one) => all + of(one), 0);
  const faults = outcomes.flatMap((one) => [...one.faults, ...one.slow.map(({ name, ms }) => `${name}: ${ms} ms`)]);
  for (const fault of faults) console.log(fault);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  const [done, refused] = [sum((one) => one.done), sum((one) => one.refused)];
  console.log(
    `${done} broken messages of ${targets().length} sorts, ${refused} refused, ${faults.length} faults; seed ${seed}, ${seconds} s`,
  );
  return faults.length === 0 && refused > 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else {
  const { share, seed, memory } = workerData as { share: number; seed: number; memory: SharedArrayBuffer };
  parentPort?.postMessage(fuzz(share, seed, new Place(memory)));
}
