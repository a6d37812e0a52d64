/** Which gateways a host has, and whether they answer. */
import type { Family } from "../families/lookup.ts";
import type { Link } from "../links/index.ts";
import type { Route } from "../routes/words.ts";
import { type Asking, codeOf } from "./asking.ts";
import { type AskingLink, arp, solicit } from "./neighbor.ts";
import { ping } from "./ping.ts";
import type { GatewayEvidence, GatewayFound } from "./result.ts";
import { versionOf } from "./sockets.ts";
import type { GatewayProbe } from "./words.ts";

/** A gateway to be asked. */
export type Gateway = Pick<GatewayFound, "family" | "via" | "dev">;
type Answer = Pick<GatewayFound, "answered" | "mac" | "ms" | "error">;

/** The gateways that packets without a better route go to: those of the lowest metric of each family, each once. */
export function gatewaysOf(routes: readonly Route[], family?: Family): readonly Gateway[] {
  const defaults = routes.filter(
    (route) => route.dst === "default" && route.type === "unicast" && route.table === "main" && route.tos === undefined,
  );
  const found = new Map<string, Gateway>();
  for (const version of ["inet", "inet6"] as const) {
    if (family !== undefined && version !== family) continue;
    const own = defaults.filter((route) => route.family === version);
    const least = Math.min(...own.map(({ metric = 0 }) => metric));
    for (const { via, dev, nexthops, metric = 0 } of own)
      for (const one of metric === least ? (nexthops ?? [{ via, dev }]) : [])
        if (one.dev !== undefined) {
          const gateway = { family: version, dev: one.dev, ...(one.via !== undefined && { via: one.via }) };
          found.set(JSON.stringify(gateway), gateway);
        }
  }
  return [...found.values()];
}

/** The neighbor that the document names, on the link that the routes lead to. */
async function named({ host, signal }: Asking, address: string): Promise<Gateway> {
  const { dev = "" } = await host.routes.get(address, {}, { signal });
  return { family: versionOf(address) === 4 ? "inet" : "inet6", via: address, dev };
}

const ETHERNET = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
/** A link on which addresses are asked for. */
function askingLink(link: Link): AskingLink | undefined {
  const { name, index, mac, arp: resolves } = link;
  return resolves && mac !== undefined && ETHERNET.test(mac) ? { name, index, mac } : undefined;
}

async function byNeighbor(asking: Asking, link: AskingLink, via: string): Promise<Answer> {
  const { host, nsFd, signal } = asking;
  const wide = versionOf(via) === 6;
  const source = wide ? undefined : (await host.routes.get(via, { dev: link.name }, { signal })).src;
  // Without an address of its own a host has nothing to be asked from: 0.0.0.0 is what RFC 5227 asks with.
  const { answer, error, ms } = wide
    ? await solicit(nsFd, link, via, asking)
    : await arp(nsFd, link, source ?? "0.0.0.0", via, asking);
  if (answer === undefined) return error === undefined ? {} : { error };
  return { answered: wide ? "nd" : "arp", ms, ...(answer !== "" && { mac: answer }) };
}

async function byEcho({ nsFd, interval, tries, signal }: Asking, link: Link, via: string): Promise<Answer> {
  for (let n = 0, error: string | undefined; ; ) {
    const options = { timeout: interval, df: false, scope: link.index, dev: link.name, signal };
    const { received, ms, error: why } = await ping(nsFd, via, options);
    if (received > 0) return { answered: "echo", ...(ms !== undefined && { ms }) };
    error ??= why;
    if (++n === tries) return error === undefined ? {} : { error };
  }
}

/** Asks in both ways at once; the first answer ends the other. */
async function askGateway(asking: Asking, gateway: Gateway): Promise<GatewayFound> {
  const { host, signal } = asking;
  const { via, dev } = gateway;
  const link = await host.links.get(dev, { signal });
  if (link === undefined) return { ...gateway, error: "ENODEV" };
  if (via === undefined)
    return link.up && link.lowerUp ? { ...gateway, answered: "link" } : { ...gateway, error: "ENETDOWN" };
  const found = new AbortController();
  const both = { ...asking, signal: AbortSignal.any([signal, found.signal]) };
  const one = async (way: Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await way;
      if (answer.answered !== undefined) found.abort();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      return found.signal.aborted ? {} : { error: codeOf(error) };
    }
  };
  const asked = askingLink(link);
  const ways = [...(asked === undefined ? [] : [byNeighbor(both, asked, via)]), byEcho(both, link, via)];
  const answers = await Promise.all(ways.map(one));
  return { ...gateway, ...(answers.find(({ answered }) => answered !== undefined) ?? answers[0]) };
}

/** Runs a {@link GatewayProbe}. */
export async function runGateway(asking: Asking, { gateway }: GatewayProbe): Promise<GatewayEvidence> {
  const family = gateway === "inet" || gateway === "inet6" ? gateway : undefined;
  const { host, signal } = asking;
  try {
    const gateways =
      gateway === true || family !== undefined
        ? gatewaysOf(await host.routes.list({}, { signal }), family)
        : [await named(asking, gateway)];
    return { gateways: await Promise.all(gateways.map((one) => askGateway(asking, one))) };
  } catch (error) {
    signal.throwIfAborted();
    return { gateways: [], error: codeOf(error) };
  }
}
