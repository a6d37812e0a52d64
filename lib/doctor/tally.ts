/** Counts what is alike. */
export class Tally<T extends object> {
  readonly #found = new Map<string, T & { packets: number }>();
  add(one: T): void {
    const key = JSON.stringify(one);
    const known = this.#found.get(key);
    if (known === undefined) this.#found.set(key, { ...one, packets: 1 });
    else known.packets++;
  }
  get all(): (T & { packets: number })[] {
    return [...this.#found.values()];
  }
}
