/** Units that come and go with an installation, and how they were before. */
import { basename } from "node:path";
import type { UnitState, Units } from "./bus/units.ts";
import { LASTING } from "./places.ts";

/** Options of everything that asks systemd. */
interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

const isEnabled = ({ file }: UnitState): boolean => file.startsWith("enabled");
const isRuntime = ({ file }: UnitState): boolean => file === "enabled-runtime";
const isActive = ({ active }: UnitState): boolean => active === "active" || active === "reloading";
/** Also on its way up, or waiting for the next try. */
const isUp = ({ active }: UnitState): boolean => active !== "inactive" && active !== "failed";
/** Keeps the host what the old document says, and would undo whatever is done for a new one. */
const KEEPER = basename(LASTING.service);

/** Units of ours, remembered as they were. */
export class EnabledUnits {
  readonly #units: Units;
  readonly #runtime: boolean;
  readonly #before: readonly UnitState[];

  /** How they were. */
  get before(): readonly UnitState[] {
    return this.#before;
  }

  private constructor(units: Units, runtime: boolean, before: readonly UnitState[]) {
    this.#units = units;
    this.#runtime = runtime;
    this.#before = before;
  }

  /** As somebody else looked at them before anything was changed. */
  static remembered(units: Units, before: readonly UnitState[], runtime: boolean): EnabledUnits {
    return new EnabledUnits(units, runtime, before);
  }

  /** Looks at them before anything is changed. */
  static async remember(units: Units, names: readonly string[], runtime: boolean): Promise<EnabledUnits> {
    const before: UnitState[] = [];
    for (const name of names) before.push(await units.unitState(name));
    return new EnabledUnits(units, runtime, before);
  }

  /** Stops what would put the old state back. */
  async pause(): Promise<void> {
    for (const state of this.#before) if (state.name === KEEPER && isUp(state)) await this.#units.stop(state.name);
  }

  /** Stops and disables those whose files go; their files are still there. */
  async drop(names: readonly string[]): Promise<void> {
    for (const state of this.#before.filter(({ name }) => names.includes(name))) {
      if (isUp(state)) await this.#units.stop(state.name);
      if (isEnabled(state)) await this.#units.disable(state.name, { runtime: isRuntime(state) });
    }
  }

  /**
   * Enables and starts these. One that is active has done what it is for, and does it again, as its new file says: a
   * restart would take our table away for a moment.
   */
  async take(names: readonly string[], { signal }: Waiting): Promise<void> {
    for (const name of names) {
      const now = await this.#units.unitState(name, { signal });
      if (!isEnabled(now)) await this.#units.enable(name, { runtime: this.#runtime, signal });
      if (isActive(now)) await this.#units.reload(name, { signal });
      else await this.#units.start(name, { signal });
    }
  }

  /** Stops and disables those that did not run before, and what keeps the new state; their new files are still there. */
  async withdraw(): Promise<void> {
    for (const state of this.#before) {
      const now = await this.#units.unitState(state.name);
      if (isUp(now) && (!isUp(state) || state.name === KEEPER)) await this.#units.stop(state.name);
      if (isEnabled(now) && !isEnabled(state)) await this.#units.disable(state.name, { runtime: isRuntime(now) });
    }
  }

  /** Enables and starts those that ran before; their old files are there again. */
  async restore(): Promise<void> {
    await this.#units.daemonReload();
    for (const state of this.#before) {
      const now = await this.#units.unitState(state.name);
      if (!isEnabled(now) && isEnabled(state)) await this.#units.enable(state.name, { runtime: isRuntime(state) });
      if (!isUp(now) && isUp(state)) await this.#units.start(state.name);
    }
  }
}
