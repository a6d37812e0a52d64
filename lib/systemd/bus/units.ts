/** Units of the service manager: start, stop, and how they are. */
import type { Bus } from "./bus.ts";
import type { Connection } from "./connection.ts";
import { Refused, refusalOf, SystemdError } from "./error.ts";
import { Alarm, orAborted } from "./signals.ts";

const SERVICE = "org.freedesktop.systemd1";
const PATH = "/org/freedesktop/systemd1";
const MANAGER = `${SERVICE}.Manager`;
const PROPERTIES = "org.freedesktop.DBus.Properties";
/** Source: systemd.unit(5), Unit names */
const NAME = /^[A-Za-z0-9:_.\\@-]+\.(service|socket|target|timer|path|mount|automount|swap|slice|scope|device)$/;
const LONGEST_NAME = 255;
/** Seconds in which a job has to be done: what systemd gives a unit to start. */
const DEADLINE = 90;
/** Milliseconds between two looks where no signal can be heard. */
const PAUSE = 100;

/** Options of everything that waits. */
export interface WaitOptions {
  /** Seconds in which it has to be done. Default: 90. */
  readonly deadline?: number | undefined;
  /** Ends the waiting; what was asked for goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Units.enable} and {@link Units.disable}. */
export interface EnableOptions {
  /** Until the next boot only: links in /run instead of /etc. Default: false. */
  readonly runtime?: boolean | undefined;
  /** Replaces links that are in the way. Default: false. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A link that {@link Units.enable} made or {@link Units.disable} took away. */
export interface UnitFileChange {
  readonly type: "symlink" | "unlink";
  /** Path of the link. */
  readonly file: string;
  /** What it points to; empty for one that is gone. */
  readonly source: string;
}

/** How a unit is. The words are systemd's. */
export interface UnitState {
  readonly name: string;
  /** `loaded`, `not-found`, `masked`, `bad-setting`, `error` */
  readonly load: string;
  /** `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating` */
  readonly active: string;
  /** By the kind of unit: `running`, `exited`, `dead`, `listening`, … */
  readonly sub: string;
  /** `enabled`, `disabled`, `static`, `masked`, …; empty where there is no file. */
  readonly file: string;
  readonly description: string;
}

/** @throws {TypeError} */
function checkName(name: string): void {
  if (typeof name === "string" && name.length <= LONGEST_NAME && NAME.test(name)) return;
  throw new TypeError(`unit: expected a name with its kind such as "x.service", got ${JSON.stringify(name)}`);
}

type Verb = "start" | "stop" | "restart" | "reload";
const METHODS: Readonly<Record<Verb, string>> = {
  start: "StartUnit",
  stop: "StopUnit",
  restart: "RestartUnit",
  reload: "ReloadUnit",
};

/** The end of a job: its path, and `done`, `failed`, `timeout`, `dependency`, `canceled`, `skipped`, … */
type Ends = ReadonlyMap<string, string>;

/** Units of systemd. */
export class Units {
  readonly #connection: Connection;
  /** Connections that were asked for signals. */
  readonly #subscribed = new WeakSet<Bus>();

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Starts a unit and waits until it is up. Same as: systemctl start NAME @throws {SystemdError} `ERR_JOB`, `ERR_NO_UNIT` */
  start(name: string, options: WaitOptions = {}): Promise<void> {
    return this.#run("start", name, options);
  }

  /** Stops a unit and waits until it is down. Same as: systemctl stop NAME @throws {SystemdError} `ERR_JOB`, `ERR_NO_UNIT` */
  stop(name: string, options: WaitOptions = {}): Promise<void> {
    return this.#run("stop", name, options);
  }

  /** Stops a unit and starts it again. Same as: systemctl restart NAME @throws {SystemdError} `ERR_JOB`, `ERR_NO_UNIT` */
  restart(name: string, options: WaitOptions = {}): Promise<void> {
    return this.#run("restart", name, options);
  }

  /** Has a unit read its files again. Same as: systemctl reload NAME @throws {SystemdError} `ERR_JOB`, `ERR_NO_UNIT` */
  reload(name: string, options: WaitOptions = {}): Promise<void> {
    return this.#run("reload", name, options);
  }

  /** Has a unit started at each boot, and reads all unit files again. Same as: systemctl enable NAME */
  async enable(name: string, options: EnableOptions = {}): Promise<readonly UnitFileChange[]> {
    checkName(name);
    const { runtime = false, force = false, signal } = options;
    const doing = `enable ${name}`;
    const [, changes] = await this.#ask(doing, "EnableUnitFiles", "asbb", [[name], runtime, force], { signal });
    await this.daemonReload(options);
    return changesOf(changes);
  }

  /** Has a unit no more started at each boot, and reads all unit files again. Same as: systemctl disable NAME */
  async disable(name: string, options: Omit<EnableOptions, "force"> = {}): Promise<readonly UnitFileChange[]> {
    checkName(name);
    const { runtime = false, signal } = options;
    const [changes] = await this.#ask(`disable ${name}`, "DisableUnitFiles", "asb", [[name], runtime], { signal });
    await this.daemonReload(options);
    return changesOf(changes);
  }

  /** Has systemd read all unit files again, and waits for it. Same as: systemctl daemon-reload */
  async daemonReload({ signal, deadline = DEADLINE }: WaitOptions = {}): Promise<void> {
    await this.#ask("reload the unit files", "Reload", "", [], { signal, timeout: deadline * 1000 });
  }

  /** How a unit is; one that does not exist is `not-found`. Same as: systemctl show NAME */
  async unitState(name: string, { signal }: Pick<WaitOptions, "signal"> = {}): Promise<UnitState> {
    checkName(name);
    const doing = `look at ${name}`;
    const [path] = await this.#ask(doing, "LoadUnit", "s", [name], { signal });
    const call = { destination: SERVICE, path: String(path), interface: PROPERTIES, member: "GetAll" };
    const asked = { ...call, signature: "s", body: [`${SERVICE}.Unit`], signal };
    const [all] = await this.#refused(doing, this.#connection.call(asked));
    const of = (key: string): string => String((all as Readonly<Record<string, unknown>>)[key] ?? "");
    const states = { load: of("LoadState"), active: of("ActiveState"), sub: of("SubState"), file: of("UnitFileState") };
    return { name, ...states, description: of("Description") };
  }

  #ask(
    doing: string,
    member: string,
    signature: string,
    body: readonly unknown[],
    more: { readonly signal?: AbortSignal | undefined; readonly timeout?: number } = {},
  ): Promise<readonly unknown[]> {
    const call = { destination: SERVICE, path: PATH, interface: MANAGER, member, signature, body, ...more };
    return this.#refused(doing, this.#connection.call(call));
  }

  async #refused<T>(doing: string, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw error instanceof Refused ? refusalOf(doing, error) : error;
    }
  }

  async #run(verb: Verb, name: string, { deadline = DEADLINE, signal }: WaitOptions): Promise<void> {
    checkName(name);
    const late = AbortSignal.timeout(Math.ceil(deadline * 1000));
    const over = signal === undefined ? late : AbortSignal.any([late, signal]);
    const bus = await this.#connection.bus();
    const ends = new Map<string, string>();
    const alarm = new Alarm();
    const deaf = await this.#hearEnds(bus, ([, job, , result]) => {
      ends.set(String(job), String(result));
      alarm.ring();
    });
    try {
      const [job] = await this.#ask(`${verb} ${name}`, METHODS[verb], "ss", [name, "replace"], { signal });
      const result =
        deaf === undefined
          ? await this.#look(verb, name, String(job), over)
          : await until(bus, ends, alarm, String(job), over);
      if (result !== "done" && result !== "skipped") throw jobError(verb, name, result);
    } catch (error) {
      if (error === late.reason) throw jobError(verb, name, `not done in ${deadline} s`);
      throw error;
    } finally {
      deaf?.();
    }
  }

  /** Undefined where no signals can be heard. */
  async #hearEnds(bus: Bus, heard: (body: readonly unknown[]) => void): Promise<(() => void) | undefined> {
    if (bus.listen === undefined) return undefined;
    const deaf = await bus.listen({ sender: SERVICE, interface: MANAGER, member: "JobRemoved", path: PATH }, heard);
    if (!this.#subscribed.has(bus)) await this.#ask("hear of jobs", "Subscribe", "", []);
    this.#subscribed.add(bus);
    return deaf;
  }

  /** How a job ended, by what became of its unit: for where no signals can be heard. */
  async #look(verb: Verb, name: string, job: string, over: AbortSignal): Promise<string> {
    const pause = new Alarm();
    while (await this.#isThere(job, over)) {
      await pause.wait(PAUSE, over);
      over.throwIfAborted();
    }
    const { active } = await this.unitState(name, { signal: over });
    const down = active === "inactive" || active === "failed";
    return active === "failed" || (verb === "stop" && !down) ? "failed" : "done";
  }

  async #isThere(job: string, signal: AbortSignal): Promise<boolean> {
    const property = { interface: PROPERTIES, member: "Get", signature: "ss", body: [`${SERVICE}.Job`, "State"] };
    try {
      await this.#connection.call({ destination: SERVICE, path: job, ...property, signal });
      return true;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }
}

async function until(bus: Bus, ends: Ends, alarm: Alarm, job: string, over: AbortSignal): Promise<string> {
  const any = AbortSignal.any([bus.lost, over]);
  for (;;) {
    const end = ends.get(job);
    if (end !== undefined) return end;
    await orAborted(alarm.wait(Number.POSITIVE_INFINITY, any), any);
  }
}

function jobError(verb: Verb, name: string, result: string): SystemdError {
  const message = `cannot ${verb} ${name}: ${result}; see systemctl status ${name} and journalctl --unit=${name}`;
  return new SystemdError("ERR_JOB", message, { reason: result });
}

function changesOf(list: unknown): readonly UnitFileChange[] {
  return (list as readonly [UnitFileChange["type"], string, string][]).map(([type, file, source]) => ({
    type,
    file,
    source,
  }));
}
