/** Files that have networkd and NetworkManager leave links alone. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Desired } from "../state/desired.ts";
import { Systemd } from "./bus/systemd.ts";
import { LASTING, RUNTIME } from "./places.ts";
import { seal } from "./provenance.ts";
import { isPlainName, printSections } from "./section.ts";
import { changeFiles, type ExportedFile, type FileChange, putBack, surveyFiles, withWayOut } from "./write.ts";

/** Links that a document makes: their names, and those of the other ends of cables. Others may have to be managed. */
function madeNames({ links }: Pick<Desired, "links">): readonly string[] {
  const names = links.flatMap(({ name, kind, absent, options: { peer } }) => {
    const far = (peer ?? {}) as { readonly name?: string; readonly netns?: unknown };
    if (kind === undefined || absent) return [];
    return far.name === undefined || far.netns !== undefined ? [name] : [name, far.name];
  });
  return [...new Set(names)];
}

/** Those of them that files can hold, and that are left alone so. */
export const unmanagedNames = (desired: Pick<Desired, "links">): readonly string[] =>
  madeNames(desired).filter(isPlainName);

/** Why links that a document makes are not left alone, by the links' names: no file can hold these. */
export function notLeftAlone(desired: Pick<Desired, "links">): ReadonlyMap<string, string> {
  const reason = "networkd's and NetworkManager's files cannot hold this name: the link is not left alone";
  return new Map(madeNames(desired).flatMap((name) => (isPlainName(name) ? [] : [[name, reason]])));
}

/** The file for networkd; undefined where there is no link to leave alone. Source: systemd.network(5), [Link] Unmanaged= */
export function unmanagedText(desired: Pick<Desired, "links">): string | undefined {
  const names = unmanagedNames(desired);
  if (names.length === 0) return undefined;
  return printSections([
    { name: "Match", entries: [["Name", names.join(" ")]] },
    { name: "Link", entries: [["Unmanaged", "yes"]] },
  ]);
}

/** Source: NetworkManager.conf(5), keyfile section, unmanaged-devices */
function networkManagerText(names: readonly string[]): string {
  const devices = names.map((name) => `interface-name:=${name}`).join(";");
  return printSections([{ name: "keyfile", entries: [["unmanaged-devices+", devices]] }]);
}

/** What is to be left alone, where, and for how long. */
export interface UnmanageOptions {
  /** Until the next boot only: files in /run instead of /etc. Default: false. */
  readonly runtime?: boolean | undefined;
  /** Directory that stands for `/`. */
  readonly root?: string | undefined;
}

/** What having the links of a document left alone would change. Nothing is changed. @throws {WriteError} */
export async function surveyUnmanaged(
  desired: Pick<Desired, "links">,
  { runtime = false, root = "/" }: UnmanageOptions = {},
): Promise<readonly FileChange[]> {
  const text = unmanagedText(desired);
  if (text === undefined) return [];
  const places = runtime ? RUNTIME : LASTING;
  const files: ExportedFile[] = [{ path: places.unmanaged, text: seal(text) }];
  if (existsSync(join(root, "/etc/NetworkManager")) || existsSync(join(root, "/run/NetworkManager")))
    files.push({ path: places.networkManager, text: seal(networkManagerText(unmanagedNames(desired))) });
  try {
    return await surveyFiles(root, files);
  } catch (error) {
    throw withWayOut(error, runtime);
  }
}

/**
 * Writes what {@link surveyUnmanaged} found, and has both read it: networkd and NetworkManager then leave the links as they
 * are. Who does not run reads it when it starts.
 * Same as: linkwright systemd unmanage
 */
export async function unmanage(
  changes: readonly FileChange[],
  { root = "/", systemd }: Pick<UnmanageOptions, "root"> & { readonly systemd?: Systemd | undefined } = {},
): Promise<void> {
  const asked = systemd ?? new Systemd();
  await changeFiles(root, changes);
  try {
    await asked.networkd.reload().catch(unlessAbsent);
    await asked.networkManager.reload();
  } catch (error) {
    await putBack(root, changes);
    throw error;
  } finally {
    if (systemd === undefined) asked.close();
  }
}

function unlessAbsent(error: unknown): void {
  if ((error as { code?: unknown }).code !== "ERR_NO_NETWORKD") throw error;
}
