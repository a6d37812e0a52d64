/** Has networkd, or units of ours, do what a document says: files written, read by it, compared with the kernel, and taken back where that fails. */
import type { Host } from "../host.ts";
import { refuseRecreation } from "../state/apply.ts";
import type { Desired } from "../state/desired.ts";
import { undo } from "../state/perform.ts";
import type { Plan, Step, Words } from "../state/step.ts";
import type { Verification } from "../state/verify.ts";
import { takeBack, type WayBack } from "../transaction/back.ts";
import { type Check, describeWayBack, type StoreOptions, transact } from "../transaction/index.ts";
import { type Planned, planFor, type Wanted } from "../transaction/wanted.ts";
import { SystemdError } from "./bus/error.ts";
import type { LinkState } from "./bus/networkd.ts";
import { Systemd } from "./bus/systemd.ts";
import { EnabledUnits } from "./enabled.ts";
import { concernsNetworkd, concernsUnits, type Installation, linksIn, unitsIn } from "./installation.ts";
import { changeFiles, putBack } from "./write.ts";

/** Options of {@link install}. */
export interface InstallOptions extends StoreOptions {
  /** Seconds in which networkd has to have configured all links. Default: 30. */
  readonly deadline?: number | undefined;
  /** Links may be deleted and made again, where the kernel or networkd cannot change them. Default: false. */
  readonly allowRecreate?: boolean | undefined;
  /** Looks whether the new state is good for something, when all is done. */
  readonly probe?: ((planned: Planned) => Promise<readonly Check[]>) | undefined;
  /** Told what is being done. */
  readonly onProgress?: ((doing: string) => void) | undefined;
  /** Default: that of this machine. */
  readonly systemd?: Systemd | undefined;
}

/** What {@link install} did. */
export interface Installed {
  /** What the host lacked before. */
  readonly plan: Plan;
  /** What networkd left to do. */
  readonly rest: readonly Step[];
  /** The links that networkd makes. */
  readonly links: readonly LinkState[];
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

/** Seconds for networkd to have everything as before. */
const BACK_DEADLINE = 10;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
    refuseRecreation(planned.plan, this.#desired.source, allowRecreate);
    const units = await EnabledUnits.remember(this.#systemd.units, unitsIn([...files, ...changes]), runtime);
    const checks: Check[] = [];
    try {
      this.#say("writing files");
      await units.pause();
      await units.drop(unitsIn(changes.filter(({ after }) => after === undefined)));
      await changeFiles(root, changes);
      return await this.#activate(planned, units, checks);
    } catch (error) {
      throw await this.#back(planned, units, error, checks);
    }
  }

  get #wanted(): Wanted {
    return { desired: this.#desired, mode: "apply" };
  }

  #say(doing: string): void {
    this.#options.onProgress?.(doing);
  }

  async #activate(planned: Planned, units: EnabledUnits, checks: Check[]): Promise<Installed> {
    const { signal, allowRecreate, directory, wait, probe } = this.#options;
    const { changes, files } = this.#installation;
    if (concernsUnits(changes)) await this.#systemd.units.daemonReload({ signal });
    const links = await this.#configure();
    this.#say("comparing with the kernel");
    const store = { directory, wait, signal };
    const done = await transact(this.#host, this.#desired, { ...store, allowRecreate, confirm: 0 });
    this.#say("starting units");
    await units.take(unitsIn(files), { signal });
    this.#say("probing");
    checks.push(...((await probe?.(planned)) ?? []));
    const failed = checks.filter(({ ok }) => !ok);
    if (failed.length > 0) throw new Error(failed.map(({ text }) => text).join("; "));
    const { plan, verification } = done;
    return { plan: planned.plan, rest: plan.steps, links, verification, checks };
  }

  /** networkd reads the files, and has done what they say. */
  async #configure(): Promise<readonly LinkState[]> {
    const { networkd } = this.#systemd;
    const { signal, deadline } = this.#options;
    const { changes, files, direct } = this.#installation;
    if (direct) await this.#reloadWhereItRuns();
    const made = linksIn(files);
    if (!direct && concernsNetworkd(changes)) {
      this.#say("networkd reads them");
      await networkd.reload({ signal });
    }
    if (made.size === 0) return [];
    try {
      const states = await networkd.waitConfigured([...made.keys()], { deadline, signal });
      await this.#checkFiles(made);
      return states;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ERR_LINK") await this.#checkFiles(made);
      throw error;
    }
  }

  /** Where it does not run, it has nothing to leave alone. */
  async #reloadWhereItRuns(): Promise<void> {
    if (!concernsNetworkd(this.#installation.changes)) return;
    try {
      await this.#systemd.networkd.reload({ signal: this.#options.signal });
    } catch (error) {
      if (!(error instanceof SystemdError)) throw error;
    }
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

  /** All as it was: units, files, networkd, kernel. Each, whatever becomes of the others. */
  async #back(planned: Planned, units: EnabledUnits, cause: unknown, checks: readonly Check[]): Promise<InstallError> {
    this.#say("putting everything back");
    const { changes, root } = this.#installation;
    const failed: string[] = [];
    const attempt = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: unknown) => failed.push(messageOf(error)));
    await attempt(units.withdraw());
    await attempt(putBack(root, changes));
    await attempt(this.#reloadAsBefore());
    const wayBack = await this.#undo(planned);
    await attempt(units.restore());
    failed.push(...wayBack.failed.map((one) => messageOf(one.cause)));
    const way = `the files are as before, and ${describeWayBack(wayBack)}`;
    const reason = messageOf(cause);
    if (failed.length === 0) return new InstallError("ERR_INSTALL", `${reason}; ${way}`, cause, checks);
    const message = `${reason}; on the way back: ${failed.join("; ")}; look at them with linkwright systemd install --dry-run`;
    return new InstallError("ERR_WAY_BACK", message, cause, checks);
  }

  async #reloadAsBefore(): Promise<void> {
    const { networkd } = this.#systemd;
    const { changes, direct } = this.#installation;
    if (direct) return await this.#reloadWhereItRuns();
    if (!concernsNetworkd(changes)) return;
    await networkd.reload();
    const before = linksIn(changes.filter((one) => one.before !== undefined));
    if (before.size > 0) await networkd.waitConfigured([...before.keys()], { deadline: BACK_DEADLINE });
  }

  /** What networkd and we did to the kernel; a unit that was stopped took our table with it. */
  async #undo({ plan, observed }: Planned): Promise<WayBack> {
    const { table } = observed;
    if (table !== undefined)
      await undo(this.#host, [{ object: "nftables", verb: "replace", words: { table } as unknown as Words }]);
    return await takeBack(this.#host, this.#wanted, plan.steps);
  }
}

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
