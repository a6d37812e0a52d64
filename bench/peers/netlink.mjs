// npm `netlink`, found in the folder $BENCH_NODE_MODULES. usage: node netlink.mjs WORKLOAD COUNT
import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";

const { createRtNetlink } = createRequire(`${process.env["BENCH_NODE_MODULES"]}/`)("netlink");
const [workload = "", size = "0"] = process.argv.slice(2);
const count = Number(size);
const socket = createRtNetlink({ ref: true });
const NEW = { flags: 0x600 };
/** How many requests may be under way: more of them overrun the socket, which loses answers. */
const WINDOW = 64;

/** @param {(i: number) => Promise<unknown>} make */
async function pipelined(make) {
  let next = 0;
  const work = async () => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: WINDOW }, work));
  return count;
}
/** @param {(i: number) => Promise<unknown>} make */
async function each(make) {
  for (let i = 0; i < count; i++) await make(i);
  return count;
}
/** What it does not know how to encode is handed over as bytes: attributes of links' kinds. */
const attribute = (type, ...parts) => {
  const data = Buffer.concat(parts);
  const made = Buffer.alloc(4 + Math.ceil(data.length / 4) * 4);
  made.writeUInt16LE(4 + data.length, 0);
  made.writeUInt16LE(type, 2);
  data.copy(made, 4);
  return made;
};
const BRIDGE = attribute(1, Buffer.from("bridge\0"));
const VXLAN = attribute(1, Buffer.from("vxlan\0"));
const FAR = Buffer.concat([
  attribute(2, Buffer.from([10, 0, 0, 2])),
  attribute(15, Buffer.from([4789 >> 8, 4789 & 255])),
]);
const number = Buffer.alloc(4);
const vxlanInfo = (i) => {
  number.writeUInt32LE(i + 1);
  return Buffer.concat([VXLAN, attribute(2, attribute(1, number), FAR)]);
};
const bridge = (i) => socket.newLink({}, { ifname: `br${i}`, linkinfo: BRIDGE }, NEW);
const UP = { flags: { up: true }, change: { up: true } };
const vxlan = (i) => socket.newLink(UP, { ifname: `vx${i}`, master: 1000, linkinfo: vxlanInfo(i) }, NEW);
const route = (i) =>
  socket.newRoute(
    { family: 2, dstLen: 32, table: 254, protocol: 4, scope: 253, type: 1 },
    { dst: Buffer.from([10, i >> 16, i >> 8, i]), oif: 1000 },
    NEW,
  );
const entry = (i) =>
  socket.newNeighbor(
    { family: 7, ifindex: 1001, state: { permanent: true }, flags: { self: true } },
    { lladdr: Buffer.from([2, 0, 0, i >> 16, i >> 8, i]), dst: Buffer.from([10, 1, i >> 8, i]) },
    { flags: 0xc00 },
  );

/** Events until all are there, or none comes for a second. */
function events() {
  return new Promise((resolve) => {
    let got = 0;
    let silence;
    const rest = () => {
      clearTimeout(silence);
      if (got >= count) resolve(got);
      else silence = setTimeout(() => resolve(got), 1000);
    };
    socket.on("message", (messages) => {
      got += messages.length;
      rest();
    });
    socket.addMembership("NEIGH");
    spawn(process.env["BENCH_FLOOR"], ["neighbors", String(count)], { stdio: "ignore" }).on("exit", rest);
  });
}

/** The founding story's host; rules by nft, since the library has none. */
async function host() {
  await socket.newLink({ index: 1000, ...UP }, { ifname: "br0", mtu: 1400, linkinfo: BRIDGE }, NEW);
  await socket.newLink(UP, { ifname: "vx0", mtu: 1400, master: 1000, linkinfo: vxlanInfo(0) }, NEW);
  await Promise.all(
    [
      ["ipv4/ip_forward", "1"],
      ["ipv4/conf/all/rp_filter", "2"],
      ["ipv4/conf/br0/rp_filter", "2"],
      ["ipv4/conf/br0/proxy_arp", "1"],
      ["ipv6/conf/br0/disable_ipv6", "1"],
    ].map(([path, value]) => writeFile(`/proc/sys/net/${path}`, value)),
  );
  await promisify(execFile)("nft", ["-f", process.env["BENCH_RULES"]]);
  return 1;
}

/** @type {Record<string, () => Promise<number>>} */
const workloads = {
  host,
  "bridges-each": () => each(bridge),
  bridges: () => pipelined(bridge),
  vxlans: () => pipelined(vxlan),
  routes: () => pipelined(route),
  entries: () => pipelined(entry),
  "links-dump": async () => (await socket.getLinks()).length,
  "routes-dump": async () => (await socket.getRoutes({ family: 2 })).length,
  "entries-dump": async () => (await socket.getNeighbors({ family: 7, ifindex: 1001 })).length,
  "round-trip": () => each(() => socket.getLink({ index: 1 })),
  events,
};
const chosen = workloads[workload];
if (chosen === undefined) process.exit(3);
if (workload === "round-trip") await chosen();
const [begin, { user, system }] = [process.hrtime.bigint(), process.cpuUsage()];
const objects = await chosen();
const wall = Number(process.hrtime.bigint() - begin);
const cpu = process.cpuUsage({ user, system });
console.log(JSON.stringify({ ns: workload === "events" ? (cpu.user + cpu.system) * 1000 : wall, objects }));
process.exit();
