/** What our contestants have in common: the clock, and the writer that they listen to. */
import { type ChildProcess, spawn } from "node:child_process";

/** Starts the C program that makes `count` changes, as fast as the kernel takes them. */
export function writer(count: number): ChildProcess {
  const floor = process.env["BENCH_FLOOR"];
  if (floor === undefined) throw new Error("BENCH_FLOOR names no program");
  return spawn(floor, ["neighbors", String(count)], { stdio: "ignore" });
}

/** One time that a workload is done; what it opened is closed at the end. */
export interface Turn extends AsyncDisposable {
  /** Returns the number of objects, where it is not the one asked for. */
  run(): Promise<number | undefined>;
}

/**
 * Runs a workload and prints what `floor.c` prints; of `events`, the CPU of this process instead of the time.
 * `open` gets the descriptor of a namespace, undefined for the one it is in. Where BENCH_REHEARSAL names a descriptor, the
 * same is done there once before, uncounted.
 */
export async function measured(
  workload: string,
  count: number,
  open: (netns: number | undefined) => Promise<Turn>,
): Promise<void> {
  const rehearsal = process.env["BENCH_REHEARSAL"];
  if (rehearsal !== undefined) {
    await using turn = await open(Number(rehearsal));
    await turn.run();
  }
  await using turn = await open(undefined);
  // A round trip is what a program does that runs for long: as many before are not counted, of nobody.
  if (workload === "round-trip") await turn.run();
  const [begin, before] = [process.hrtime.bigint(), process.cpuUsage()];
  const objects = (await turn.run()) ?? count;
  const wall = Number(process.hrtime.bigint() - begin);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ ns: workload === "events" ? (user + system) * 1000 : wall, objects }));
}
