/**
 * One workload by the wire layer: the connection and schemas of `linkwright/wire`. usage: node ours.js WORKLOAD COUNT [inline]
 * Runs in a network namespace of its own and prints what `floor.c` prints: `{"ns": …, "objects": …}`.
 */
import { ifinfomsg, NETLINK_ROUTE, ndmsg, rtmsg } from "../lib/families/route.ts";
import { getlink, ifla, newlink } from "../lib/links/schema.ts";
import { getneigh, nda, newneigh } from "../lib/neighbors/schema.ts";
import { getroute, newroute, rta } from "../lib/routes/schema.ts";
import { type Command, Connection, command, Monitor } from "../lib/socket/index.ts";
import { type Message, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, picked } from "../lib/wire/index.ts";
import { measured, writer } from "./contest.ts";

const [workload = "", size = "0", mode] = process.argv.slice(2);
const count = Number(size);
let connection: Connection;
const CREATE = NLM_F_CREATE | NLM_F_EXCL;
const UP = { flags: 1, change: 1 };

async function all(commands: Iterable<Command>): Promise<void> {
  for (const error of await connection.batch(commands)) if (error !== undefined) throw error;
}
async function eachOne(commands: Iterable<Command>): Promise<void> {
  for (const { message, value, flags } of commands)
    await connection.request(message as Message<unknown, unknown>, value, flags);
}
function* range<T>(make: (i: number) => T): Generator<T> {
  for (let i = 0; i < count; i++) yield make(i);
}

const bridge = (i: number): Command =>
  command(newlink, { header: {}, attrs: { ifname: `br${i}`, linkinfo: { info: { kind: "bridge" } } } }, CREATE);
const vxlan = (i: number): Command => {
  const info = { kind: "vxlan" as const, data: { id: i + 1, group: "10.0.0.2", port: 4789 } };
  return command(newlink, { header: UP, attrs: { ifname: `vx${i}`, master: 1000, linkinfo: { info } } }, CREATE);
};
const route = (i: number): Command => {
  const header = { family: 2, dstLen: 32, table: 254, protocol: 4, scope: 253, type: 1 };
  const dst = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  return command(newroute, { header, attrs: { dst, oif: 1000 } }, CREATE);
};
const hex = (byte: number): string => (byte & 255).toString(16).padStart(2, "0");
const entry = (i: number): Command => {
  const header = { family: 7, ifindex: 1001, state: 0x80, flags: 2 };
  const lladdr = `02:00:00:${hex(i >> 16)}:${hex(i >> 8)}:${hex(i)}`;
  return command(
    newneigh,
    { header, attrs: { lladdr, dst: `10.1.${(i >> 8) & 255}.${i & 255}` } },
    NLM_F_CREATE | NLM_F_APPEND,
  );
};

/** What was read, kept as the floor keeps it: of each message what the floor reads of it. */
const kept: unknown[] = [];
async function read<I, O>(ask: Message<I, unknown>, value: I, reply: Message<never, O>): Promise<number> {
  kept.length = 0;
  for await (const part of connection.stream(ask, value, reply)) for (const message of part) kept.push(message);
  return kept.length;
}
const linkPick = picked(newlink, ifinfomsg, ifla, ["ifname", "mtu", "link", "address", "master"]);
const routePick = picked(newroute, rtmsg, rta, ["dst", "oif", "table"]);
const entryPick = picked(newneigh, ndmsg, nda, ["lladdr", "dst"]);

/** Listens to a writer in a process of its own, until all is told or nothing for a second. */
async function events(): Promise<number> {
  const monitor = Monitor.open({ protocol: NETLINK_ROUTE, groups: [3], kinds: [newneigh], held: true });
  let silence: NodeJS.Timeout | undefined;
  const rest = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => monitor.close(), 1000);
  };
  writer(count).on("exit", rest);
  let seen = 0;
  for await (const first of monitor) {
    for (const event of [first, ...monitor.take()])
      if (event.type !== "resync") {
        kept.push([event.value.attrs.lladdr, event.value.attrs.dst]);
        seen++;
      }
    rest();
    if (seen >= count) break;
  }
  clearTimeout(silence);
  return seen;
}

interface Workload {
  run(): Promise<number | undefined>;
}
const done = async (work: Promise<void>): Promise<undefined> => {
  await work;
  return undefined;
};
const workloads: Readonly<Record<string, Workload>> = {
  "bridges-each": { run: () => done(eachOne(range(bridge))) },
  bridges: { run: () => done(all(range(bridge))) },
  vxlans: { run: () => done(all(range(vxlan))) },
  "links-dump": { run: () => read(getlink, { header: {} }, linkPick) },
  routes: { run: () => done(all(range(route))) },
  "routes-dump": { run: () => read(getroute, { header: { family: 2 } }, routePick) },
  entries: { run: () => done(all(range(entry))) },
  "entries-dump": { run: () => read(getneigh, { header: { family: 7, ifindex: 1001 } }, entryPick) },
  events: { run: events },
  "round-trip": {
    run: async () => {
      for (let i = 0; i < count; i++) {
        const { ifname } = await connection.get(getlink, { header: { index: 1 } }, linkPick);
        if (ifname !== "lo") throw new Error("another link");
      }
      return undefined;
    },
  },
};

const chosen = workloads[workload];
if (chosen === undefined || !(count > 0)) {
  console.error(`usage: ours WORKLOAD COUNT [inline]; workloads: ${Object.keys(workloads).join(", ")}`);
  process.exit(2);
}
await measured(workload, count, async (netns) => {
  const opened = Connection.open({ protocol: NETLINK_ROUTE, inline: mode === "inline", netns });
  connection = opened;
  return { run: chosen.run, [Symbol.asyncDispose]: async () => opened.close() };
});
