/** What a host is like, in the words of the document. Plain data: it may come from a kernel, or from a file of a test. */
import type { Table } from "../nftables/index.ts";
import type { SavedSysctl } from "../sysctl/sysctl.ts";
import type { EndAway } from "./ends-away.ts";
import type { ListName } from "./entries/sort.ts";
import type { ObservedEthtool } from "./plan-ethtool.ts";
import type { KeyFile, ObservedWireguard } from "./plan-wireguard.ts";
import type { ObservedQdisc } from "./queue.ts";
import type { Words } from "./step.ts";

/** A link as it is: `name`, `kind`, `mtu`, `mac`, `up`, `master`, `port`, and the options of its kind. */
export type ObservedLink = Words & { readonly name: string; readonly kind?: string };

/** A base chain of somebody else's. */
export interface ForeignChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

/**
 * One host. Lists that are absent are empty, as on a kernel that has no such thing. Routes are those of all tables but
 * `local`, without what the kernel itself makes.
 */
export interface Observed extends Partial<Readonly<Record<ListName, readonly Words[]>>> {
  readonly links: readonly ObservedLink[];
  /** By their key as `formatKey` writes it: those that the document names and that are there. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** What a write to a sysctl rewrites besides, by its key; the sysctl itself included. */
  readonly rewritten?: Readonly<Record<string, readonly SavedSysctl[]>>;
  /** By the name of their link: sysctls of links that a plan deletes, as far as a new link would have others. */
  readonly linkSysctls?: Readonly<Record<string, readonly SavedSysctl[]>>;
  /** Other ends that the document has in other namespaces, by the name of the link here. */
  readonly endsAway?: Readonly<Record<string, EndAway>>;
  /** Links that a plan deletes and whose IPv6 addresses are made of a secret of their own. */
  readonly ownSecrets?: readonly string[];
  /** Keys and peers by the name of their link; without those that this user may not read. */
  readonly wireguard?: Readonly<Record<string, ObservedWireguard>>;
  /**
   * What devices tell of their settings, by the name of their link: of those that the document names them of, and of those
   * that a plan deletes.
   */
  readonly ethtool?: Readonly<Record<string, ObservedEthtool>>;
  /** Queues at the root by the name of their link; read where the document names some, or links go. */
  readonly qdiscs?: Readonly<Record<string, ObservedQdisc>>;
  /** Where there are filters that a document cannot say, or not all of; read with the queues. */
  readonly untoldFilters?: readonly Words[];
  /** What is told of the keys in the files that the document names. */
  readonly keyFiles?: Readonly<Record<string, KeyFile>>;
  /** Our nftables table. */
  readonly table?: Table;
  /** The generation of all nftables rules in which our table is that, or is not there; absent where it is not known. */
  readonly generation?: number;
  /** nf_tables shows nothing to this user: whether our table is there is not known. */
  readonly hidden?: boolean;
  /** Base chains of others. */
  readonly chains?: readonly ForeignChain[];
}

/** The link of this name. */
export function linkOf(observed: Observed, name: string): ObservedLink | undefined {
  return observed.links.find((link) => link.name === name);
}

/** The interface that a sysctl belongs to; undefined for `all`, `default` and those of the whole host. */
export function interfaceOf(key: string): string | undefined {
  const [, , table, name] = key.split(".");
  if ((table !== "conf" && table !== "neigh") || name === undefined || name === "all" || name === "default")
    return undefined;
  return name.replaceAll("/", ".");
}
