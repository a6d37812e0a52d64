/** Waiting for duplicate address detection to end, by what the kernel tells. */
import { AF_INET6, RTNLGRP_IPV6_IFADDR } from "../families/route.ts";
import { Change, type Monitor, type MonitorOptions } from "../socket/index.ts";
import { DadError } from "./error.ts";
import { deladdr, IFA_F, newaddr } from "./schema.ts";

type Kinds = typeof newaddr | typeof deladdr;
/** Opens a monitor in the namespace of the addresses. */
export type Listen = (options: MonitorOptions<Kinds>) => Monitor<Kinds>;

/** An address whose end of detection is waited for. */
export interface Awaited {
  readonly address: string;
  readonly index: number;
  /** For errors: `address 2001:db8::1/64 on eth0`. */
  readonly subject: string;
}
/** What is known of it: its flags, or that it is not there. */
type Flags = number | undefined;

/** Whether the detection is over. @throws {DadError} */
function isOver(flags: Flags, subject: string): boolean {
  if (flags === undefined)
    throw new DadError(
      "ERR_DAD_REMOVED",
      subject,
      "removed while duplicates were looked for; another host may have it",
    );
  if ((flags & IFA_F.DADFAILED) !== 0)
    throw new DadError("ERR_DAD_FAILED", subject, "another host has this address; delete it here or there");
  return (flags & IFA_F.TENTATIVE) === 0 || (flags & IFA_F.OPTIMISTIC) !== 0;
}

/**
 * Makes the address by `make`, and resolves when no more duplicates are looked for. `read` gives its flags now.
 * @throws {DadError} @throws the signal's reason.
 */
export async function withDad(
  { address, index, subject }: Awaited,
  listen: Listen,
  make: () => Promise<void>,
  read: () => Promise<Flags>,
  { signal, timeout }: { readonly signal?: AbortSignal | undefined; readonly timeout: number },
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DadError("ERR_DAD_TIMEOUT", subject, `duplicates were still looked for after ${timeout} ms`));
  }, timeout);
  // Before the address is made, so that nothing is missed.
  const monitor = listen({
    groups: [RTNLGRP_IPV6_IFADDR],
    kinds: [newaddr, deladdr],
    held: true,
    signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
  });
  try {
    await make();
    if (isOver(await read(), subject)) return;
    for await (const event of monitor) {
      if (!(event instanceof Change)) {
        if (isOver(await read(), subject)) return;
        continue;
      }
      const { header, attrs } = event.value;
      if (header.family !== AF_INET6 || header.index !== index || (attrs.local ?? attrs.address) !== address) continue;
      if (isOver(event.is(deladdr) ? undefined : (attrs.flags ?? header.flags), subject)) return;
    }
  } finally {
    clearTimeout(timer);
    monitor.close();
  }
}
