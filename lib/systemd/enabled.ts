/** Units that come and go with an installation, and how they were before. */
import type { UnitState, Units } from "./bus/units.ts";

/** Options of everything that asks systemd. */
interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

const isEnabled = ({ file }: UnitState): boolean => file.startsWith("enabled");
const isRuntime = ({ file }: UnitState): boolean => file === "enabled-runtime";
const isActive = ({ active }: UnitState): boolean => active === "active" || active === "reloading";

/** Units of ours, remembered as they were. */
export class EnabledUnits {
  readonly #units: Units;
  readonly #runtime: boolean;
  readonly #before: readonly UnitState[];

  private constructor(units: Units, runtime: boolean, before: readonly UnitState[]) {
    this.#units = units;
    this.#runtime = runtime;
    this.#before = before;
  }

  /** Looks at them before anything is changed. */
  static async remember(units: Units, names: readonly string[], runtime: boolean): Promise<EnabledUnits> {
    const before: UnitState[] = [];
    for (const name of names) before.push(await units.unitState(name));
    return new EnabledUnits(units, runtime, before);
  }

  /** Stops and disables those whose files go; their files are still there. */
  async drop(names: readonly string[]): Promise<void> {
    for (const state of this.#before.filter(({ name }) => names.includes(name))) {
      if (isActive(state)) await this.#units.stop(state.name);
      if (isEnabled(state)) await this.#units.disable(state.name, { runtime: isRuntime(state) });
    }
  }

  /** Enables and starts these; one that runs already does again what it is for. */
  async take(names: readonly string[], { signal }: Waiting): Promise<void> {
    for (const name of names) {
      const now = await this.#units.unitState(name, { signal });
      if (!isEnabled(now)) await this.#units.enable(name, { runtime: this.#runtime, signal });
      if (isActive(now)) await this.#units.reload(name, { signal });
      else await this.#units.start(name, { signal });
    }
  }

  /** Stops and disables those that did not run before; their new files are still there. */
  async withdraw(): Promise<void> {
    for (const state of this.#before) {
      const now = await this.#units.unitState(state.name);
      if (isActive(now) && !isActive(state)) await this.#units.stop(state.name);
      if (isEnabled(now) && !isEnabled(state)) await this.#units.disable(state.name, { runtime: isRuntime(now) });
    }
  }

  /** Enables and starts those that ran before; their old files are there again. */
  async restore(): Promise<void> {
    await this.#units.daemonReload();
    for (const state of this.#before) {
      const now = await this.#units.unitState(state.name);
      if (!isEnabled(now) && isEnabled(state)) await this.#units.enable(state.name, { runtime: isRuntime(state) });
      if (!isActive(now) && isActive(state)) await this.#units.start(state.name);
    }
  }
}
