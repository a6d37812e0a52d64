/** Which files of others networkd configures links by: it uses one for each, so what we have to say goes into a drop-in. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SystemdError } from "./bus/error.ts";
import type { InterfaceDescription } from "./bus/networkd.ts";
import { Systemd } from "./bus/systemd.ts";
import { isLinkFile } from "./places.ts";

/** The `.network` file of somebody else that networkd configures a link by. */
export interface InCharge {
  readonly file: string;
  /** Other links that it is for as well: what is added to it would be for them too. */
  readonly others: readonly string[];
  /** It has networkd leave the link alone. */
  readonly unmanaged: boolean;
  /** It says which addresses and routes networkd leaves on the link. */
  readonly keeps: boolean;
}

/** Where drop-ins may be. Source: systemd.network(5) */
const DIRECTORIES = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map((base) => `${base}/systemd/network`);

function dropInsOf(file: string): readonly string[] {
  return DIRECTORIES.flatMap((directory) => {
    const of = join(directory, `${basename(file)}.d`);
    try {
      return readdirSync(of).flatMap((name) => (isLinkFile(`${basename(of)}/${name}`) ? [] : [join(of, name)]));
    } catch {
      return [];
    }
  });
}

function says(path: string, key: string): boolean {
  try {
    return new RegExp(`^\\s*${key}\\s*=`, "m").test(readFileSync(path, "utf8"));
  } catch {
    return false;
  }
}

function inChargeOf(file: string, link: InterfaceDescription, all: readonly InterfaceDescription[]): InCharge {
  return {
    file,
    others: all.flatMap(({ Name, NetworkFile }) => (NetworkFile === file && Name !== link.Name ? [Name] : [])),
    unmanaged: link.AdministrativeState === "unmanaged",
    keeps: [file, ...dropInsOf(file)].some((path) => says(path, "KeepConfiguration")),
  };
}

/**
 * By the name of each link, the file of somebody else that networkd configures it by; empty where networkd cannot be
 * asked. Same as: networkctl status LINK
 */
export async function filesInCharge(): Promise<ReadonlyMap<string, InCharge>> {
  const systemd = new Systemd();
  try {
    const { Interfaces } = await systemd.networkd.describe();
    return new Map(
      Interfaces.flatMap((link) => {
        const { Name, NetworkFile: file } = link;
        return file === undefined || isLinkFile(basename(file)) ? [] : [[Name, inChargeOf(file, link, Interfaces)]];
      }),
    );
  } catch (error) {
    if (error instanceof SystemdError) return new Map();
    throw error;
  } finally {
    systemd.close();
  }
}
