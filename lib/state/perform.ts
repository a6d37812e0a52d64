/** Makes the requests of plans: each verb of each object is a call to a service. */
import type { Host } from "../host.ts";
import type { Table } from "../nftables/index.ts";
import { SocketError } from "../socket/index.ts";
import { updateAway } from "./ends-away.ts";
import { filters } from "./entries/filters.ts";
import { withMac } from "./new-mac.ts";
import type { DeviceGroup } from "./plan-ethtool.ts";
import { Hidden, type Secrets, secretsOf } from "./secrets.ts";
import { pick, type Request, type Words } from "./step.ts";
import { swapTable } from "./swap-table.ts";
import { FOU_NAME } from "./words.ts";

/** An undoing that was refused too. */
export interface UndoFailure {
  readonly request: Request;
  readonly cause: unknown;
}

type Services = Readonly<Record<Request["object"], Readonly<Record<string, (words: Words) => Promise<unknown>>>>>;

/** How each group of settings of a device is set. */
const SETTERS = { rings: "setRings", channels: "setChannels", coalesce: "setCoalesce", pause: "setPause" } as const;

/** Tells a device. */
async function setDevice({ ethtool }: Host, { name, group, change }: Words): Promise<void> {
  const device = String(name);
  if (group !== "features") await ethtool[SETTERS[group as DeviceGroup]](device, change as object);
  else {
    const { refused } = await ethtool.set(device, change as Readonly<Record<string, boolean>>);
    const [first] = refused;
    if (first !== undefined)
      throw new Error(`${device} keeps ${first.name} ${first.after ? "on" : "off"}: ${first.reason}`);
  }
}

/**
 * Tells a device what it was told before: features among which may be some that it cannot have, and such numbers only as
 * are others now, as there are devices that tell some and take none.
 */
async function restoreDevice(host: Host, { name, group, change }: Words): Promise<void> {
  const { ethtool } = host;
  const device = String(name);
  if (group === "features") {
    await ethtool.set(device, change as Readonly<Record<string, boolean>>);
    return;
  }
  const now = (await ethtool[group as DeviceGroup](device)) as object as Words;
  const others = Object.entries(change as Words).filter(([key, value]) => now[key] !== value);
  if (others.length > 0) await setDevice(host, { name, group, change: Object.fromEntries(others) });
}

/** A filter of u32 is named without its table, whose number is another one each time. */
async function deleteFilter({ qdiscs }: Host, words: Words): Promise<void> {
  const { dev, parent, pref, chain, handle } = words;
  const node = typeof handle === "string" && handle.startsWith("0:") ? handle.slice(1) : undefined;
  const all = node === undefined ? [] : await qdiscs.filters.list({ dev, parent, pref, chain } as never);
  const found = all.find(
    (one) => one.kind === "u32" && one.match !== undefined && String(one.handle).endsWith(String(node)),
  );
  await qdiscs.filters.delete({ ...words, handle: found?.handle ?? handle } as never);
}

/** Of a filter that is there Linux changes a flower only, and in others not all. */
async function replaceFilter(host: Host, words: Words): Promise<void> {
  if (words["kind"] === "flower") return host.qdiscs.filters.replace(words as never);
  await deleteFilter(host, filters.named?.(words) ?? words).catch((error: { readonly code?: unknown }) => {
    if (error.code !== "ENOENT") throw error;
  });
  await host.qdiscs.filters.create(words as never);
}

/** Makes a label that was deleted, or may have been: where one is there Linux may not notice, and have it twice. */
async function labelAgain({ addressLabels }: Host, words: Words): Promise<void> {
  const { prefix, dev } = words as { readonly prefix: string; readonly dev?: string };
  const there = (await addressLabels.list({ prefix })).some((one) => one.dev === dev);
  if (!there) await addressLabels.create(words as never);
}

/** Opens a port that was closed, or may have been. */
async function reopen({ fou }: Host, words: Words): Promise<void> {
  await fou.create(words as never).catch(async (error: unknown) => {
    if ((await fou.get(pick(words, FOU_NAME) as never)) === undefined) throw error;
  });
}

/** Every verb of every service. */
function services(host: Host, secrets: Secrets): Services {
  const { links, addresses, routes, rules, nexthops, fdb, neighbors, vlans, vnis, mdb, nftables, sysctls } = host;
  const as = <T>(words: unknown): T => words as T;
  return {
    link: {
      create: (words) => links.create(as(withMac(host, words))),
      update: (words) =>
        words["netns"] === undefined ? links.update(as(words["name"]), as(words["change"])) : updateAway(host, words),
      delete: ({ name }) => links.delete(as(name)),
    },
    address: {
      create: (words) => addresses.create(as(words)),
      replace: (words) => addresses.replace(as(words)),
      delete: (words) => addresses.delete(as(words)),
    },
    route: {
      create: (words) => routes.create(as(words)),
      replace: (words) => routes.replace(as(words)),
      delete: (words) => routes.delete(as(words)),
    },
    rule: {
      create: (words) => rules.create(as(words)),
      delete: (words) => rules.delete(as(words)),
    },
    nexthop: {
      create: (words) => nexthops.create(as(words)),
      replace: (words) => nexthops.replace(as(words)),
      delete: (words) => nexthops.delete({ id: as(words["id"]) }),
    },
    fdb: {
      create: (words) => fdb.create(as<never>(words)),
      append: (words) => fdb.append(as<never>(words)),
      replace: (words) => fdb.replace(as<never>(words)),
      delete: (words) => fdb.delete(as<never>(words)),
    },
    neighbor: {
      replace: (words) => neighbors.replace(as<never>(words)),
      delete: (words) => neighbors.delete(as<never>(words)),
    },
    vlan: {
      create: (words) => vlans.create(as<never>(words)),
      update: (words) => vlans.update(as<never>(words)),
      delete: (words) => vlans.delete(as<never>(words)),
    },
    vlanGlobal: {
      update: (words) => vlans.updateGlobals(as<never>(words)),
    },
    addressLabel: {
      create: (words) => host.addressLabels.create(as(words)),
      restore: (words) => labelAgain(host, words),
      delete: (words) => host.addressLabels.delete(as(words)),
    },
    fou: {
      create: (words) => host.fou.create(as(words)),
      restore: (words) => reopen(host, words),
      delete: (words) => host.fou.delete(as(words)),
    },
    vni: {
      create: (words) => vnis.create(as<never>(words)),
      delete: (words) => vnis.delete(as<never>(words)),
    },
    mdb: {
      create: (words) => mdb.create(as<never>(words)),
      replace: (words) => mdb.replace(as<never>(words)),
      delete: (words) => mdb.delete(as<never>(words)),
    },
    qdisc: {
      create: (words) => host.qdiscs.create(as<never>(words)),
      replace: (words) => host.qdiscs.replace(as<never>(words)),
      delete: (words) => host.qdiscs.delete(as<never>(words)),
    },
    queue: {
      create: (words) => host.qdiscs.create(as<never>(words)),
      replace: (words) => host.qdiscs.replace(as<never>(words)),
      delete: (words) => host.qdiscs.delete(as<never>(words)),
    },
    class: {
      create: (words) => host.qdiscs.classes.create(as<never>(words)),
      replace: (words) => host.qdiscs.classes.replace(as<never>(words)),
      delete: (words) => host.qdiscs.classes.delete(as<never>(words)),
    },
    filter: {
      create: (words) => host.qdiscs.filters.create(as<never>(words)),
      replace: (words) => replaceFilter(host, words),
      delete: (words) => deleteFilter(host, words),
    },
    ethtool: {
      update: (words) => setDevice(host, words),
      restore: (words) => restoreDevice(host, words),
    },
    wireguard: {
      update: async ({ name, config }) => host.wireguard.set(as(name), await secrets.resolve(config as Words)),
    },
    sysctl: {
      set: ({ key, value }) => sysctls.set(as(key), value instanceof Hidden ? value.reveal() : as(value)),
      restore: ({ saved, secretOf }) =>
        secretOf === undefined ? sysctls.restore(as(saved)) : secrets.giveBack(host, as(secretOf)),
    },
    nftables: {
      replace: ({ table, ...was }) => swapTable(host, was, (options) => nftables.replace(table as Table, options)),
      delete: ({ family, name, ...was }) =>
        swapTable(host, was, (options) => nftables.delete(as(family), as(name), options)),
    },
  };
}

/** Makes one request of a plan. */
export type Perform = (request: Request) => Promise<void>;

/** Makes requests of plans. */
export function performer(host: Host, secrets: Secrets): Perform {
  const all = services(host, secrets);
  return async ({ object, verb, words }) => {
    const call = all[object][verb];
    if (call === undefined) throw new TypeError(`a plan cannot ${verb} a ${object}`);
    await call(words);
  };
}

/**
 * Whether a request that failed may have done something. A change that the kernel refused may be half done; of a request
 * whose answer did not come, or was no answer, nothing is known.
 */
export function mayBeDone({ verb }: Request, error: unknown): boolean {
  if (verb === "update") return true;
  if (error instanceof SocketError) return error.code !== "ERR_SEND";
  return (error as { code?: unknown }).code === "ERR_SYSCTL_DRIFT";
}

/** Whether it is already as the undoing would have it: gone, or there. */
function isUndone(error: unknown, { verb }: Request): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (verb === "create" || verb === "append") return code === "EEXIST";
  const absent = ["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"].includes(String(code));
  return verb === "delete" && (absent || /there is no (such )?link/.test(String(message)));
}

/** Undoes requests, each whatever became of the others. */
export async function undoAll(perform: Perform, requests: readonly Request[]): Promise<UndoFailure[]> {
  const failed: UndoFailure[] = [];
  for (const request of requests)
    try {
      await perform(request);
    } catch (cause) {
      if (!isUndone(cause, request)) failed.push({ request, cause });
    }
  return failed;
}

/** The same for a host. */
export function undo(
  host: Host,
  requests: readonly Request[],
  secrets: Secrets = secretsOf(host),
): Promise<UndoFailure[]> {
  return undoAll(performer(host, secrets), requests);
}
