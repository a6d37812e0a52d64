/** What our contestants have in common: the clock, and the writer that they listen to. */
import { type ChildProcess, spawn } from "node:child_process";

/** Starts the C program that makes `count` changes, as fast as the kernel takes them. */
export function writer(count: number): ChildProcess {
  const floor = process.env["BENCH_FLOOR"];
  if (floor === undefined) throw new Error("BENCH_FLOOR names no program");
  return spawn(floor, ["neighbors", String(count)], { stdio: "ignore" });
}

/** Runs a workload and prints what `floor.c` prints; of `events`, the CPU of this process instead of the time. */
export async function measured(workload: string, count: number, run: () => Promise<number | undefined>): Promise<void> {
  // A round trip is what a program does that runs for long: as many before are not counted, of nobody.
  if (workload === "round-trip") await run();
  const [begin, before] = [process.hrtime.bigint(), process.cpuUsage()];
  const objects = (await run()) ?? count;
  const wall = Number(process.hrtime.bigint() - begin);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ ns: workload === "events" ? (user + system) * 1000 : wall, objects }));
}
