/** The way back from an installation: for whoever made it, and for whoever comes after one that was killed. */
import type { Host } from "../host.ts";
import { undo } from "../state/perform.ts";
import type { Secrets } from "../state/secrets.ts";
import type { Words } from "../state/step.ts";
import { takeBack, type WayBack } from "../transaction/back.ts";
import { bootId } from "../transaction/boot.ts";
import { clock, describeWayBack, recover, type StoreOptions, TransactionError } from "../transaction/index.ts";
import { isStale, namespaceOf } from "../transaction/store.ts";
import { takeUp } from "../transaction/wanted.ts";
import { SystemdError } from "./bus/error.ts";
import type { Networkd } from "./bus/networkd.ts";
import { Systemd } from "./bus/systemd.ts";
import { EnabledUnits } from "./enabled.ts";
import { concernsNetworkd } from "./installation.ts";
import { keepingEntries } from "./kept.ts";
import { type InstallationRecord, RecordKeeper, readRecord, recordDirectories } from "./record.ts";
import { checkWritable, type FileChange, putBack } from "./write.ts";

/** Seconds for networkd to have everything as before. */
const DEADLINE = 10;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Where it is taken back. */
export interface Place {
  readonly host: Host;
  readonly systemd: Systemd;
  readonly root: string;
  readonly secrets: Secrets;
}

/** How far everything is as before. */
export interface TakenBack {
  /** What could not be put back, line by line. */
  readonly failed: readonly string[];
  readonly filesAreBack: boolean;
  /** What is as before, in words. */
  readonly text: string;
}

/** Has networkd read its files; where it does not run, it reads them when it starts. */
export async function reloadWhereItRuns(networkd: Networkd, signal?: AbortSignal): Promise<void> {
  try {
    await networkd.reload({ signal });
  } catch (error) {
    if (!(error instanceof SystemdError)) throw error;
  }
}

/** Links that networkd makes and that it configures anew as their files are there again: who undoes meanwhile is in its way. */
function madeBefore(changes: readonly FileChange[]): readonly string[] {
  const old = changes.filter(({ before }) => before !== undefined);
  return [...new Set(old.flatMap(({ path }) => /\/10-linkwright-(.+)\.(?:netdev|network)$/.exec(path)?.[1] ?? []))];
}

async function reloadAsBefore(
  { host, systemd }: Place,
  { direct }: InstallationRecord,
  changes: readonly FileChange[],
): Promise<readonly string[]> {
  const { networkd } = systemd;
  if (!concernsNetworkd(changes)) return [];
  if (direct) {
    await reloadWhereItRuns(networkd);
    return [];
  }
  const lost = await keepingEntries(host, systemd, changes, () => networkd.reload());
  const before = madeBefore(changes);
  if (before.length > 0) await networkd.waitConfigured(before, { deadline: DEADLINE });
  return lost;
}

/** What networkd and we did to the kernel; a unit that was stopped took our table with it. */
async function undoSteps({ host, secrets }: Place, { table, document, steps }: InstallationRecord): Promise<WayBack> {
  if (table !== undefined)
    await undo(host, [{ object: "nftables", verb: "replace", words: { table } as unknown as Words }]);
  return await takeBack(host, takeUp(document), steps, secrets);
}

/** All as it was: units, files, networkd, kernel. Each, whatever becomes of the others; and the kernel only of this boot. */
export async function takeInstallationBack(place: Place, record: InstallationRecord): Promise<TakenBack> {
  const { host, systemd, root } = place;
  const isHere = !isStale(record, namespaceOf(host));
  const changes =
    record.boot === bootId() ? record.changes : record.changes.filter(({ path }) => !path.startsWith("/run/"));
  const units = EnabledUnits.remembered(systemd.units, record.units, record.runtime);
  const failed: string[] = [];
  const attempt = async (work: Promise<unknown>): Promise<boolean> =>
    await work.then(
      () => true,
      (error: unknown) => {
        failed.push(messageOf(error));
        return false;
      },
    );
  await attempt(units.withdraw());
  const filesAreBack = await attempt(putBack(root, changes));
  await attempt(reloadAsBefore(place, record, changes).then((lost) => failed.push(...lost)));
  const wayBack = isHere ? await undoSteps(place, record) : undefined;
  await attempt(units.restore());
  failed.push(...(wayBack?.failed ?? []).map((one) => messageOf(one.cause)));
  const kernel = wayBack === undefined ? "the kernel was started anew since" : describeWayBack(wayBack);
  return { failed, filesAreBack, text: `the files are as before, and ${kernel}` };
}

/** What was found of an installation that was interrupted. */
export interface RecoveredInstallation {
  /** When it began. */
  readonly begun: string;
  /** One line: what is as before. */
  readonly text: string;
  /** What could not be put back, line by line; where it is a file, the next call tries again. */
  readonly failed: readonly string[];
}

/** Options of {@link recoverInstallations}. */
export interface RecoverInstallationOptions extends StoreOptions {
  /** Directory that stands for `/`. */
  readonly root?: string | undefined;
  /** Default: that of this machine. */
  readonly systemd?: Systemd | undefined;
}

const describeRecord = ({ pid, at }: InstallationRecord): string =>
  `the installation that process ${pid} began at ${clock(at)}`;

/** What to say of an installation that is not over; undefined where there is none. Nothing is changed. */
export async function installationRemark(root = "/"): Promise<string | undefined> {
  for (const directory of recordDirectories(root)) {
    const record = await readRecord(directory);
    if (record !== undefined)
      return `${describeRecord(record)} is under way, or was interrupted: linkwright recover takes it back`;
  }
  return undefined;
}

/** @throws {TransactionError} `ERR_PENDING` where an installation was interrupted. */
export async function refuseInterrupted(root: string): Promise<void> {
  const remark = await installationRemark(root);
  if (remark !== undefined) throw new TransactionError("ERR_PENDING", remark);
}

/** What was done to the kernel can be undone only where it was done. */
const isElsewhere = ({ boot, netns }: InstallationRecord, host: Host): boolean =>
  boot === bootId() && netns.inode !== host.netns.identity.inode;

async function recoverOne(
  keeper: RecordKeeper,
  host: Host,
  record: InstallationRecord,
  { root = "/", systemd, ...store }: RecoverInstallationOptions,
): Promise<RecoveredInstallation> {
  for (const { path } of record.changes) await checkWritable(root, path);
  const asked = systemd ?? new Systemd({ netns: host.netns.identity.inode });
  try {
    await recover(host, store);
    const place = { host, systemd: asked, root, secrets: keeper.secrets };
    const { failed, text, filesAreBack } = await takeInstallationBack(place, record);
    if (filesAreBack) await keeper.forget();
    const were = `${describeRecord(record)} was interrupted`;
    return { begun: record.at, text: filesAreBack ? `${were}; ${text}` : were, failed };
  } finally {
    if (systemd === undefined) asked.close();
  }
}

/**
 * Takes back installations that were interrupted: files, units, and what was done to the kernel of this boot; one that was
 * begun in another network namespace is left alone. Where there is none, nothing is asked and nothing made. It may be
 * interrupted itself. Same as: linkwright recover
 *
 * @throws {TransactionError} `ERR_LOCKED` where one is under way.
 * @throws {WriteError} where the files cannot be written. Nothing was changed.
 */
export async function recoverInstallations(
  host: Host,
  options: RecoverInstallationOptions = {},
): Promise<readonly RecoveredInstallation[]> {
  const found: RecoveredInstallation[] = [];
  for (const directory of recordDirectories(options.root ?? "/")) {
    if ((await readRecord(directory)) === undefined) continue;
    await using keeper = await RecordKeeper.open(directory, options.wait ?? 0);
    const record = await keeper.read();
    if (record !== undefined && !isElsewhere(record, host)) found.push(await recoverOne(keeper, host, record, options));
  }
  return found;
}

/** Takes the records of installations away without looking at them; the host stays as it is. True where there were some. */
export async function discardInstallations(root = "/"): Promise<boolean> {
  let was = false;
  for (const directory of recordDirectories(root)) {
    if (!(await hasRecord(directory))) continue;
    await using keeper = await RecordKeeper.open(directory, 0);
    await keeper.forget();
    was = true;
  }
  return was;
}

/** Whether there is one, readable or not. */
async function hasRecord(directory: string): Promise<boolean> {
  return await readRecord(directory).then(
    (record) => record !== undefined,
    () => true,
  );
}
