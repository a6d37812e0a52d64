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

/** One process for all: what a program does that has many to make. @param {(i: number) => string} line */
async function batch(line, program = "ip") {
  const child = run(program, ["-batch", "-"]);
  child.child.stdin?.end(Array.from({ length: count }, (_, i) => `${line(i)}\n`).join(""));
  await child;
  return count;
}
const address = (i) => `${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const mac = (i) => [i >> 16, i >> 8, i].map((byte) => (byte & 255).toString(16).padStart(2, "0")).join(":");

const SYSCTLS = [
  "net.ipv4.ip_forward=1",
  "net.ipv4.conf.all.rp_filter=2",
  "net.ipv4.conf.br0.rp_filter=2",
  "net.ipv4.conf.br0.proxy_arp=1",
  "net.ipv6.conf.br0.disable_ipv6=1",
];
async function host() {
  await start("link add br0 mtu 1400 up type bridge");
  await start("link add vx0 mtu 1400 up master br0 type vxlan id 1 remote 10.0.0.2 dstport 4789");
  await start(`-qw ${SYSCTLS.join(" ")}`, "sysctl");
  await start(`-f ${process.env["BENCH_RULES"]}`, "nft");
  return 1;
}
/** @type {Record<string, () => Promise<number>>} */
const workloads = {
  bridges: () => batch((i) => `link add br${i} type bridge`),
  routes: () => batch((i) => `route add 10.${address(i)}/32 dev br0 proto static scope link`),
  entries: () =>
    batch(
      (i) => `fdb append 02:00:00:${mac(i)} dev vx0 dst 10.1.${(i >> 8) & 255}.${i & 255} self permanent`,
      "bridge",
    ),
  host,
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
