/**
 * For how long the event loop does not get its turn. usage: node delay.js SCENARIO COUNT
 * `idle` is nothing but the timer; `lock` makes requests while another process holds the kernel's lock most of the time;
 * `list` and `stream` read a table of routes; `links` and `devconf` list links; `entries`, `routes` and `addresses` make so
 * many in one batch, and the last lists them, too. Prints {"ns": 0, "objects": …, "p99": ms, "max": ms}.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../lib/index.ts";

const [scenario = "", size = "0"] = process.argv.slice(2);
const count = Number(size);
await using host = await Host.open();

async function requests(): Promise<number> {
  const floor = process.env["BENCH_FLOOR"] ?? "";
  const busy = spawn(floor, ["churn", String(count)], { stdio: "ignore" });
  let over = false;
  const ended = once(busy, "exit").then(() => {
    over = true;
  });
  let done = 0;
  for (; !over; done++) await host.links.update("lo", { mtu: 65_000 + (done % 2) });
  await ended;
  return done;
}
async function streamed(): Promise<number> {
  let seen = 0;
  for await (const part of host.routes.stream({ family: "inet" })) seen += part.length;
  return seen;
}

// What a batch is given is made before the timer starts: that is the caller's work.
const BATCHES: Readonly<Record<string, string>> = { entries: "vxlan", routes: "bridge", addresses: "bridge" };
const links = scenario in BATCHES ? await host.links.list() : [];
const dev = links.find(({ kind }) => kind === BATCHES[scenario])?.name ?? "";
const all = <C>(name: string, one: (i: number) => C): readonly C[] =>
  scenario === name ? Array.from({ length: count }, (_, i) => one(i)) : [];
const octets = (i: number): readonly number[] => [(i >> 16) & 255, (i >> 8) & 255, i & 255];
const mac = (i: number): string => ["02:00:00", ...octets(i).map((one) => one.toString(16).padStart(2, "0"))].join(":");
const address = (i: number): string => `10.${octets(i).join(".")}`;
const entries = all("entries", (i) => ({ dev, mac: mac(i), dst: address(i + 1) }));
const routes = all("routes", (i) => ({ dev, dst: address(i) }));
const addresses = all("addresses", (i) => ({ dev, address: `${address(i + 1)}/32` }));
const taken = (results: readonly unknown[]): number => results.filter((error) => error === undefined).length;

const scenarios: Readonly<Record<string, () => Promise<number>>> = {
  idle: async () => {
    await sleep(1000);
    return count;
  },
  lock: requests,
  list: async () => (await host.routes.list({ family: "inet" })).length,
  stream: streamed,
  links: async () => (await host.links.list()).length,
  devconf: async () => (await host.devconf.list()).length,
  entries: async () => taken(await host.fdb.batch("append", entries)),
  routes: async () => taken(await host.routes.batch("create", routes)),
  addresses: async () => {
    await host.addresses.batch("create", addresses);
    return (await host.addresses.list({ dev })).length;
  },
};
const chosen = scenarios[scenario];
if (chosen === undefined) process.exit(3);

/** Milliseconds by which a timer of one came late. */
const late: number[] = [];
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  late.push(Math.max(0, now - last - 1));
  last = now;
}, 1);
await sleep(100);
late.length = 0;
last = performance.now();
const objects = await chosen();
await sleep(5);
clearInterval(timer);
late.sort((a, b) => a - b);
const at = (part: number): number => late[Math.min(late.length - 1, Math.floor(part * late.length))] ?? 0;
console.log(JSON.stringify({ ns: 0, objects, p99: at(0.99), max: at(1) }));
