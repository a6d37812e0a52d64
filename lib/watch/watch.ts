/** Changes of a network namespace as they happen, in people's words. */
import { type BitNames, changeFromNotice, Notice } from "../ethtool/notices.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { type LinkMessage, linkGone, linkTold } from "../links/observed.ts";
import { boolean, check, InputError, integer, type Shapes } from "../shape/shape.ts";
import { type Change, type Monitor, type MonitorOptions, signalShape } from "../socket/index.ts";
import type { Message } from "../wire/index.ts";
import { type Listening, together } from "./listening.ts";
import {
  type Lists,
  type Names,
  type TableName,
  type Tables,
  type Watchable,
  type Watched,
  type WatchName,
  watchables,
} from "./tables.ts";

/** A change of an object: it is there now, new or changed, or it is gone. */
export interface Told<N extends string, T> {
  readonly type: N;
  /** Whether the object is gone; `value` is then what it was last. */
  readonly removed: boolean;
  readonly value: T;
  /** The namespace that it happened in, as this one numbers it (`ip netns list-id`); undefined for this one. */
  readonly nsid: number | undefined;
}
/**
 * Changes were lost, because they came faster than they were read. `tables` has all that is watched as it is now;
 * changes told afterwards may be in it already.
 */
export interface Resynced<K extends WatchName = WatchName> {
  readonly type: "resync";
  readonly tables: Tables<K>;
}
/** {@link Told.type} of what is watched. */
type TypeOf<T extends WatchName> = T extends TableName ? (typeof watchables)[T]["type"] : T;
/** What a watch tells. */
export type WatchEvent<K extends WatchName = WatchName> = { [T in K]: Told<TypeOf<T>, Watched[T]> }[K] | Resynced<K>;

/** What is watched, and how. */
export type WatchOptions = { readonly [T in WatchName]?: boolean | undefined } & {
  /** Whether the namespaces that this one has numbers for are told of, too; takes CAP_NET_BROADCAST there. Default false. */
  readonly allNetns?: boolean | undefined;
  /** Ends the watch: the loop over it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether watching keeps the process alive. Default false. */
  readonly held?: boolean | undefined;
  /** Milliseconds between two readings of everything after losses, at least. Default 1000. */
  readonly resyncInterval?: number | undefined;
  /** Bytes of the receive buffer; default 4 MiB, of which the unprivileged may get less. */
  readonly buffer?: number | undefined;
};

/** What options name. */
export type Chosen<O> = {
  [T in WatchName]: O extends { readonly [N in T]?: infer V } ? (true extends V ? T : never) : never;
}[WatchName];

type Kind = Message<never, unknown>;
type AnyTable = Watchable<never, unknown>;
/** A change that was read, with its table. */
export interface Read {
  readonly table: TableName;
  readonly removed: boolean;
  readonly value: unknown;
}
/** What a watch needs of the namespace it watches. */
export interface Sources {
  readonly lists: Lists;
  /** Every link's name by its index. */
  names(): Promise<Names>;
  open(options: MonitorOptions<Kind> & { readonly allNetns: boolean }): Monitor<Kind>;
  /** Listens to changes of devices. */
  openEthtool(options: Omit<MonitorOptions, "groups" | "kinds"> & { readonly allNetns: boolean }): Monitor<Kind>;
  /** The names that this kernel has for bits of devices. */
  bitNames(): Promise<BitNames>;
}

const RESYNC_INTERVAL = 1000;
const NONE: Names = new Map();
const tableOf = (name: TableName): AnyTable => watchables[name] as unknown as AnyTable;

const NAMES: readonly string[] = [...Object.keys(watchables), "ethtool" satisfies WatchName];
const OPTIONS: Shapes = {
  ...Object.fromEntries(NAMES.map((name) => [name, boolean])),
  cache: boolean,
  allNetns: boolean,
  signal: signalShape,
  held: boolean,
  resyncInterval: integer(0, 0x7fff_ffff, "milliseconds"),
  buffer: integer(1, 0x7fff_ffff, "bytes"),
};
/** Links whose names are remembered after they are gone. */
const REMEMBERED = 1000;

/**
 * Iterate over it. Changes that are not read wait: some thousand here, further ones in the kernel's buffer, and when
 * that is full there is a `resync`. Leaving the loop ends the watch.
 */
export class Watch<K extends WatchName = WatchName>
  implements AsyncDisposable, AsyncIterableIterator<WatchEvent<K>, undefined>
{
  protected readonly sources: Sources;
  /** The tables that are watched. */
  protected readonly chosen: readonly TableName[];
  protected readonly monitor: Listening;
  readonly #interval: number;
  readonly #held: boolean;
  /** Links that are gone, the longest gone first. */
  readonly #gone = new Set<number>();
  /** All links, where a port's message had them read in this step. */
  #links: Promise<readonly Watched["links"][]> | undefined;
  #names: Map<number, string> | undefined;
  #bitNames: BitNames | undefined;
  #resynced = Number.NEGATIVE_INFINITY;
  #queue: WatchEvent<K>[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  /** Readers that wait for their turn. */
  #asked = 0;
  /** Everything that was read has been told. */
  protected resting = false;

  constructor(sources: Sources, options: WatchOptions & { readonly cache?: boolean | undefined }) {
    check([], OPTIONS, options);
    this.sources = sources;
    this.chosen = (Object.keys(watchables) as TableName[]).filter((name) => options[name] === true);
    if (this.chosen.length === 0 && options.ethtool !== true)
      throw new InputError(["watch"], `names nothing; name at least one of ${NAMES.join(", ")}`);
    const { allNetns = false, signal, held = false, buffer, resyncInterval = RESYNC_INTERVAL } = options;
    this.#interval = resyncInterval;
    this.#held = held;
    // What changes without a word is of interest to who keeps it, names to all.
    const silent = options.cache === true ? this.chosen : [];
    const beside = silent.flatMap((name) => tableOf(name).dependsOn ?? []) as TableName[];
    const tables = [...new Set<TableName>(["links", ...this.chosen, ...beside])].map(tableOf);
    const how = { allNetns, signal, held, buffer };
    const groups = [...new Set(tables.flatMap((table) => table.groups))];
    const first = sources.open({ groups, kinds: tables.flatMap(({ made, gone }) => [made, gone]), ...how });
    try {
      this.monitor = together(options.ethtool === true ? [first, sources.openEthtool(how)] : [first]);
    } catch (error) {
      first.close();
      throw error;
    }
  }

  /** Waits for the next word of the kernel and queues what it says. False at the end. */
  protected async step(): Promise<boolean> {
    this.#names ??= new Map(await this.sources.names());
    this.resting = true;
    this.rests();
    const { done, value } = await this.monitor.next();
    this.resting = false;
    this.#links = undefined;
    if (done === true) return false;
    for (const event of [value, ...this.monitor.take()])
      if (event.type === "resync") {
        await this.#resync();
        break;
      } else {
        const late = this.#change(event as Change);
        if (late !== undefined) await late;
      }
    return true;
  }

  /** Queues what a change says; undefined where nothing had to be read for it. */
  #change(change: Change): Promise<void> | undefined {
    if (change.value instanceof Notice) return this.#notice(change.value, change.nsid);
    const here = change.nsid === undefined;
    if (here) this.noticed(change, this.#renames(change));
    let late: Promise<void> | undefined;
    for (const name of this.chosen) {
      const { made, gone, read } = tableOf(name);
      const removed = change.is(gone);
      if (!removed && !change.is(made)) continue;
      const tell = (values: readonly unknown[]): void => {
        for (const value of values) this.told({ table: name, removed, value }, change);
      };
      if (name === "links" && here && !removed && isPort(change)) late = this.#port(change).then(tell);
      else tell(read(change.value as never, here ? (this.#names as Names) : NONE));
    }
    return late;
  }
  async #notice(notice: Notice, nsid: number | undefined): Promise<void> {
    this.#bitNames ??= await this.sources.bitNames();
    const value = changeFromNotice(notice, this.#bitNames);
    this.queue({ type: "ethtool", removed: false, value, nsid } as WatchEvent<K>);
  }
  /** A bridge tells of its ports in messages of its own, which lack the link. */
  async #port(change: Change): Promise<readonly unknown[]> {
    const { index } = (change.value as LinkMessage).header;
    this.#links ??= this.sources.lists.links();
    return (await this.#links).filter((link) => link.index === index);
  }
  /** Queues a change. */
  protected told({ table, removed, value }: Read, { nsid }: Change): void {
    this.queue({ type: tableOf(table).type, removed, value, nsid } as WatchEvent<K>);
  }
  protected queue(event: WatchEvent<K>): void {
    this.#queue.push(event);
  }
  /** Drops what waits. */
  protected drop(): void {
    this.#queue = [];
  }
  protected get waiting(): number {
    return this.#queue.length;
  }

  /** Everything that was read has been told. */
  protected rests(): void {}
  /** Lets time pass; `held`: while the process is kept alive. */
  protected pause(milliseconds: number, held = this.#held): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      if (!held) timer.unref();
    });
  }
  /** Called for every change here, also of tables that were not chosen. `renamed`: a link has another name, or is gone. */
  protected noticed(_change: Change, _renamed: boolean): void {}
  /** Keeps the names. Those of links that are gone stay a while, for what is told of them later. */
  #renames(change: Change): boolean {
    if ((!change.is(linkTold) && !change.is(linkGone)) || isPort(change)) return false;
    const { header, attrs } = change.value as LinkMessage;
    this.#gone.delete(header.index);
    if (change.is(linkGone)) {
      this.#gone.add(header.index);
      const [oldest] = this.#gone;
      if (oldest !== undefined && this.#gone.size > REMEMBERED) this.#forget(oldest);
      return true;
    }
    const before = this.#names?.get(header.index);
    if (attrs.ifname !== undefined) this.#names?.set(header.index, attrs.ifname);
    return before !== undefined && before !== attrs.ifname;
  }

  #forget(index: number): void {
    this.#gone.delete(index);
    this.#names?.delete(index);
  }

  async #resync(): Promise<void> {
    await this.pause(Math.max(0, this.#resynced + this.#interval - performance.now()));
    this.monitor.take(); // older than what is read now
    this.#resynced = performance.now();
    this.#names = new Map(await this.sources.names());
    this.#gone.clear();
    await this.resynced();
  }
  /** Reads everything anew and queues it. */
  protected async resynced(): Promise<void> {
    const tables: Record<string, unknown> = {};
    for (const name of this.chosen) tables[name] = await this.sources.lists[name]();
    this.queue({ type: "resync", tables: tables as Tables<K> });
  }

  /** The next change. Rejects with the signal's reason; ends when the watch is closed. */
  next(): Promise<IteratorResult<WatchEvent<K>, undefined>> {
    const event = this.#asked === 0 ? this.ready() : undefined;
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    this.#asked++;
    const turn = this.#turn.then(() => this.pull());
    this.#turn = turn.then(this.#over, this.#over);
    return turn;
  }
  readonly #over = (): void => {
    this.#asked--;
  };
  /** A change that nobody has to wait for. */
  protected ready(): WatchEvent<K> | undefined {
    return this.#queue.shift();
  }
  protected async pull(): Promise<IteratorResult<WatchEvent<K>, undefined>> {
    for (;;) {
      const event = this.#queue.shift();
      if (event !== undefined) return { done: false, value: event };
      if (!(await this.step())) return { done: true, value: undefined };
    }
  }
  async return(): Promise<IteratorResult<WatchEvent<K>, undefined>> {
    this.close();
    this.drop();
    return { done: true, value: undefined };
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
  /** Ends the watch. May be called again. */
  close(): void {
    this.monitor.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

function isPort(change: Change): boolean {
  return (change.value as LinkMessage).header.family === AF_BRIDGE;
}
