/**
 * Who changes a namespace, as the kernel's notifications tell: rtnetlink repeats the port of the request that made a
 * change, which is the number of the process for the first socket that it opened; nf_tables names the process.
 *
 * Source: include/uapi/linux/netlink.h (nlmsg_pid), net/netfilter/nf_tables_api.c (nf_tables_fill_gen_info).
 */
import { readFileSync } from "node:fs";
import { NETLINK_NETFILTER } from "../families/netfilter.ts";
import { NETLINK_ROUTE } from "../families/route.ts";
import type { Host } from "../host.ts";
import { placeOf } from "../netns/netns.ts";
import { processDirectory } from "../netns/processes.ts";
import { newGen } from "../nftables/messages.ts";
import { Monitor } from "../socket/index.ts";
import { type Message, message } from "../wire/message.ts";

/** Who made a change. */
export interface Author {
  readonly pid: number;
  /** Name of the program; absent where it had ended before it could be asked. */
  readonly command?: string;
  /** Names of the programs that started it, the nearest first. */
  readonly callers?: readonly string[];
}

/** Bytes from the port in the header of a message to its payload. */
const PORT_BEFORE = 4;
/** Messages of rtnetlink: RTM_NEWLINK is the first. */
const FIRST = 16;
const COUNT = 112;
/** Links, neighbors, addresses, routes, rules, VLANs, nexthops, VNIs, multicast entries. */
const GROUPS = [1, 3, 5, 7, 8, 9, 11, 19, 26, 32, 33, 35];
const NFTABLES_GROUP = 7;
/** Authors that are kept: more do not help to find the one. */
const MOST = 16;

/** A message of rtnetlink of which nothing is read but the port of its author. */
const portOnly = (type: number): Message<never, number> =>
  message<never, number>("RTM", type, {
    write: () => undefined,
    read: (from, start) => from.u32[(start - PORT_BEFORE) >> 2] ?? 0,
    locate: () => undefined,
  });

/** More processes than that do not lie between a daemon and what it starts. */
const GENERATIONS = 16;

/** The programs of a process and of those that started it; as many as are not gone. */
function commandsOf(pid: number): readonly string[] {
  const commands: string[] = [];
  let directory = processDirectory(pid);
  while (directory !== undefined && commands.length < GENERATIONS)
    try {
      const status = readFileSync(`${directory}/status`, "utf8");
      commands.push(readFileSync(`${directory}/comm`, "utf8").trimEnd());
      const parent = Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
      directory = parent > 1 ? `/proc/${parent}` : undefined;
    } catch {
      break;
    }
  return commands;
}

function authorOf(pid: number): Author {
  const [command, ...callers] = commandsOf(pid);
  return { pid, ...(command !== undefined && { command }), ...(callers.length > 0 && { callers }) };
}

/** Changes of nf_tables, where the kernel has it. */
function openRules(where: {
  readonly netns: number;
  readonly signal: AbortSignal;
}): Monitor<typeof newGen> | undefined {
  try {
    return Monitor.open({ protocol: NETLINK_NETFILTER, groups: [NFTABLES_GROUP], kinds: [newGen], ...where });
  } catch {
    return undefined;
  }
}

/** Listens to all that changes in a namespace, and remembers who did it. */
export class Authors implements Disposable {
  readonly #onChange: () => void;
  readonly #ended = new AbortController();
  #authors = new Map<number, Author>();

  /** `onChange` is called for every change, whoever made it. @throws {SocketError} */
  constructor(host: Host, onChange: () => void) {
    const netns = placeOf(host.netns);
    const { signal } = this.#ended;
    const kinds = Array.from({ length: COUNT }, (_, i) => portOnly(FIRST + i));
    this.#onChange = onChange;
    const links = Monitor.open({ protocol: NETLINK_ROUTE, netns, groups: GROUPS, kinds, signal, held: true });
    void this.#read(links, (port) => this.#saw(port));
    const rules = openRules({ netns, signal });
    if (rules !== undefined)
      void this.#read(rules, ({ attrs: { procPid, procName } }) => {
        if (procPid !== undefined) this.#saw(procPid, procName);
      });
  }

  /** Who changed something since this was called last, the latest last. This process is not among them. */
  take(): readonly Author[] {
    const authors = [...this.#authors.values()];
    this.#authors = new Map();
    return authors;
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  #saw(pid: number, name?: string): void {
    // Other ports than that of a process's first socket are no numbers of processes: they count down from 2^32 - 4096.
    if (pid === 0 || pid === process.pid || pid > 0x7fff_ffff) return;
    const author = this.#authors.get(pid) ?? authorOf(pid);
    this.#authors.delete(pid);
    this.#authors.set(pid, name === undefined ? author : { ...author, command: name });
    const [oldest] = this.#authors.keys();
    if (this.#authors.size > MOST && oldest !== undefined) this.#authors.delete(oldest);
  }

  async #read<V>(
    monitor: AsyncIterable<{ readonly type: "resync" } | { readonly value: V }>,
    take: (value: V) => void,
  ): Promise<void> {
    try {
      for await (const event of monitor) {
        if ("value" in event) take(event.value);
        this.#onChange();
      }
    } catch {
      // Without it one looks by the clock alone.
      if (!this.#ended.signal.aborted) this.#onChange();
    }
  }
}
