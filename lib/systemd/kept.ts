/**
 * What networkd takes from a link that it configures anew, as it did not make it: addresses and what rests on them, and
 * rules of all links. Remembered before, and put back afterwards by netlink.
 */
import { basename } from "node:path";
import type { Host } from "../host.ts";
import { desiredOf } from "../state/desired.ts";
import { addresses } from "../state/entries/addresses.ts";
import { KERNEL, LEASED, makerOf, ROUTER } from "../state/entries/maker.ts";
import { neighbors } from "../state/entries/neighbors.ts";
import { nexthops } from "../state/entries/nexthops.ts";
import { routes } from "../state/entries/routes.ts";
import { rules } from "../state/entries/rules.ts";
import type { Sort } from "../state/entries/sort.ts";
import { observe } from "../state/observe.ts";
import { undo } from "../state/perform.ts";
import { parseSource } from "../state/source.ts";
import type { Words } from "../state/step.ts";
import { SystemdError } from "./bus/error.ts";
import type { NetworkDescription } from "./bus/networkd.ts";
import type { Systemd } from "./bus/systemd.ts";
import { addedTo } from "./places.ts";
import type { FileChange } from "./write.ts";

/** In the order in which one can be put back after the other. */
const SORTS: readonly Sort[] = [addresses, nexthops, routes, rules, neighbors];
/** Who makes these makes them again. */
const OTHERS: readonly string[] = [KERNEL, LEASED, ROUTER, "dhcp"];
/** Seconds for networkd to have configured a link, in all looks. */
const DEADLINE = 10;
/** Looks after which nothing more is expected to go: right after a reload links still look configured. */
const LOOKS = 2;

type Entries = ReadonlyMap<Sort, readonly Words[]>;
/** Whether somebody else sees to an entry. */
type LeavesOut = (sort: Sort, words: Words) => boolean;

/** Priorities of the rules that networkd had from files of ours, with its own word for the family. */
function rulesIn(changes: readonly FileChange[]): ReadonlySet<string> {
  const sections = changes.flatMap(({ before = "" }) => before.split(/^(?=\[)/m));
  const keyIn = (text: string, key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const ours = sections.filter((text) => text.startsWith("[RoutingPolicyRule]"));
  return new Set(ours.map((text) => `${keyIn(text, "Priority")} ${keyIn(text, "Family")}`));
}

/**
 * Rules that networkd made by files of ours as they were: whether they are wanted any more, the new files say, and what of
 * these networkd does not do is done after it.
 */
export function madeByOurs(changes: readonly FileChange[]): LeavesOut {
  const ours = rulesIn(changes);
  return (sort, { priority, family, protocol }) =>
    sort === rules &&
    protocol === "static" &&
    ["", family === "inet6" ? "ipv6" : "ipv4"].some((one) => ours.has(`${String(priority)} ${one}`));
}

async function entriesOf(host: Host, names: readonly string[]): Promise<Entries> {
  const observed = await observe(host, desiredOf(parseSource('{"linkwright":1}', "nothing")));
  const isOn = (sort: Sort, words: Words): boolean =>
    sort === rules || sort.devices(words).some(([, name]) => names.includes(String(name)));
  const lasting = (sort: Sort): readonly Words[] =>
    (observed[sort.list] ?? []).filter(
      (words) => isOn(sort, words) && !OTHERS.includes(makerOf(sort, words, observed)),
    );
  return new Map(SORTS.map((sort) => [sort, lasting(sort)]));
}

/** What lies on links and stays as long as nobody takes it away; and all rules, which are on no link. */
class RememberedEntries {
  readonly #host: Host;
  readonly #names: readonly string[];
  readonly #entries: Entries;

  private constructor(host: Host, names: readonly string[], entries: Entries) {
    this.#host = host;
    this.#names = names;
    this.#entries = entries;
  }

  static async of(host: Host, names: readonly string[]): Promise<RememberedEntries> {
    return new RememberedEntries(host, names, await entriesOf(host, names));
  }

  /** Puts back what is missing; gives what cannot be, line by line. */
  async putBack(leavesOut: LeavesOut): Promise<readonly string[]> {
    const lost: string[] = [];
    const now = await entriesOf(this.#host, this.#names);
    for (const [sort, all] of this.#entries) {
      const missing = all.filter(
        (words) => !leavesOut(sort, words) && !(now.get(sort) ?? []).some((one) => sort.same(words, one)),
      );
      const later = (words: Words): number => Number(sort.isLater?.(words) ?? false);
      for (const words of missing.sort((a, b) => later(a) - later(b))) {
        const [failure] = await undo(this.#host, [sort.restore(sort.again(words))]);
        if (failure !== undefined)
          lost.push(`${sort.object} ${sort.subject(words)} is gone: ${(failure.cause as Error).message}`);
      }
    }
    return lost;
  }
}

/** Links that networkd configures by a file of others with a drop-in of ours among these. */
export async function linksWithDropIn(
  systemd: Systemd,
  all: readonly { readonly path: string }[],
): Promise<readonly string[]> {
  const files = all.map(({ path }) => addedTo(path)).filter((name) => name !== undefined);
  if (files.length === 0) return [];
  const { Interfaces } = await systemd.networkd.describe().catch(nobody);
  return Interfaces.flatMap(({ Name, NetworkFile = "" }) => (files.includes(basename(NetworkFile)) ? [Name] : []));
}

/**
 * Has networkd read changed files by `reload`, and puts back by netlink what it takes from links of others on that
 * occasion, and rules of all, but for what is left out. Gives what could not be put back, line by line.
 */
export async function keepingEntries(
  host: Host,
  systemd: Systemd,
  changes: readonly FileChange[],
  reload: () => Promise<unknown>,
  leavesOut: LeavesOut = () => false,
): Promise<readonly string[]> {
  const names = await linksWithDropIn(systemd, changes);
  const before = await RememberedEntries.of(host, names);
  // What networkd took, it took also where the rest of it fails.
  const failure = await reload().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let lost: readonly string[] = [];
  const end = performance.now() + DEADLINE * 1000;
  for (let look = names.length > 0 ? LOOKS : 1; look > 0; look--) {
    const deadline = Math.max(0, end - performance.now()) / 1000;
    if (names.length > 0) await systemd.networkd.waitConfigured(names, { deadline }).catch(unlessLate);
    lost = await before.putBack(leavesOut);
  }
  if (failure !== undefined) throw failure.error;
  return lost;
}

/** Who does not run takes nothing. */
function nobody(error: unknown): NetworkDescription {
  if (error instanceof SystemdError) return { Interfaces: [] };
  throw error;
}

/** A link that networkd does not get configured has lost its addresses all the same. */
function unlessLate(error: unknown): void {
  if (!(error instanceof SystemdError)) throw error;
}
