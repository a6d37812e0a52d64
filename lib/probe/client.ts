/**
 * Whether the client of an SSH session is still reached.
 *
 * Its connection is looked at and not touched: what the kernel tells of it shows whether the client acknowledges. As a
 * silent connection shows nothing, the client is asked for an echo and for a connection to its port meanwhile; that
 * nobody listens there is an answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Asking, codeOf, indexOf } from "./asking.ts";
import { connect } from "./connect.ts";
import { Connections } from "./connections.ts";
import { ping } from "./ping.ts";
import { type ConnectionState, isSshClientSeen, type SshClientEvidence } from "./result.ts";
import type { SshClient } from "./ssh-session.ts";

/** Milliseconds between two looks at the connection. */
const LOOK = 20;

type Mutable = { -readonly [K in keyof SshClientEvidence]: SshClientEvidence[K] };

async function askEcho(asking: Asking, { address, local }: SshClient, scope: number, found: Mutable): Promise<void> {
  const { nsFd, interval, tries, signal } = asking;
  for (let n = 0; n < tries && found.echo !== true; n++) {
    const { received } = await ping(nsFd, address, { timeout: interval, df: false, scope, source: local, signal });
    if (received > 0) found.echo = true;
  }
  found.echo ??= false;
}
async function askPort(asking: Asking, client: SshClient, scope: number, found: Mutable): Promise<void> {
  const { nsFd, timeout, signal } = asking;
  const { answer } = await connect(nsFd, client.address, client.port, { source: client.local, scope, timeout, signal });
  if (answer !== undefined) found.tcp = answer;
}
/** One way to ask; that it cannot be gone is no more than no answer. */
async function quietly(way: Promise<void>): Promise<void> {
  try {
    await way;
  } catch (error) {
    // What ends it from outside is an error of the signal's; those of the kernel have a code.
    if ((error as { name?: unknown }).name !== "AbortError") codeOf(error);
  }
}

/** Looks until enough is known, or the time is over. */
async function lookOn(
  find: () => Promise<ConnectionState | undefined>,
  end: number,
  found: Mutable,
  signal: AbortSignal,
) {
  for (;;) {
    const now = await find();
    if (now !== undefined) found.after = now;
    if (isSshClientSeen(found) || performance.now() >= end) return;
    await sleep(LOOK, undefined, { signal });
  }
}

async function converse(asking: Asking, client: SshClient, starting: () => void): Promise<SshClientEvidence> {
  const { host, nsFd, timeout, signal } = asking;
  const { address, port, local, localPort, dev } = client;
  const end = performance.now() + timeout;
  const scope = await indexOf(asking, dev);
  const way = await host.routes.get(address, { from: local, dev }, { signal });
  const found: Mutable = { client, route: { dev: way.dev ?? "", ...(way.via !== undefined && { via: way.via }) } };
  using connections = new Connections(nsFd);
  const ends = { local, localPort, remote: address, remotePort: port };
  const find = (): Promise<ConnectionState | undefined> => connections.find(ends, { signal });
  const before = await find();
  if (before !== undefined) found.before = before;
  starting();
  const over = new AbortController();
  const both = { ...asking, signal: AbortSignal.any([signal, over.signal]) };
  const ways = [askEcho, askPort].map((ask) => quietly(ask(both, client, scope, found)));
  try {
    await lookOn(find, end, found, signal);
  } finally {
    over.abort();
    await Promise.all(ways);
  }
  return found;
}

/**
 * Runs an {@link SshClientProbe}. `starting` is called when the connection was looked at first: what is written to the
 * session from then on is what the client has to acknowledge.
 */
export async function runSshClient(
  asking: Asking,
  client: SshClient | undefined,
  starting: () => void,
): Promise<SshClientEvidence> {
  if (client === undefined) return {};
  try {
    return await converse(asking, client, starting);
  } catch (error) {
    asking.signal.throwIfAborted();
    return { client, error: codeOf(error) };
  }
}

/** Whether the client's connection ends in this namespace; true where the kernel does not tell. */
export async function isConnected(nsFd: number, client: SshClient): Promise<boolean> {
  const { address, port, local, localPort } = client;
  try {
    using connections = new Connections(nsFd);
    return (await connections.find({ local, localPort, remote: address, remotePort: port })) !== undefined;
  } catch {
    return true;
  }
}
