/** What installing a document, or taking an installation away, would do to the files of a host. */
import { lstat } from "node:fs/promises";
import { basename, join } from "node:path";
import { directFiles } from "./direct.ts";
import { type Exported, type ExportInput, exportFiles } from "./export.ts";
import { candidates, LASTING, type Places, RUNTIME } from "./places.ts";
import { type FileChange, surveyFiles, WriteError, withWayOut } from "./write.ts";

/** What is to be installed, and for how long. */
export interface InstallationInput extends Omit<ExportInput, "places"> {
  /** Until the next boot only: files in /run instead of /etc. Default: false. */
  readonly runtime?: boolean | undefined;
  /** Without networkd: units apply the document, and keep the host so. Default: false. */
  readonly direct?: boolean | undefined;
  /** Directory that stands for `/`. */
  readonly root?: string | undefined;
}

/** The files of a document, and what of them is not there yet. */
export interface Installation extends Exported {
  readonly root: string;
  readonly runtime: boolean;
  readonly direct: boolean;
  /** Files that are made, changed and removed; empty where all are as they should be. */
  readonly changes: readonly FileChange[];
}

const isUnit = (path: string): boolean => path.endsWith(".service");
const isNetwork = (path: string): boolean => /\.(netdev|network)$|\.(network|conf)\.d\/[^/]+\.conf$/.test(path);

/** A file in /etc hides one of the same name in /run. */
async function refuseHidden(root: string, { files }: Exported): Promise<void> {
  for (const { path } of files) {
    const hiding = join(root, path.replace(/^\/run\//, "/etc/"));
    const there = await lstat(hiding).catch(() => undefined);
    if (there !== undefined && (isNetwork(path) || isUnit(path) || path.includes("/sysctl.d/")))
      throw new WriteError(
        `${hiding} hides the file of that name in /run; leave --runtime out, or take it away with linkwright systemd uninstall`,
      );
  }
}

/**
 * Works out which files a document has, and which of them are to be made, changed, or removed. Nothing is changed.
 *
 * @throws {WriteError} where a file is somebody else's, was changed by hand, or cannot be written.
 */
export async function surveyInstallation(input: InstallationInput): Promise<Installation> {
  const { runtime = false, direct = false, root = "/", ...rest } = input;
  const places: Places = runtime ? RUNTIME : LASTING;
  const exported = (direct ? directFiles : exportFiles)({ ...rest, places });
  if (runtime) await refuseHidden(root, exported);
  // What was installed until the next boot is over with what is installed for good.
  const all = [...(await candidates(root, places)), ...(runtime ? [] : await candidates(root, RUNTIME))];
  // NetworkManager has to leave alone what networkd manages, too.
  const others = all.filter((path) => path !== LASTING.networkManager && path !== RUNTIME.networkManager);
  try {
    return { ...exported, root, runtime, direct, changes: await surveyFiles(root, exported.files, others) };
  } catch (error) {
    throw withWayOut(error, runtime);
  }
}

/** What taking away all files that were installed would do. Nothing is changed. @throws {WriteError} */
export async function surveyRemoval(root = "/"): Promise<readonly FileChange[]> {
  try {
    return await surveyFiles(root, [], [...(await candidates(root, LASTING)), ...(await candidates(root, RUNTIME))]);
  } catch (error) {
    throw withWayOut(error, true);
  }
}

/** Names of the units among files. */
export function unitsIn(files: readonly { readonly path: string }[]): readonly string[] {
  return [...new Set(files.flatMap(({ path }) => (isUnit(path) ? [basename(path)] : [])))];
}

/** Whether systemd has to read its units again. */
export function concernsUnits(changes: readonly FileChange[]): boolean {
  return changes.some(({ path }) => path.includes("/systemd/system/"));
}

/** Whether networkd has to read its files again. */
export function concernsNetworkd(changes: readonly FileChange[]): boolean {
  return changes.some(({ path }) => isNetwork(path));
}

/** Links of others that have a file of ours, and no file of somebody else. */
export function underlaysIn(files: readonly { readonly path: string }[]): readonly string[] {
  return files.flatMap(({ path }) => /\/90-linkwright-(.+)\.network$/.exec(path)?.slice(1) ?? []);
}

/** Links that networkd makes by these files, and where each is told how it is configured. */
export function linksIn(files: readonly { readonly path: string }[]): ReadonlyMap<string, string> {
  const made = files.flatMap(({ path }) => /^(.*\/\d\d-linkwright-(.+))\.netdev$/.exec(path)?.slice(1) ?? []);
  return new Map(made.flatMap((one, i) => (i % 2 === 0 ? [[made[i + 1] ?? "", `${one}.network`] as const] : [])));
}
