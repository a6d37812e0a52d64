/**
 * A watch that keeps what it watches: at any quiet moment its tables are what a fresh reading would give, but for what the
 * kernel changes without a word: counters, such as those of learned entries and groups, times that pass, who asks
 * for memberships on a bridge, and options of a link's kind while the link is off.
 */
import { inTurns } from "../families/turns.ts";
import { type CallOptions, type Change, checkCall, SocketError } from "../socket/index.ts";
import { type TableName, type Tables, type Watchable, type WatchName, watchables } from "./tables.ts";
import { type Read, type Sources, Watch, type WatchEvent, type WatchOptions } from "./watch.ts";

/** Events that wait for a reader; more are dropped, and told of by a `resync`. */
const WAITING = 8192;

type AnyTable = Watchable<never, unknown>;
const tableOf = (name: TableName): AnyTable => watchables[name] as unknown as AnyTable;

/** One table. */
class Kept {
  readonly #table: AnyTable;
  /** Objects by key, or by number where the table is only read whole. */
  readonly #objects = new Map<string | number, unknown>();
  /** Keys of each group. */
  readonly #groups = new Map<string, Set<string>>();

  constructor(table: AnyTable) {
    this.#table = table;
  }
  static async of(table: AnyTable, objects: readonly unknown[]): Promise<Kept> {
    const kept = new Kept(table);
    await inTurns(objects, (object) => {
      if (table.key === undefined) kept.#objects.set(kept.#objects.size, object);
      else kept.put(object, false);
    });
    return kept;
  }
  get all(): unknown[] {
    return [...this.#objects.values()];
  }
  /** Takes a change in. False where the table has to be read anew. */
  put(object: unknown, removed: boolean): boolean {
    const key = this.#table.key?.(object as never);
    if (key === undefined) return false;
    const group = this.#table.group?.(object as never) ?? key;
    const keys = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, keys);
    if (removed) {
      keys.delete(key);
      if (keys.size === 0) this.#groups.delete(group);
      return this.#objects.delete(key); // what goes is not always told as it was
    }
    this.#objects.set(key, object);
    keys.add(key);
    return keys.size === 1;
  }
}

/** See {@link Watch}. Its reader may be slow, or there may be none. Of `ethtool` there are events, and no table. */
export class CachedWatch<K extends WatchName = WatchName> extends Watch<K> {
  readonly #kept = new Map<TableName, Kept>();
  /** Tables that have to be read anew. */
  readonly #stale: Set<TableName>;
  #lost = false;
  #wake: (() => void) | undefined;
  #end: { readonly error?: unknown } | undefined;
  /** Those who wait until everything that was read is in the tables. */
  #waiters: (() => void)[] = [];
  /** Milliseconds of the last reading, and when it ended. */
  #took = 0;
  #read = 0;

  constructor(sources: Sources, options: WatchOptions) {
    super(sources, { ...options, cache: true });
    for (const name of this.chosen) this.#kept.set(name, new Kept(tableOf(name)));
    this.#stale = new Set(this.chosen);
    void this.#run(); // never rejects
  }

  /**
   * The tables as they were when the last change was read; {@link settled} makes sure that none is outstanding.
   * @throws what ended the watch, as what it kept is out of date then.
   */
  get tables(): Tables<K> {
    if (this.#end !== undefined && "error" in this.#end) throw this.#end.error;
    const entries = this.chosen.map((name) => [name, this.#kept.get(name)?.all ?? []]);
    return Object.fromEntries(entries) as Tables<K>;
  }

  /** Resolves when every change that the kernel had made before the call is in {@link tables}. */
  async settled(options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    checkCall(options);
    const { signal } = options;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#end !== undefined) throw this.#end.error ?? new SocketError("ERR_CLOSED", "the watch was closed");
      const all = this.monitor.poll();
      await new Promise(setImmediate);
      if (!this.resting) await new Promise<void>((resolve) => this.#waiters.push(resolve));
      else if (all) return;
    }
  }
  protected override rests(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    try {
      do await this.#refresh();
      while (await this.step());
      this.#end = {};
    } catch (error) {
      this.#end = { error };
      this.close();
    }
    this.#wake?.();
    this.rests();
  }
  /**
   * Reads stale tables anew; what changes meanwhile waits, and is taken in afterwards. Rests as long as it took the last
   * time, so that a table that always changes does not take more than half of a processor.
   */
  async #refresh(): Promise<void> {
    while (this.#stale.size > 0) {
      await this.pause(Math.min(this.#took, 1000) - (performance.now() - this.#read), true);
      const begin = performance.now();
      for (const name of [...this.#stale]) {
        this.#stale.delete(name);
        const list = await this.sources.lists[name]();
        this.#kept.set(name, await Kept.of(tableOf(name), list));
        if (!list.consistent) this.#stale.add(name);
      }
      this.#read = performance.now();
      this.#took = this.#read - begin;
    }
  }

  protected override told(read: Read, change: Change): void {
    super.told(read, change);
    if (change.nsid !== undefined) return;
    const { table, removed, value } = read;
    if (this.#kept.get(table)?.put(value, removed) === false) this.#stale.add(table);
  }
  /** What stands on a link bears its name, and may go with it. */
  protected override noticed(change: Change, renamed: boolean): void {
    for (const name of this.chosen) {
      const moved = (other: string): boolean => {
        const { made, gone } = tableOf(other as TableName);
        return change.is(made) || change.is(gone);
      };
      if (renamed || tableOf(name).dependsOn?.some(moved) === true) this.#stale.add(name);
    }
  }

  protected override queue(event: WatchEvent<K>): void {
    if (this.waiting >= WAITING) {
      this.drop();
      this.#lost = true;
    }
    if (!this.#lost) super.queue(event);
    this.#wake?.();
  }
  protected override async resynced(): Promise<void> {
    for (const name of this.chosen) this.#stale.add(name);
    await this.#refresh();
    this.drop();
    this.#lost = true;
    this.#wake?.();
  }
  protected override ready(): WatchEvent<K> | undefined {
    return this.#lost ? undefined : super.ready();
  }
  protected override async pull(): Promise<IteratorResult<WatchEvent<K>, undefined>> {
    while (this.waiting === 0 && !this.#lost && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#lost) {
      this.#lost = false;
      return { done: false, value: { type: "resync", tables: this.tables } };
    }
    if (this.waiting > 0) return await super.pull();
    if (this.#end !== undefined && "error" in this.#end) throw this.#end.error;
    return { done: true, value: undefined };
  }
}
