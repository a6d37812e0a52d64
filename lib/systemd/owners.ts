/** Who else manages links of a host, and what of a plan would not last there. Nothing is asked where nobody else runs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../host.ts";
import type { Desired } from "../state/desired.ts";
import { SORTS } from "../state/entries/sorts.ts";
import type { ObjectKind, Plan, Step, Words } from "../state/step.ts";
import { isFirst } from "../transaction/place.ts";
import { SystemdError } from "./bus/error.ts";
import type { InterfaceDescription } from "./bus/networkd.ts";
import { Systemd } from "./bus/systemd.ts";
import { FOREIGN, type ForeignKey, keyNote } from "./foreign.ts";
import { LASTING } from "./places.ts";
import { originOf } from "./provenance.ts";
import { TRACES } from "./traces.ts";
import { detectVersion } from "./version.ts";

/** What another program manages a link by. */
export interface Owner {
  readonly by: "systemd-networkd" | "NetworkManager";
  /** networkd's file for the link. */
  readonly file?: string;
  /** Whether the file is one that linkwright wrote, and nobody edited. */
  readonly ours: boolean;
}

/** Who manages what. */
export interface Owners {
  readonly links: ReadonlyMap<string, Owner>;
  /** Whether networkd is at work here. */
  readonly networkd: boolean;
  /** Why somebody who may be at work here could not be asked. */
  readonly unasked?: string;
}

/** Whether somebody may be at work in the namespace of a host: those whom the first process starts live where it does. */
export function mayBeOwned(host: Host): boolean {
  return Object.values(TRACES).some((path) => existsSync(path)) && isFirst(host.netns) !== false;
}

const LEFT_ALONE = ["unmanaged", "linger"];

function isOurs(file: string | undefined): boolean {
  try {
    return file !== undefined && originOf(readFileSync(file, "utf8")) === "ours";
  } catch {
    return false;
  }
}

async function askNetworkd({ networkd }: Systemd): Promise<readonly InterfaceDescription[] | undefined> {
  try {
    return (await networkd.describe()).Interfaces;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ERR_NO_NETWORKD" || code === "ERR_OTHER_NETNS") return undefined;
    throw error;
  }
}

async function ask(systemd: Systemd): Promise<Owners> {
  const links = new Map<string, Owner>();
  const told = existsSync(TRACES.networkd) ? await askNetworkd(systemd) : undefined;
  for (const { Name, NetworkFile, AdministrativeState } of told ?? []) {
    if (NetworkFile === undefined || LEFT_ALONE.includes(AdministrativeState)) continue;
    links.set(Name, { by: "systemd-networkd", file: NetworkFile, ours: isOurs(NetworkFile) });
  }
  return { links, networkd: told !== undefined };
}

/** Asks who manages links of a host. */
export async function ownersOf(host: Host, { links }: Pick<Desired, "links">): Promise<Owners> {
  const systemd = new Systemd({ netns: host.netns.identity.inode });
  let owners: Owners = { links: new Map(), networkd: false };
  try {
    owners = await ask(systemd);
    if (!existsSync(TRACES.networkManager)) return owners;
    const managed = await systemd.networkManager.managed(links.map(({ name }) => name));
    const more = [...managed].map((name): [string, Owner] => [name, { by: "NetworkManager", ours: false }]);
    return { ...owners, links: new Map([...owners.links, ...more]) };
  } catch (error) {
    if (!(error instanceof SystemdError)) throw error;
    // What the one told counts also where the other does not answer.
    return { ...owners, unasked: error.message };
  } finally {
    systemd.close();
  }
}

/** What networkd takes away from its links, or puts back, when it configures them anew. */
const TAKEN: readonly ObjectKind[] = ["link", "address", "route", "nexthop", "neighbor", "fdb", "vlan", "vni", "mdb"];

/** Links that a step changes. */
function linksOf({ object, moves }: Step): readonly string[] {
  if (!TAKEN.includes(object)) return [];
  const named = moves.flatMap(({ request: { words } }) => {
    const ways = (words["nexthops"] ?? []) as readonly Words[];
    return object === "link" ? [words["name"]] : [words["dev"], ...ways.map((one) => one["dev"])];
  });
  return [...new Set(named.filter((name) => typeof name === "string"))];
}

/** Steps of a plan on a link of somebody else; none where only a later one would have some. */
export interface Clash extends Owner {
  readonly link: string;
  readonly steps: readonly Step[];
}

/** Links that are there already and that a document writes to, whether there is something to write today or not. */
function writtenTo(desired: Desired): ReadonlySet<string> {
  const own = desired.links.filter(
    ({ kind, options, port }) => kind === undefined && (port ?? first(options)) !== undefined,
  );
  const on = SORTS.filter(({ object }) => TAKEN.includes(object)).flatMap(({ list, devices }) =>
    desired[list].flatMap(({ words }) => devices(words).map(([, name]) => String(name))),
  );
  const made = new Set(desired.links.flatMap(({ name, kind }) => (kind === undefined ? [] : [name])));
  return new Set([...own.map(({ name }) => name), ...on].filter((name) => !made.has(name)));
}

const first = (words: Words): string | undefined => Object.keys(words)[0];

/** What of a plan would not last, link by link; with what would not at the next boot, of links that are written to. */
function clashesOf({ steps }: Plan, { links }: Owners, written: ReadonlySet<string> = new Set()): readonly Clash[] {
  return [...links].flatMap(([link, owner]) => {
    const touching = steps.filter((step) => linksOf(step).includes(link));
    const isClash = touching.length > 0 || (written.has(link) && !owner.ours);
    return isClash ? [{ link, ...owner, steps: touching }] : [];
  });
}

const setsMaster = ({ object, differences }: Step): boolean =>
  object === "link" && differences.some(({ field }) => field === "master");

function waysOut({ link, by, file, steps }: Clash, { links }: Pick<Desired, "links">): readonly string[] {
  const ours = links.some(({ name, kind }) => name === link && kind !== undefined);
  const take = ours ? [`take ${link} from it: linkwright systemd unmanage FILE`] : [];
  if (by === "NetworkManager" && !ours)
    return [`leave ${link} out, or take it from it: nmcli device set ${link} managed no`];
  if (by === "NetworkManager") return take;
  return [
    "have networkd do it: linkwright systemd install FILE",
    ...take,
    ...(steps.some(setsMaster)
      ? [`or have it leave the master alone: [Network] KeepMaster=yes in ${file}.d/keep-master.conf`]
      : []),
  ];
}

/** Links that others manage would be changed. Nothing was done. */
export class OwnedError extends Error {
  override readonly name = "OwnedError";
  readonly code = "ERR_MANAGED";
  readonly clashes: readonly Clash[];

  constructor(clashes: readonly Clash[], desired: Pick<Desired, "links">) {
    super(clashes.map((clash) => describeClash(clash, desired)).join("\n"));
    this.clashes = clashes;
  }
}

/** One line on a clash, with the ways out. */
function describeClash(clash: Clash, desired: Pick<Desired, "links">): string {
  const { link, by, file, steps } = clash;
  const [first] = steps;
  const more = steps.length > 1 ? ` and ${steps.length - 1} more` : "";
  const what = `${first?.object ?? "link"} ${first?.subject ?? link}${more}`;
  const why = `${link} is managed by ${by}${file === undefined ? "" : ` (${file})`}, which may undo ${what}`;
  return `${why}; ${waysOut(clash, desired).join("; ")}; or go on: --allow-managed`;
}

/** Files of networkd.conf, the later ones winning. Source: networkd.conf(5) */
const CONFIG = ["/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd"];

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const namesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".conf"));
  } catch {
    return [];
  }
};

/** All of networkd's configuration, in the order in which it is read: drop-ins by their names, those in /etc hide others. */
function readConfig(): string {
  const main = CONFIG.map((base) => textOf(join(base, "networkd.conf"))).findLast((text) => text !== "") ?? "";
  const dropIns = new Map(
    CONFIG.flatMap((base) => {
      const directory = join(base, "networkd.conf.d");
      return namesIn(directory).map((name) => [name, join(directory, name)] as const);
    }),
  );
  return [main, ...[...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => textOf(path))].join("\n");
}

/** What of the plan networkd would delete, with the drop-in that keeps it from that as far as its version lets it. */
function foreignWarnings(plan: Plan, owners: Owners): readonly string[] {
  if (!owners.networkd) return [];
  const onLinks = clashesOf(plan, owners).flatMap(({ steps }) => steps);
  const made = plan.steps.filter(({ object, action }) => object === "rule" && action !== "remove");
  const config = readConfig();
  return FOREIGN.flatMap((one) => {
    const affected = one.object === "rule" ? made : onLinks.filter((step) => step.object === one.object);
    if (affected.length === 0 || isOff(config, one.key)) return [];
    return [keyNote(one, versionFor(one), `[Network] ${one.key}=no in ${LASTING.networkdDropIn}`)];
  });
}

/** That of this machine; where it cannot be asked, the first that has the key. */
function versionFor({ since }: ForeignKey): number {
  try {
    return detectVersion();
  } catch {
    return since;
  }
}

function isOff(config: string, key: string): boolean {
  const said = [...config.matchAll(new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)`, "gm"))].at(-1)?.[1];
  return said !== undefined && /^(no|n|false|f|off|0)$/i.test(said);
}

/**
 * Looks through a plan for what would not last, and gives what is to be said of it. With `document` also for links that
 * it writes to and the plan does not: who applies it at each boot, would be refused then.
 *
 * @throws {OwnedError} where links of others would be changed, and that is not allowed.
 */
export function checkOwners(
  plan: Plan,
  desired: Pick<Desired, "links">,
  owners: Owners,
  allowed: boolean,
  document?: Desired,
): readonly string[] {
  const { unasked } = owners;
  const clashes = clashesOf(plan, owners, document && writtenTo(document));
  const foreign = clashes.filter(({ ours }) => !ours);
  if (foreign.length > 0 && !allowed) throw new OwnedError(foreign, desired);
  const kept = clashes.filter(({ ours }) => ours).map(({ link }) => link);
  return [
    ...(unasked === undefined
      ? []
      : [`whether systemd-networkd or NetworkManager manage a link is not known: ${unasked}`]),
    ...(kept.length === 0
      ? []
      : [
          `networkd has ${kept.join(", ")} from files of linkwright; linkwright systemd install FILE has them say the same`,
        ]),
    ...foreignWarnings(plan, owners),
  ];
}
