/**
 * One workload through `Host`, as people use the library: input checked, names looked up, results in words.
 * usage: node api.js WORKLOAD COUNT; prints what `floor.c` prints.
 */
import { Host } from "linkwright";
import { measured, writer } from "./contest.ts";

const [workload = "", size = "0"] = process.argv.slice(2);
const count = Number(size);
let host: Host;

const range = <T>(make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const bridge = (i: number): Promise<unknown> => host.links.create({ kind: "bridge", name: `br${i}` });
const vxlan = (i: number): Promise<unknown> =>
  host.links.create({
    kind: "vxlan",
    name: `vx${i}`,
    vni: i + 1,
    remote: "10.0.0.2",
    dstport: 4789,
    master: "br0",
    up: true,
  });
const hex = (byte: number): string => (byte & 255).toString(16).padStart(2, "0");

async function accepted(results: Promise<readonly (Error | undefined)[]>): Promise<undefined> {
  for (const error of await results) if (error !== undefined) throw error;
  return undefined;
}

/** Listens to a writer in a process of its own, until all is told or nothing for a second. */
async function events(): Promise<number> {
  const over = new AbortController();
  let silence: NodeJS.Timeout | undefined;
  const rest = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => over.abort(), 1000);
  };
  let seen = 0;
  // After a loss it pauses before it reads everything anew, and that holds no process.
  const alive = setInterval(() => undefined, 1000);
  const watch = host.watch({ neighbors: true, held: true, signal: over.signal });
  writer(count).on("exit", rest);
  try {
    for await (const event of watch) {
      if (event.type !== "resync") seen++;
      if (seen % 1000 === 0) rest();
      if (seen >= count) break;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  }
  clearTimeout(silence);
  clearInterval(alive);
  return seen;
}

const workloads: Readonly<Record<string, () => Promise<number | undefined>>> = {
  "bridges-each": async () => {
    for (let i = 0; i < count; i++) await bridge(i);
    return undefined;
  },
  bridges: async () => (await Promise.all(range(bridge))).length,
  vxlans: async () => (await Promise.all(range(vxlan))).length,
  "links-dump": async () => (await host.links.list()).length,
  routes: () =>
    accepted(
      host.routes.batch(
        "create",
        range((i) => ({ dst: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32`, dev: "br0" })),
      ),
    ),
  "routes-dump": async () => (await host.routes.list({ family: "inet" })).length,
  entries: () =>
    accepted(
      host.fdb.batch(
        "append",
        range((i) => ({
          dev: "vx0",
          mac: `02:00:00:${hex(i >> 16)}:${hex(i >> 8)}:${hex(i)}`,
          dst: `10.1.${(i >> 8) & 255}.${i & 255}`,
        })),
      ),
    ),
  "entries-dump": async () => (await host.fdb.list({ dev: "vx0" })).length,
  "round-trip": async () => {
    for (let i = 0; i < count; i++) await host.links.get("lo");
    return undefined;
  },
  events,
};

const chosen = workloads[workload];
if (chosen === undefined || !(count > 0)) process.exit(3);
await measured(workload, count, async (netns) => {
  const opened = await Host.open(netns === undefined ? {} : { netns: `/proc/self/fd/${netns}` });
  host = opened;
  return { run: chosen, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
});
