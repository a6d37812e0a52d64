/** Has networkd, or units of ours, do what a document says: files written, read by it, compared with the kernel, and taken back where that fails. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.ts";
import { refuseRecreation } from "../state/apply.ts";
import type { Desired } from "../state/desired.ts";
import { secretsOf } from "../state/secrets.ts";
import type { Plan, Request, Step } from "../state/step.ts";
import type { Verification } from "../state/verify.ts";
import { bootId } from "../transaction/boot.ts";
import { type Check, type StoreOptions, transact } from "../transaction/index.ts";
import { namespaceOf } from "../transaction/store.ts";
import { keep, type Planned, planFor, type Wanted } from "../transaction/wanted.ts";
import { type LinkState, stateOf } from "./bus/networkd.ts";
import { Systemd } from "./bus/systemd.ts";
import { EnabledUnits } from "./enabled.ts";
import { concernsNetworkd, concernsUnits, type Installation, linksIn, underlaysIn, unitsIn } from "./installation.ts";
import { keepingEntries, linksWithDropIn, madeByOurs } from "./kept.ts";
import { type InstallationRecord, RecordKeeper } from "./record.ts";
import { messageOf, refuseInterrupted, reloadWhereItRuns, takeInstallationBack } from "./taking-back.ts";
import { changeFiles } from "./write.ts";

/** Options of {@link install}. */
export interface InstallOptions extends StoreOptions {
  /** Seconds in which networkd has to have configured all links. Default: 30. */
  readonly deadline?: number | undefined;
  /** Links may be deleted and made again, where the kernel or networkd cannot change them. Default: false. */
  readonly allowRecreate?: boolean | undefined;
  /** Looks whether the new state is good for something, when all is done. */
  readonly probe?: ((planned: Planned) => Promise<readonly Check[]>) | undefined;
  /** Called with what the host lacks before anything is changed; what it throws refuses the installation. */
  readonly onPlan?: ((plan: Plan) => void) | undefined;
  /** Told what is being done. */
  readonly onProgress?: ((doing: string) => void) | undefined;
  /** Default: that of this machine. */
  readonly systemd?: Systemd | undefined;
  /** For tests: called before each step that could be the last, with what comes. */
  readonly witness?: ((next: string) => void) | undefined;
}

/** What {@link install} did. */
export interface Installed {
  /** What the host lacked before. */
  readonly plan: Plan;
  /** What networkd left to do. */
  readonly rest: readonly Step[];
  /** The links that networkd makes. */
  readonly links: readonly LinkState[];
  /**
   * Links of others with a file or drop-in of ours that networkd has not configured yet: they may wait for a carrier, or a
   * router. Undefined where networkd could not be asked any more.
   */
  readonly late: readonly LinkState[] | undefined;
  readonly verification: Verification;
  readonly checks: readonly Check[];
}

/** It could not be installed. Files and host are as before, as far as the message does not say otherwise. */
export class InstallError extends Error {
  override readonly name = "InstallError";
  readonly code: "ERR_INSTALL" | "ERR_WAY_BACK";
  readonly checks: readonly Check[];

  constructor(code: InstallError["code"], message: string, cause: unknown, checks: readonly Check[] = []) {
    super(message, { cause });
    this.code = code;
    this.checks = checks;
  }
}

/** Milliseconds between two looks for links that networkd makes, and until it reads its files again for one that is not there. */
const PAUSE = 50;
const AGAIN = 2000;
/** Seconds in which links of others may become configured. */
const UNDERLAY = 2;

/** One installation, from the first look to its end. */
class Installing {
  readonly #host: Host;
  readonly #desired: Desired;
  readonly #installation: Installation;
  readonly #options: InstallOptions;
  readonly #systemd: Systemd;

  constructor(host: Host, desired: Desired, installation: Installation, systemd: Systemd, options: InstallOptions) {
    this.#host = host;
    this.#desired = desired;
    this.#installation = installation;
    this.#options = options;
    this.#systemd = systemd;
  }

  async run(): Promise<Installed> {
    const { signal, allowRecreate } = this.#options;
    const { changes, files, runtime, direct, root } = this.#installation;
    if (!direct) await this.#systemd.networkd.describe({ signal });
    const planned = await planFor(this.#host, this.#wanted, signal);
    this.#options.onPlan?.(planned.plan);
    refuseRecreation(planned.plan, this.#desired.source, allowRecreate);
    await using keeper = await RecordKeeper.forFiles(root, runtime, this.#options.wait);
    await refuseInterrupted(root);
    const units = await EnabledUnits.remember(this.#systemd.units, unitsIn([...files, ...changes]), runtime);
    const record = this.#recordOf(planned, units);
    await keeper.secrets.hold(this.#host, undoingOf(planned));
    await keeper.write(record);
    const checks: Check[] = [];
    try {
      this.#say("writing files");
      await units.pause();
      await units.drop(unitsIn(changes.filter(({ after }) => after === undefined)));
      await changeFiles(root, changes, this.#options.witness);
      const done = await this.#activate(planned, units, checks);
      this.#options.witness?.("done");
      await keeper.forget();
      return { ...done, late: await this.#late() };
    } catch (error) {
      throw await this.#back(keeper, record, error, checks);
    }
  }

  #recordOf({ plan, observed }: Planned, units: EnabledUnits): InstallationRecord {
    const { changes, runtime, direct } = this.#installation;
    return {
      format: 1,
      boot: bootId(),
      netns: namespaceOf(this.#host),
      at: new Date().toISOString(),
      pid: process.pid,
      ...{ runtime, direct, changes },
      units: units.before,
      document: keep(this.#wanted, plan.steps),
      steps: plan.steps,
      ...(observed.table !== undefined && { table: observed.table }),
    };
  }

  get #wanted(): Wanted {
    return { desired: this.#desired, mode: "apply" };
  }

  #say(doing: string): void {
    this.#options.onProgress?.(doing);
  }

  async #activate(planned: Planned, units: EnabledUnits, checks: Check[]): Promise<Omit<Installed, "late">> {
    const { signal, allowRecreate, directory, wait, probe } = this.#options;
    const { changes, files } = this.#installation;
    const witness = this.#options.witness ?? (() => undefined);
    if (concernsUnits(changes)) await this.#systemd.units.daemonReload({ signal });
    const links = await this.#configure();
    witness("kernel");
    this.#say("comparing with the kernel");
    const store = { directory, wait, signal };
    const done = await transact(this.#host, this.#desired, { ...store, allowRecreate, confirm: 0 });
    witness("units");
    this.#say("starting units");
    await units.take(unitsIn(files), { signal });
    this.#say("probing");
    checks.push(...((await probe?.(planned)) ?? []));
    const failed = checks.filter(({ ok }) => !ok);
    if (failed.length > 0) throw new Error(failed.map(({ text }) => text).join("; "));
    const { plan, verification } = done;
    return { plan: planned.plan, rest: plan.steps, links, verification, checks };
  }

  /** networkd reads the files, and has done what they say; what is none of its business is there again. */
  async #configure(): Promise<readonly LinkState[]> {
    const { networkd } = this.#systemd;
    const { signal } = this.#options;
    const { changes, files, direct } = this.#installation;
    let states: readonly LinkState[] = [];
    const reload = async (): Promise<void> => {
      if (direct && concernsNetworkd(changes)) await reloadWhereItRuns(networkd, signal);
      if (!direct && concernsNetworkd(changes)) {
        this.#say("networkd reads them");
        await networkd.reload({ signal });
      }
      states = await this.#configured(linksIn(files));
      await this.#underlaysConfigured();
    };
    const lost = await keepingEntries(this.#host, this.#systemd, changes, reload, madeByOurs(changes));
    if (lost.length > 0) throw new Error(lost.join("; "));
    const failed = (await this.#others()).find(({ administrative }) => administrative === "failed");
    if (failed !== undefined)
      throw new Error(`networkd failed to configure ${failed.name}; see journalctl --unit=systemd-networkd`);
    return states;
  }

  /**
   * networkd makes a link when it reads its file, and not again: one that somebody deleted since, or that networkd did not
   * know to be gone yet, is made when it reads once more. Not so what is on top of another link: that goes with that one.
   */
  async #remake(names: readonly string[], signal: AbortSignal): Promise<void> {
    let again = performance.now() + (concernsNetworkd(this.#installation.changes) ? AGAIN : 0);
    for (;;) {
      const there = new Set((await this.#host.links.list()).map(({ name }) => name));
      if (names.every((name) => there.has(name))) return;
      if (performance.now() >= again) {
        await this.#systemd.networkd.reload({ signal });
        again = performance.now() + AGAIN;
      }
      await sleep(PAUSE, undefined, { signal });
    }
  }

  async #configured(made: ReadonlyMap<string, string>): Promise<readonly LinkState[]> {
    if (made.size === 0) return [];
    const { signal, deadline } = this.#options;
    const over = new AbortController();
    // What goes wrong there goes wrong for whoever waits, too.
    const remaking = this.#remake([...made.keys()], over.signal).catch(() => undefined);
    try {
      const states = await this.#systemd.networkd.waitConfigured([...made.keys()], { deadline, signal });
      await this.#checkFiles(made);
      return states;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ERR_LINK") await this.#checkFiles(made);
      throw error;
    } finally {
      over.abort();
      await remaking;
    }
  }

  /** Links of others that have a file of ours. They may wait for a router, or for a carrier, for as long as there is none. */
  async #underlaysConfigured(): Promise<void> {
    const names = underlaysIn(this.#installation.files);
    const { networkd } = this.#systemd;
    const { signal } = this.#options;
    if (names.length === 0) return;
    await networkd.waitConfigured(names, { deadline: UNDERLAY, signal }).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== "ERR_LINK") throw error;
    });
  }

  /** Installed is all the same, also where networkd cannot be asked. */
  async #late(): Promise<readonly LinkState[] | undefined> {
    const others = await this.#others().catch(() => undefined);
    return others?.filter(({ administrative }) => administrative !== "configured");
  }

  /** Links of others that have a file or drop-in of ours. */
  async #others(): Promise<readonly LinkState[]> {
    const { files } = this.#installation;
    const names = [...underlaysIn(files), ...(await linksWithDropIn(this.#systemd, files))];
    if (names.length === 0) return [];
    const { Interfaces } = await this.#systemd.networkd.describe({ signal: this.#options.signal });
    return Interfaces.map(stateOf).filter(({ name }) => names.includes(name));
  }

  /** Of several files that fit a link, networkd takes the first. */
  async #checkFiles(made: ReadonlyMap<string, string>): Promise<void> {
    const { Interfaces } = await this.#systemd.networkd.describe();
    for (const { Name, NetworkFile } of Interfaces) {
      const ours = made.get(Name);
      if (ours !== undefined && NetworkFile !== undefined && NetworkFile !== ours)
        throw new Error(
          `networkd configures ${Name} by ${NetworkFile}, which comes before ${ours}: have it not fit ${Name}, or give it a name that comes later`,
        );
    }
  }

  /** All as it was: the record stays only where files could not be put back. */
  async #back(
    keeper: RecordKeeper,
    record: InstallationRecord,
    cause: unknown,
    checks: readonly Check[],
  ): Promise<InstallError> {
    this.#say("putting everything back");
    const { root } = this.#installation;
    const place = { host: this.#host, systemd: this.#systemd, root, secrets: secretsOf(this.#host) };
    const { failed, text, filesAreBack } = await takeInstallationBack(place, record);
    if (filesAreBack) await keeper.forget();
    const reason = messageOf(cause);
    if (failed.length === 0) return new InstallError("ERR_INSTALL", `${reason}; ${text}`, cause, checks);
    const look = filesAreBack ? "" : ", then try again with linkwright recover";
    const message = `${reason}; on the way back: ${failed.join("; ")}; look at them with linkwright systemd install --dry-run${look}`;
    return new InstallError("ERR_WAY_BACK", message, cause, checks);
  }
}

const undoingOf = ({ plan: { steps } }: Planned): readonly Request[] =>
  steps.flatMap(({ moves }) => moves.flatMap(({ undo }) => undo));

/**
 * Installs what {@link surveyInstallation} found: writes the files, has networkd read them, waits until it has
 * configured each link, does the rest by netlink, and enables the units. Where anything of it fails, files, units and
 * host are put back as they were.
 * Same as: linkwright systemd install
 *
 * @throws {SystemdError} where networkd cannot be asked. Nothing was changed.
 * @throws {InstallError} where it failed, and was taken back.
 */
export async function install(
  host: Host,
  desired: Desired,
  installation: Installation,
  options: InstallOptions = {},
): Promise<Installed> {
  const systemd = options.systemd ?? new Systemd({ netns: host.netns.identity.inode });
  try {
    return await new Installing(host, desired, installation, systemd, options).run();
  } finally {
    if (options.systemd === undefined) systemd.close();
  }
}
