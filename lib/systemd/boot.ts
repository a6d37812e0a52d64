/** What is loaded at boot beside networkd: sysctls, our nftables table, and the unit that applies the rest. */
import { printTable, type Table } from "../nftables/index.ts";
import type { Desired } from "../state/desired.ts";
import { formatSlashKey, parseKey } from "../sysctl/key.ts";
import { confinement, type Rights } from "./confinement.ts";
import type { Places } from "./places.ts";
import { type Entry, isPlainName, printSections, quoteArgument } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";

/** The program, where systemd looks for programs. */
export const COMMAND: readonly string[] = ["/usr/bin/env", "linkwright"];

/**
 * Sysctls, with slashes, so that dots in names of links stay what they are; `-` before those of a single link, which may
 * come later: udev then sets them as soon as it is there. Same as: sysctl --load FILE
 */
export function sysctlText({ sysctls }: Desired, unsaid: Unsayable): string | undefined {
  const lines = sysctls.flatMap(({ key, value, path }) => {
    const segments = parseKey(key);
    const name = segments[2] === "conf" || segments[2] === "neigh" ? (segments[3] ?? "all") : "all";
    const ofLink = name !== "all" && name !== "default";
    if (ofLink && !isPlainName(name)) {
      unsaid.leave(path, "files of sysctl.d cannot hold such a name of a link");
      return [];
    }
    if (segments[1] === "ipv6" && ofLink && segments[4] === "accept_ra" && value !== "0")
      unsaid.note(path, "networkd takes router announcements itself, and keeps accept_ra at 0");
    return [`${ofLink ? "-" : ""}${formatSlashKey(segments)} = ${value}`];
  });
  return lines.length === 0 ? undefined : `${lines.join("\n")}\n`;
}

/** Names in nft's text have a meaning where they hold a star or a quote. */
function hasPlainNames(table: Table): boolean {
  return (table.chains ?? []).every(({ rules = [] }) =>
    rules.every((rule) => {
      const { iifname = "lo", oifname = "lo" } = ("match" in rule && rule.match) || {};
      return [iifname, oifname].every((name) => typeof name === "string" && isPlainName(name));
    }),
  );
}

/** Our table, for nft: whether it is there or not, it is as the document says afterwards, in one transaction. */
export function nftablesText({ table }: Desired, unsaid: Unsayable): string | undefined {
  if (table === undefined || table === null) return undefined;
  if (!hasPlainNames(table)) {
    unsaid.leave(["forward"], "nft's files cannot hold such a name of a link");
    return undefined;
  }
  const { family, name } = table;
  return `table ${family} ${name}\ndelete table ${family} ${name}\n${printTable(table)}`;
}

/** Loads the table before the network is up, and again whenever nftables.service empties all tables. */
export function nftablesUnit({ nftables }: Places): string {
  const load = `/usr/sbin/nft -f ${nftables}`;
  return printSections([
    {
      name: "Unit",
      entries: [
        ["Description", "Packet filter and NAT of linkwright"],
        ["Documentation", "man:nft(8)"],
        ["DefaultDependencies", "no"],
        ["Wants", "network-pre.target"],
        ["Before", "network-pre.target shutdown.target"],
        ["After", "nftables.service systemd-modules-load.service local-fs.target"],
        ["Conflicts", "shutdown.target"],
        ["PartOf", "nftables.service"],
        ["ReloadPropagatedFrom", "nftables.service"],
        ["ConditionPathExists", nftables],
        ["StartLimitIntervalSec", "0"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["RemainAfterExit", "yes"],
        ["ExecStart", load],
        ["ExecReload", load],
        ["ExecStop", "/usr/sbin/nft delete table inet linkwright"],
        ...confinement({}, "early"),
      ],
    },
    // A stop of nftables.service passes on to us, a start does not.
    { name: "Install", entries: [["WantedBy", "multi-user.target nftables.service"]] },
  ]);
}

/** Has nftables.service load our table itself after all that empties it: a start of it does nothing to a unit that is active. */
export function nftablesDropIn({ nftables }: Places): string {
  const load = `-/usr/sbin/nft -f ${nftables}`;
  return printSections([
    {
      name: "Service",
      entries: [
        ["ExecStartPost", load],
        ["ExecReload", load],
      ],
    },
  ]);
}

/** How a unit calls the program, and what that may do. */
export interface Calling {
  readonly command: readonly string[];
  /** Which host of the document it is; absent where the document is for one. */
  readonly host: string | undefined;
  readonly rights: Rights;
  /** Options for the program beside those that are its business. */
  readonly more?: readonly string[];
}

/** Where journals are: kept when a unit stops, as what they tell of is kept too; and what its lines are called. */
export const JOURNALS: readonly Entry[] = [
  ["RuntimeDirectory", "linkwright"],
  ["RuntimeDirectoryMode", "0755"],
  ["RuntimeDirectoryPreserve", "yes"],
  ["SyslogIdentifier", "linkwright"],
];

/** Applies the whole document once networkd runs: what networkd has made is found as it should be, the rest is done. */
export function applyUnit({ document }: Places, { command, host, rights }: Calling): string {
  // Whoever installed it wants it, also on a link that somebody's own file is in charge of, with a drop-in of ours.
  const line = commandLine(command, ["apply", document, "--confirm", "0", "--allow-managed"], host);
  return printSections([
    {
      name: "Unit",
      entries: [
        ["Description", "What linkwright sets beside systemd-networkd"],
        ["Wants", "network.target"],
        ["After", "systemd-sysctl.service systemd-networkd.service nftables.service network.target"],
        ["Before", "network-online.target"],
        ["ReloadPropagatedFrom", "nftables.service systemd-networkd.service"],
        // networkd may take away what it did not make when it starts again.
        ["PartOf", "systemd-networkd.service"],
        ["StartLimitIntervalSec", "0"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["RemainAfterExit", "yes"],
        ["ExecStart", line],
        ["ExecReload", line],
        // Links that networkd is still making, and network cards, may come a little later.
        ["Restart", "on-failure"],
        ["RestartSec", "2"],
        ...JOURNALS,
        ...confinement(rights),
      ],
    },
    // A stop of networkd passes on to us, a start does not.
    { name: "Install", entries: [["WantedBy", "multi-user.target systemd-networkd.service"]] },
  ]);
}

/** A command for a unit. */
export function commandLine(
  command: readonly string[],
  words: readonly string[],
  host: string | undefined = undefined,
): string {
  const all = [...command, ...words, ...(host === undefined ? [] : ["--host", host])];
  return all.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : quoteArgument(word))).join(" ");
}
