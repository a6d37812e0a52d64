/** What the story tries, in words that can be compared. */
import type { Host } from "../../host.ts";
import type { Table } from "../../nftables/index.ts";
import type { PingResult } from "../../probe/ping.ts";
import type { Outcome } from "../../testkit/guest.ts";

/** Milliseconds after which something that should have come is lost. */
export const PATIENCE = 2000;

/** The words for a ping: what answered, and if nothing did, who said so. */
export function pinged({ received, error, fragNeeded }: PingResult): string {
  if (received > 0) return "answered";
  if (error === "EMSGSIZE") return "refused by the sender";
  if (fragNeeded !== undefined) return `refused on the way: at most ${fragNeeded}`;
  return error === undefined ? "lost without a word" : error;
}

/** The words for a transfer or a handshake. */
export function transferred({ ok, error }: Outcome): string {
  if (ok) return "arrives";
  return error === "ETIMEDOUT" ? "hangs" : `fails: ${error}`;
}

/** How long it took. */
export function duration(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const LOST = { family: "bridge", name: "linkwright-demo" } as const;

/**
 * A counter of the frames that a bridge is about to drop as too large for its VXLAN: single frames, longer than its MTU
 * and a VLAN header; a super-packet that will be segmented later is longer than `most`, and passes.
 */
function lossTable(vxlan: string, mtu: number, most: number): Table {
  return {
    ...LOST,
    chains: [
      {
        name: "through",
        hook: "forward",
        priority: 300,
        rules: [{ match: { oifname: vxlan, length: [mtu + 5, most] }, counter: true }],
      },
    ],
  };
}

/** Counts, on one host, what its bridge loses while `work` runs; the counter is gone afterwards. */
export async function countingLosses<T>(
  host: Host,
  work: () => Promise<T>,
): Promise<readonly [result: T, lost: number]> {
  await host.nftables.replace(lossTable("vxlan0", 1450, 1500));
  try {
    const result = await work();
    const [reading] = await host.nftables.counters(LOST.family, LOST.name);
    return [result, Number(reading?.packets ?? 0)];
  } finally {
    await host.nftables.delete(LOST.family, LOST.name);
  }
}

/** All packets that this host's links have dropped or found wrong so far, in either direction. */
export async function complaints(host: Host): Promise<number> {
  const links = await host.links.list({ statistics: true });
  return links.reduce((sum, { statistics }) => {
    if (statistics === undefined) return sum;
    const { rxDropped, txDropped, rxErrors, txErrors } = statistics;
    return sum + [rxDropped, txDropped, rxErrors, txErrors].reduce<number>((all, one) => all + Number(one), 0);
  }, 0);
}

const SEEN = { family: "inet", name: "linkwright-demo" } as const;

/** Whom a server hears while `work` runs: for each address or network, how many packets came from it. */
export async function hearing<T>(
  host: Host,
  sources: readonly string[],
  work: () => Promise<T>,
): Promise<readonly [result: T, packets: readonly number[]]> {
  const rules = sources.map((saddr) => ({ match: { saddr }, counter: true as const }));
  await host.nftables.replace({ ...SEEN, chains: [{ name: "in", hook: "input", rules }] });
  try {
    const result = await work();
    const readings = await host.nftables.counters(SEEN.family, SEEN.name);
    return [result, readings.map(({ packets }) => Number(packets))];
  } finally {
    await host.nftables.delete(SEEN.family, SEEN.name);
  }
}
