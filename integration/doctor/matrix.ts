/** Every fault on every kind of underlay: what the doctor calls it. */
import { setTimeout as sleep } from "node:timers/promises";
import { CAUSES, type Cause, diagnose, type Finding } from "../../lib/doctor/index.ts";
import { FAULTS, type FaultName, inject } from "../../lib/testkit/faults.ts";
import { Lab } from "../../lib/testkit/index.ts";

/** Kinds of underlay, by the document that makes them, and its host that goes wrong. */
export const UNDERLAYS = {
  "IPv4 unicast": ["examples/two-hosts.yaml", "bm1"],
  "IPv6 unicast": ["examples/two-hosts-ipv6.yaml", "bm1"],
  "IPv4 list": ["examples/three-hosts-unicast.yaml", "bm1"],
  "IPv6 list": ["integration/doctor/ipv6-list.yaml", "bm1"],
  "IPv4 multicast": ["examples/three-hosts-multicast.yaml", "bm1"],
  "IPv6 multicast": ["integration/doctor/ipv6-multicast.yaml", "bm1"],
  "IPv6 guests": ["integration/doctor/ipv6-guests.yaml", "bm1"],
} as const;
/** One of them. */
export type Underlay = keyof typeof UNDERLAYS;

/** Causes that stop nothing now, and are notes. */
export const NOTES: readonly string[] = ["port-8472", "not-persistent"];

/** What only `--witness` sees. */
export const WITNESSED: FaultName = "gso-masking";

/** What is found first is called as what was done, but for these: one cause, two ways to it, or one that comes with it. */
const ALSO: Readonly<Record<string, Cause>> = {
  "underlay-shrunk": "underlay-mtu",
  "checksum-offload-away": "checksum-offload",
  "multicast-one-way": "multicast-silent",
  "equal-machine-ids": "duplicate-mac",
  "cloned-guest": "duplicate-mac",
  "guest-address-twice": "duplicate-ip",
  "gso-masking": "guest-mtu",
  "managed-by-networkmanager": "managed-by-other",
  "one-way-remote-away": "one-way-remote",
};
/** The cause that a fault is to be found by, first of all. */
export const causeOf = (fault: FaultName): string => ALSO[fault] ?? fault;
/** Whether a fault was found by its cause, and where it has the name of one also by that. */
export function isNamed(fault: FaultName, found: readonly Finding[]): boolean {
  const own = !(fault in CAUSES) || found.some(({ cause }) => cause === fault);
  return found[0]?.cause === causeOf(fault) && own;
}

/** What cannot go wrong there, and why. */
const GROUP: Readonly<Partial<Record<FaultName, string>>> = {
  "wrong-remote": "a group has no single far end",
  "remote-is-self": "a group has no single far end",
  "no-route-to-peer": "a group needs no route",
  "peer-silent": "one of several who are silent in a group is not missed",
  "one-way-remote": "there is no list",
  "one-way-remote-away": "there is no list",
};
const WIDE: Readonly<Partial<Record<FaultName, string>>> = {
  "rp-filter": "IPv6 has no rp_filter",
  "forwarding-off": "there is no way out for IPv4; see IPv6 guests",
  "forward-dropped": "there is no way out for IPv4; see IPv6 guests",
  "masquerade-missing": "there is no way out for IPv4; see IPv6 guests",
  "masquerade-too-wide": "there is no way out for IPv4; see IPv6 guests",
};
const LIST: Readonly<Partial<Record<FaultName, string>>> = {
  "multicast-silent": "there is no group",
  "multicast-one-way": "there is no group",
  "group-not-joined": "there is no group",
};
/** What depends on the version of IP that guests have. */
const INSIDE: readonly FaultName[] = [
  ...(["bridge-netfilter", "forwarding-off", "forward-dropped"] as const),
  ...(["masquerade-missing", "masquerade-too-wide", "guest-mtu", "gso-masking"] as const),
];
/** What has to do with guests, and is not found, or not tried, where they have IPv6 alone. */
const NARROW: Readonly<Partial<Record<FaultName, string>>> = {
  "guest-address-twice": "nobody is asked for IPv6 addresses of guests",
  "cloned-guest": "only with guests of IPv4",
  "duplicate-ip": "only with guests of IPv4",
  "bridge-filtered": "only with guests of IPv4",
};
const ALONE: Readonly<Partial<Record<FaultName, string>>> = {
  "one-way-remote": "there is one far end only",
  "one-way-remote-away": "there is one far end only",
};
const NOT_THERE: Readonly<Record<string, Readonly<Partial<Record<FaultName, string>>>>> = {
  "IPv4 unicast": { "local-missing": "the document leaves the address to the kernel", ...LIST, ...ALONE },
  "IPv6 unicast": { ...WIDE, ...LIST, ...ALONE },
  "IPv4 list": LIST,
  "IPv6 list": { ...WIDE, ...LIST },
  "IPv4 multicast": GROUP,
  "IPv6 multicast": { ...WIDE, ...GROUP },
  "IPv6 guests": Object.fromEntries(
    FAULTS.filter((fault) => !INSIDE.includes(fault)).map((fault) => [fault, NARROW[fault] ?? "as IPv6 unicast"]),
  ),
};
/** Why a fault cannot be there; undefined where it can. */
export const whyNot = (fault: FaultName, underlay: Underlay): string | undefined => NOT_THERE[underlay]?.[fault];

/** In a lab everybody is near. */
export const BRISK = { patience: 600, listen: 700 };

/** Guests that try to reach one another, as they do; returns how to end it. */
export function chatter(lab: Lab): () => Promise<void> {
  const stop = new AbortController();
  const guests = lab.guests.map((name) => lab.guest(name));
  const talks = guests.map(async (guest) => {
    const others = guests.filter((one) => one !== guest).flatMap(({ addresses }) => addresses);
    const worker = await guest.node.worker();
    while (!stop.signal.aborted) {
      // As who announces itself: what is for everybody leaves by each way that broadcasts have.
      await worker.ping("224.0.0.251", { timeout: 50, count: 1 }).catch(() => undefined);
      for (const address of others) await worker.ping(address, { timeout: 200, count: 2 }).catch(() => undefined);
    }
  });
  return async () => {
    stop.abort();
    await Promise.all(talks);
  };
}

/** Waits until all addresses of hosts may be used: of IPv6 each is looked for first, whether another one has it. */
export async function addressed(lab: Lab): Promise<void> {
  for (const name of lab.hosts)
    while ((await lab.host(name).addresses.list()).some(({ tentative }) => tentative === true)) await sleep(50);
}

/** Brings a lab up, lets a fault happen (none: a healthy one), and asks the doctor on the host. */
export async function findings(underlay: Underlay, fault: FaultName | undefined) {
  const [document, host] = UNDERLAYS[underlay];
  await using lab = await Lab.up(document);
  if (fault !== undefined) await inject(lab, fault, host);
  await addressed(lab);
  const ended = chatter(lab);
  try {
    const { root } = await lab.files(host);
    return (await diagnose(lab.host(host), { ...BRISK, root, witness: fault === WITNESSED })).findings;
  } finally {
    await ended();
  }
}

export { FAULTS, type FaultName };

/** Labs at once: they wait most of the time. */
const AT_ONCE = 5;

/** Does the work for each, some of them at once. */
export async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = all.entries();
  const some = async (): Promise<void> => {
    for (const [at, one] of left) results[at] = await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  return results;
}
