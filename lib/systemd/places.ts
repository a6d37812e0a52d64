/** Where files for systemd go, and which of them are there. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The paths, from `/` on. */
export interface Places {
  /** The directory of .netdev and .network files. */
  readonly network: string;
  readonly sysctl: string;
  readonly nftables: string;
  readonly document: string;
  readonly nftablesUnit: string;
  /** Added to nftables.service, whoever that is from. */
  readonly nftablesDropIn: string;
  readonly applyUnit: string;
  readonly recoverUnit: string;
  readonly service: string;
  /** Has networkd leave alone what others made on its links. */
  readonly networkdDropIn: string;
  /** Has networkd leave links alone; before all others. */
  readonly unmanaged: string;
  /** Has NetworkManager leave links alone. */
  readonly networkManager: string;
}

function below(base: string, own: string): Places {
  return {
    network: `${base}/systemd/network`,
    sysctl: `${base}/sysctl.d/98-linkwright.conf`,
    nftables: `${own}/linkwright.nft`,
    document: `${own}/document.yaml`,
    nftablesUnit: `${base}/systemd/system/linkwright-nftables.service`,
    nftablesDropIn: `${base}/systemd/system/nftables.service.d/90-linkwright.conf`,
    applyUnit: `${base}/systemd/system/linkwright-apply.service`,
    recoverUnit: `${base}/systemd/system/linkwright-recover.service`,
    service: `${base}/systemd/system/linkwright.service`,
    networkdDropIn: `${base}/systemd/networkd.conf.d/90-linkwright.conf`,
    unmanaged: `${base}/systemd/network/05-linkwright-unmanaged.network`,
    networkManager: `${base}/NetworkManager/conf.d/95-linkwright.conf`,
  };
}

/** For good. */
export const LASTING = below("/etc", "/etc/linkwright");
/** Until the next boot. Files of the same name in /etc hide them. */
export const RUNTIME = below("/run", "/run/linkwright-files");

const OURS = /^\d\d-linkwright-.+\.(netdev|network)$/;
/** What is added to the file of somebody else. */
const DROP_IN = "90-linkwright.conf";

/** Where lines for a link go that another `.network` file is in charge of; without the directory of both. */
export function dropInOf(file: string): string {
  return `${basename(file)}.d/${DROP_IN}`;
}

/** The name of the `.network` file that a drop-in of ours is added to; undefined for every other file. */
export function addedTo(path: string): string | undefined {
  const directory = basename(dirname(path));
  return basename(path) === DROP_IN && directory.endsWith(".network.d") ? directory.slice(0, -2) : undefined;
}

/** Whether a file for networkd, named from its directory on, has the name of one of ours. */
export function isLinkFile(name: string): boolean {
  return OURS.test(name) || name.endsWith(`.network.d/${DROP_IN}`);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

/** Paths that have the name of one of our files, whether there is one or not. */
export async function candidates(root: string, { network, ...files }: Places): Promise<readonly string[]> {
  const there = await namesIn(join(root, network));
  const dropIns = there.filter((name) => name.endsWith(".network.d")).map((name) => `${name}/${DROP_IN}`);
  const links = [...there, ...dropIns].filter(isLinkFile);
  return [...new Set([...links.map((name) => `${network}/${name}`), ...Object.values(files)])];
}
