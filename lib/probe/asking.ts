/** What every probe is run with. */
import type { Host } from "../host.ts";
import { errnoName, NetlinkError, SocketError } from "../socket/index.ts";

/** One probe under way. */
export interface Asking {
  readonly host: Host;
  /** Where sockets are made: a descriptor, or -1 for the namespace that this program is in. */
  readonly nsFd: number;
  /** Milliseconds in all. */
  readonly timeout: number;
  /** Milliseconds between two tries. */
  readonly interval: number;
  readonly tries: number;
  readonly signal: AbortSignal;
}

/** The kernel's word for why something could not be asked. What is no such thing is thrown again. */
export function codeOf(error: unknown): string {
  if (error instanceof SocketError && error.errno !== undefined) return errnoName(error.errno);
  if (error instanceof SocketError && error.code === "ERR_TIMEOUT") return "ETIMEDOUT";
  if (error instanceof NetlinkError) return error.code;
  throw error;
}

/** Number of a link; 0 where none is named. @throws {NetlinkError} where there is no such link. */
export async function indexOf({ host, signal }: Asking, dev: string | undefined): Promise<number> {
  if (dev === undefined) return 0;
  const link = await host.links.get(dev, { signal });
  if (link === undefined) throw new SocketError("ERR_OPEN", `cannot send by the link ${dev}`, { errno: ENODEV });
  return link.index;
}
const ENODEV = -19;
