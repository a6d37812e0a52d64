// A Node program that starts `ip` and `bridge` for each thing that it makes, and reads their JSON.
// usage: node spawning.mjs WORKLOAD COUNT
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const [workload = "", size = "0"] = process.argv.slice(2);
const count = Number(size);
const run = promisify(execFile);
/** @param {string} line */
const start = (line, program = "ip") => run(program, line.split(" "), { maxBuffer: 2 ** 30 });
/** @param {(i: number) => Promise<unknown>} make */
async function each(make) {
  for (let i = 0; i < count; i++) await make(i);
  return count;
}
/** @param {string} line */
const read = async (line, program = "ip") => JSON.parse((await start(`-json ${line}`, program)).stdout).length;

/** @type {Record<string, () => Promise<number>>} */
const workloads = {
  "bridges-each": () => each((i) => start(`link add br${i} type bridge`)),
  vxlans: () => each((i) => start(`link add vx${i} up master br0 type vxlan id ${i + 1} remote 10.0.0.2 dstport 4789`)),
  "links-dump": () => read("link show"),
  "routes-dump": () => read("route show"),
  "entries-dump": () => read("fdb show dev vx0", "bridge"),
  "round-trip": () => each(async () => JSON.parse((await start("-json link show lo")).stdout)),
};
const chosen = workloads[workload];
if (chosen === undefined) process.exit(3);
const begin = process.hrtime.bigint();
const objects = await chosen();
console.log(JSON.stringify({ ns: Number(process.hrtime.bigint() - begin), objects }));
