/**
 * Each message that an application sends fails, is refused, or gets no answer; each datagram that arrives is cut, doubled,
 * late, forged, lost or out of order. Whatever happens: an error with a code in time, and the old state or the new one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../../lib/host.ts";
import { type Fault, FaultyTransport } from "../../lib/socket/faulty.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import type { Transport } from "../../lib/socket/transport.ts";
import { recover } from "../../lib/transaction/ending.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { planFor } from "../../lib/transaction/wanted.ts";
import type { Document } from "./documents.ts";
import { desired, difference, machine, snapshot } from "./host.ts";

const DOCUMENT: Document = {
  linkwright: 1,
  links: {
    br0: { kind: "bridge", mtu: "auto", addresses: ["10.0.0.1/24"] },
    vx1: { kind: "vxlan", vni: 39, dev: "eth0", remote: "192.0.2.11", master: "br0" },
    eth1: { mtu: 1400 },
  },
  routes: [{ dst: "10.20.0.0/16", via: "192.0.2.254" }],
  sysctls: { "net.ipv4.ip_forward": 1, "net.ipv4.conf.br0.rp_filter": 0 },
  nat: [{ masquerade: "10.0.0.0/24", out: "eth0" }],
};

const ROUTE = 0;
const NETFILTER = 12;
const PROTOCOLS = [ROUTE, NETFILTER] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** Negated: EPERM, EINTR, EIO, EAGAIN, ENOMEM, EBUSY, ENOSPC, EOPNOTSUPP, ENOBUFS. */
const ERRNOS = [-1, -4, -5, -11, -12, -16, -28, -95, -105];
const ENOBUFS = -105;
const DUMP_INTERRUPTED = 0x10;
/** Milliseconds. */
const LATE = 50;
const HANG = 60_000;

const sendFaults: readonly Fault[] = [
  ...ERRNOS.map((errno): Fault => ({ kind: "refuse", errno })),
  ...ERRNOS.map((errno): Fault => ({ kind: "send", errno })),
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

/** A fault at one place of one protocol's conversation. */
interface Case {
  readonly protocol: Protocol;
  readonly fault: Fault;
}

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

/** Has sockets of one host made by `make`: each namespace has its own descriptor. */
const makers = new Map<number, (transport: Transport, protocol: number) => Transport>();
function intercept(): void {
  KernelTransport.open = (options) => {
    const transport = open(options);
    const make = makers.get(options.netns ?? -1);
    return (make?.(transport, options.protocol) ?? transport) as KernelTransport;
  };
}

type Outcome = "kept" | "undone" | string;

/** One application with a fault; anything but `kept` and `undone` says what is wrong. */
async function attempt(directory: string, { protocol, fault }: Case): Promise<Outcome> {
  await using on = await machine();
  const wanted = desired(DOCUMENT);
  const before = await snapshot(on);
  const error = await (async () => {
    await using host = await Host.open({ netns: on.namespace });
    makers.set(on.namespace.fd, (inner, of) => (of === protocol ? new FaultyTransport(inner, [fault]) : inner));
    try {
      const end = transact(host, wanted, { directory, wait: 0 }).then(
        () => undefined,
        (cause: unknown) => cause as Error & { code?: unknown },
      );
      return await Promise.race([end, sleep(HANG, "hang" as const, { ref: false })]);
    } finally {
      makers.delete(on.namespace.fd);
    }
  })();
  if (error === "hang") return `no end within ${HANG} ms`;
  if (error !== undefined && typeof error.code !== "string") return `an error without a code: ${error.stack}`;
  const { state } = await recover(on.host, { directory });
  if (error === undefined && state === "nothing") {
    const { plan } = await planFor(on.host, { desired: wanted, mode: "apply" });
    return plan.steps.length === 0 ? "kept" : `not done, and nobody was told: ${plan.steps.map(({ id }) => id).join()}`;
  }
  const lines = difference(before, await snapshot(on));
  return lines.length === 0 ? "undone" : `${error?.message}; ${lines.length} lines differ\n  ${lines.join("\n  ")}`;
}

/** How many messages are sent and datagrams arrive where nothing goes wrong. */
async function counts(directory: string): Promise<ReadonlyMap<Protocol, Counting>> {
  await using on = await machine();
  await using host = await Host.open({ netns: on.namespace });
  const found = new Map<Protocol, Counting>();
  makers.set(on.namespace.fd, (inner, protocol) => {
    const counting = new Counting(inner);
    found.set(protocol as Protocol, counting);
    return counting;
  });
  await transact(host, desired(DOCUMENT), { directory, wait: 0 });
  makers.delete(on.namespace.fd);
  return found;
}

/** What became of so many faults. */
export interface Faults {
  /** All that there are, of which some are tried. */
  all: number;
  tried: number;
  kept: number;
  undone: number;
  readonly faults: string[];
}

/** So many at once: most only wait for an answer that does not come. */
const AT_ONCE = 16;

/** Every `step`th of all faults, from number `begin` on. */
export async function faults(directory: string, step = 1, begin = 0): Promise<Faults> {
  intercept();
  try {
    const all: Faults = { all: 0, tried: 0, kept: 0, undone: 0, faults: [] };
    const cases: Case[] = [];
    for (const [protocol, { sent, arrived }] of await counts(directory))
      for (const [count, kinds] of [
        [sent, sendFaults],
        [arrived, answerFaults],
      ] as const)
        for (let at = 0; at < count; at++) for (const fault of kinds) cases.push({ protocol, fault: { ...fault, at } });
    all.all = cases.length;
    const left = cases.filter((_, i) => i % step === begin % step).values();
    const one = async (): Promise<void> => {
      for (const each of left) {
        const outcome = await attempt(directory, each).catch((error: unknown) => `failed: ${(error as Error).stack}`);
        all.tried++;
        if (outcome === "kept" || outcome === "undone") all[outcome]++;
        else all.faults.push(`${JSON.stringify(each)}: ${outcome}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    return all;
  } finally {
    KernelTransport.open = open;
  }
}
