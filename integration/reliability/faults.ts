/**
 * Each message that an application, a recovery or a revert sends fails, is refused, or gets no answer; each datagram that
 * arrives is cut, doubled, late, forged, lost or out of order; each call for a sysctl or for the journal fails. Whatever
 * happens: an error with a code in time, and the old state or the new one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../../lib/host.ts";
import { type Fault, FaultyTransport } from "../../lib/socket/faulty.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import type { Transport } from "../../lib/socket/transport.ts";
import { ApplyError } from "../../lib/state/apply.ts";
import { isExact } from "../../lib/transaction/back.ts";
import { recover, revert } from "../../lib/transaction/ending.ts";
import { RevertedError } from "../../lib/transaction/reverted.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { planFor } from "../../lib/transaction/wanted.ts";
import { loadBinding } from "../../native-bindings/index.ts";
import { beforeFiles, beforeNative, type Call, type Sort } from "./calls.ts";
import type { Document } from "./documents.ts";
import { desired, difference, type Machine, machine, snapshot } from "./host.ts";
import { interrupt } from "./interrupted.ts";

const DOCUMENT: Document = {
  linkwright: 1,
  links: {
    br0: { kind: "bridge", mtu: "auto", addresses: ["10.0.0.1/24"] },
    vx1: { kind: "vxlan", vni: 39, dev: "eth0", remote: "192.0.2.11", master: "br0" },
    eth1: { mtu: 1400, ethtool: { features: { gso: false } } },
  },
  routes: [{ dst: "10.20.0.0/16", via: "192.0.2.254" }],
  sysctls: { "net.ipv4.ip_forward": 1, "net.ipv4.conf.br0.rp_filter": 0 },
  nat: [{ masquerade: "10.0.0.0/24", out: "eth0" }],
};
const WANTED = desired(DOCUMENT);

/** What is under way. Nobody waits for a lock, which nobody has. */
type Options = { readonly directory: string; readonly wait: 0 };
const DOINGS = {
  apply: async (host: Host, options: Options) => void (await transact(host, WANTED, options)),
  recover: async (host: Host, options: Options) => await recover(host, options),
  revert: async (host: Host, options: Options) => await revert(host, options),
} as const;
type Doing = keyof typeof DOINGS;

/** Negated: EPERM, ENOENT, EINTR, EIO, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, ENODEV, EINVAL, EMFILE, ENOSPC, EOPNOTSUPP, ENOBUFS. */
const ANSWERS = [-1, -2, -4, -5, -11, -12, -13, -16, -17, -19, -22, -24, -28, -95, -105];
/** What sendmsg may say: EPERM, EINTR, EAGAIN, ENOMEM, EACCES, ENOBUFS, ECONNREFUSED. */
const SENDS = [-1, -4, -11, -12, -13, -105, -111];
/** EPERM, EINTR, EIO, ENOMEM, EACCES, EMFILE, and of sysctls ENOENT, EINVAL, of files ENOSPC, EROFS, EDQUOT. */
const CALLS: Readonly<Record<Exclude<Sort, "netlink">, readonly number[]>> = {
  settings: [-1, -4, -5, -12, -13, -24, -2, -22],
  files: [-1, -4, -5, -12, -13, -24, -28, -30, -122],
};
const ENOBUFS = -105;
const DUMP_INTERRUPTED = 0x10;
/** Milliseconds. */
const LATE = 50;
/** Seconds that this process ran, which may be held for a while. */
const HANG = 60;

const sendFaults: readonly Fault[] = [
  ...ANSWERS.map((errno): Fault => ({ kind: "refuse", errno })),
  ...SENDS.map((errno): Fault => ({ kind: "send", errno })),
  { kind: "mute" },
];
const answerFaults: readonly Fault[] = [
  ...[0, 8, 16, 20, 40].map((length): Fault => ({ kind: "truncate", length })),
  { kind: "duplicate" },
  { kind: "drop" },
  { kind: "delay", ms: LATE },
  { kind: "forge", port: 4711 },
  { kind: "flags", flags: DUMP_INTERRUPTED },
  { kind: "sequence", sequence: 1 },
  { kind: "receive", errno: ENOBUFS },
];

/** A fault at one place of a conversation, or at one of the other calls. */
type Case = { readonly doing: Doing } & (
  | { readonly protocol: number; readonly fault: Fault }
  | { readonly sort: keyof typeof CALLS; readonly at: number; readonly errno: number }
);

/** Counts what passes, without touching it. */
class Counting extends FaultyTransport {
  sent = 0;
  arrived = 0;
  constructor(inner: Transport) {
    super(inner, []);
  }
  override exchange(...args: Parameters<Transport["exchange"]>): number {
    if (args[0] !== null) this.sent++;
    const [message, inbox, done] = args;
    return super.exchange(message, inbox, (received) => {
      this.arrived += Math.max(0, received);
      done(received);
    });
  }
  override send(message: Uint8Array): number {
    this.sent++;
    return super.send(message);
  }
  override receive(inbox: Parameters<Transport["receive"]>[0]): number {
    const received = super.receive(inbox);
    this.arrived += Math.max(0, received);
    return received;
  }
}

const open = KernelTransport.open;

/** What one host does, by the descriptor of its namespace, or by the number of it in the names of its files. */
interface Seam {
  readonly socket: (transport: Transport, protocol: number) => Transport;
  readonly call: (call: Call) => number | undefined;
}
const seams = new Map<number | string, Seam>();

/** Has all that hosts do come by here; returns what ends that. */
async function intercept(): Promise<() => void> {
  KernelTransport.open = (options) => {
    const transport = open(options);
    const seam = seams.get(options.netns ?? -1);
    return (seam?.socket(transport, options.protocol) ?? transport) as KernelTransport;
  };
  const seamOf = ({ where }: Call): Seam | undefined =>
    seams.get(typeof where === "string" ? (/netns-\d+/.exec(where)?.[0] ?? "") : (where ?? -1));
  const ends = [
    beforeNative(loadBinding(), (call) => (call.sort === "settings" ? seamOf(call)?.call(call) : undefined)),
    await beforeFiles((call) => seamOf(call)?.call(call)),
  ];
  return () => {
    KernelTransport.open = open;
    for (const end of ends) end();
  };
}

/** Ends when somebody says so, or when time is up. */
async function hang({ signal }: AbortController): Promise<"hang"> {
  for (let i = 0; i < HANG && !signal.aborted; i++) await sleep(1000, undefined, { ref: false });
  return "hang";
}

/** Does it on a host of its own, with whatever happens on the way. */
async function through(on: Machine, doing: Doing, directory: string, seam: Seam): Promise<unknown> {
  const { namespace } = on;
  const keys = [namespace.fd, `netns-${namespace.identity.inode}`];
  await using host = await Host.open({ netns: namespace });
  for (const key of keys) seams.set(key, seam);
  const over = new AbortController();
  try {
    return await Promise.race([
      DOINGS[doing](host, { directory, wait: 0 }).catch((error: unknown) => error),
      hang(over),
    ]);
  } finally {
    over.abort();
    for (const key of keys) seams.delete(key);
  }
}

/** A fault of a case, once. */
function seamFor(one: Case): Seam {
  let calls = 0;
  return {
    socket: (inner, protocol) =>
      "fault" in one && one.protocol === protocol ? new FaultyTransport(inner, [one.fault]) : inner,
    call: ({ sort }) => ("errno" in one && one.sort === sort && calls++ === one.at ? one.errno : undefined),
  };
}

/** The new state is there, the old one is there, or it is there since somebody recovered; anything else says what is wrong. */
const OUTCOMES = ["kept", "undone", "recovered"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Whether it says of itself that the old state is back. */
function claimsUndone(end: unknown): boolean {
  if (end instanceof ApplyError) return end.undoFailed.length === 0;
  if (end instanceof RevertedError) return isExact(end.wayBack);
  const { state, wayBack } = (end ?? {}) as { state?: string; wayBack?: Parameters<typeof isExact>[0] };
  return state === "reverted" && wayBack !== undefined && isExact(wayBack);
}

const told = (lines: readonly string[]): string => `${lines.length} lines differ\n  ${lines.join("\n  ")}`;

/** One case; what is wrong is thrown. */
async function attempt(directory: string, one: Case): Promise<Outcome> {
  await using on = await machine();
  const before = await snapshot(on);
  if (one.doing !== "apply") await interrupt(on.host, WANTED, directory, "before");
  const end = await through(on, one.doing, directory, seamFor(one));
  if (end === "hang") throw new Error(`no end within ${HANG} s`);
  if (end instanceof Error && typeof (end as { code?: unknown }).code !== "string")
    throw new Error(`an error without a code: ${end.stack}`);
  const itself = difference(before, await snapshot(on));
  if (claimsUndone(end) && itself.length > 0)
    throw new Error(`it says that it is undone: ${String(end)}; ${told(itself)}`);
  const { state } = await recover(on.host, { directory });
  if (state === "committed" || (end === undefined && state === "nothing")) return await kept(on, one.doing);
  if (state === "nothing" && itself.length === 0) return "undone";
  const lines = difference(before, await snapshot(on));
  if (lines.length > 0) throw new Error(`${String(end)}, then ${state}; ${told(lines)}`);
  return itself.length === 0 ? "undone" : "recovered";
}

async function kept({ host }: Machine, doing: Doing): Promise<Outcome> {
  const { plan } = await planFor(host, { desired: WANTED, mode: "apply" });
  if (doing !== "apply") throw new Error("what was to be undone was kept");
  if (plan.steps.length > 0) throw new Error(`not done, and nobody was told: ${plan.steps.map(({ id }) => id).join()}`);
  return "kept";
}

/** All faults of what is done where nothing goes wrong. */
async function casesOf(directory: string, doing: Doing): Promise<readonly Case[]> {
  await using on = await machine();
  if (doing !== "apply") await interrupt(on.host, WANTED, directory, "before");
  const found = new Map<number, Counting>();
  const counts = { settings: 0, files: 0 };
  const end = await through(on, doing, directory, {
    socket: (inner, protocol) => {
      const counting = new Counting(inner);
      found.set(protocol, counting);
      return counting;
    },
    call: ({ sort }) => {
      if (sort !== "netlink") counts[sort]++;
      return undefined;
    },
  });
  if (end instanceof Error) throw end;
  const times = <T>(count: number, of: (at: number) => readonly T[]): T[] =>
    Array.from({ length: count }, (_, at) => of(at)).flat();
  const messages = [...found].flatMap(([protocol, { sent, arrived }]): Case[] =>
    [
      ...times(sent, (at) => sendFaults.map((fault) => ({ ...fault, at }))),
      ...times(arrived, (at) => answerFaults.map((fault) => ({ ...fault, at }))),
    ].map((fault) => ({ doing, protocol, fault })),
  );
  const others = (["settings", "files"] as const).flatMap((sort) =>
    times(counts[sort], (at): Case[] => CALLS[sort].map((errno) => ({ doing, sort, at, errno }))),
  );
  return [...messages, ...others];
}

/** What became of so many faults. */
export interface Faults extends Record<Outcome, number> {
  /** All that there are, of which some are tried. */
  all: number;
  tried: number;
  readonly faults: string[];
}

/** So many at once: most only wait for an answer that does not come. */
const AT_ONCE = 16;

/** Every `step`th of all faults, from number `begin` on. */
export async function faults(directory: string, step = 1, begin = 0): Promise<Faults> {
  const end = await intercept();
  try {
    const cases: Case[] = [];
    for (const doing of Object.keys(DOINGS) as Doing[]) cases.push(...(await casesOf(directory, doing)));
    const all: Faults = { all: cases.length, tried: 0, kept: 0, undone: 0, recovered: 0, faults: [] };
    const left = cases.filter((_, i) => i % step === begin % step).values();
    const some = async (): Promise<void> => {
      for (const one of left)
        try {
          all.tried++;
          all[await attempt(directory, one)]++;
        } catch (error) {
          all.faults.push(`${JSON.stringify(one)}: ${(error as Error).message}`);
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
    return all;
  } finally {
    end();
  }
}
