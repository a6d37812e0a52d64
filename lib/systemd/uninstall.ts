/** The way back from an installation: its units and files are taken away. */
import { Host } from "../host.ts";
import { SystemdError } from "./bus/error.ts";
import { Systemd } from "./bus/systemd.ts";
import { EnabledUnits } from "./enabled.ts";
import { concernsNetworkd, concernsUnits, unitsIn } from "./installation.ts";
import { keepingEntries } from "./kept.ts";
import { changeFiles, type FileChange, putBack } from "./write.ts";

/** Options of {@link uninstall}. */
export interface UninstallOptions {
  /** Directory that stands for `/`. */
  readonly root?: string | undefined;
  /** Default: that of this machine. */
  readonly systemd?: Systemd | undefined;
}

async function takeAway(systemd: Systemd, root: string, changes: readonly FileChange[]): Promise<readonly string[]> {
  const names = unitsIn(changes);
  const units = await EnabledUnits.remember(systemd.units, names, false);
  try {
    await units.drop(names);
    await changeFiles(root, changes);
  } catch (error) {
    await putBack(root, changes);
    await units.restore();
    throw error;
  }
  if (concernsUnits(changes)) await systemd.units.daemonReload();
  if (changes.some(({ path }) => path.includes("/NetworkManager/"))) await systemd.networkManager.reload();
  if (!concernsNetworkd(changes)) return [];
  try {
    await using host = await Host.open();
    return await keepingEntries(host, systemd, changes, () => systemd.networkd.reload());
  } catch (error) {
    if (error instanceof SystemdError) return [`networkd did not read it: ${error.message}`];
    throw error;
  }
}

/**
 * Stops and disables units, and removes files, that {@link surveyRemoval} found; networkd then leaves the links alone, or
 * configures those of others by their own files. What the kernel has stays, but for our nftables table, which goes with its
 * unit; what could not be kept is among the warnings.
 * Same as: linkwright systemd uninstall
 *
 * @throws {SystemdError} where systemd cannot be asked; nothing was changed.
 */
export async function uninstall(
  changes: readonly FileChange[],
  { root = "/", systemd }: UninstallOptions = {},
): Promise<{ readonly warnings: readonly string[] }> {
  if (changes.length === 0) return { warnings: [] };
  const asked = systemd ?? new Systemd();
  try {
    return { warnings: await takeAway(asked, root, changes) };
  } finally {
    if (systemd === undefined) asked.close();
  }
}
