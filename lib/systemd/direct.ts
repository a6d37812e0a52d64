/** A document without networkd: units that apply it when the machine starts, keep it so, and end what was interrupted. */
import { type Calling, COMMAND, commandLine, JOURNALS, sysctlText } from "./boot.ts";
import { confinement, rightsOf } from "./confinement.ts";
import type { Exported, ExportInput } from "./export.ts";
import { LASTING, type Places } from "./places.ts";
import { seal } from "./provenance.ts";
import { printSections } from "./section.ts";
import { notLeftAlone, unmanagedText } from "./unmanaged.ts";
import { Unsayable } from "./unsaid.ts";
import type { ExportedFile } from "./write.ts";

/** Seconds in which the links below have to be there when the machine starts. */
const PATIENCE = 90;

/** A unit that makes the host what the document says before anything needs the network, whenever the links below come. */
export function bootUnit({ document }: Places, { command, host, rights, more = [] }: Calling): string {
  const apply = ["systemd", "apply", document, ...more, "--deadline"];
  return printSections([
    {
      name: "Unit",
      entries: [
        ["Description", "Network of this host as its linkwright document says"],
        ["DefaultDependencies", "no"],
        [
          "After",
          "systemd-sysctl.service systemd-udevd.service nftables.service systemd-networkd.service " +
            "network-pre.target linkwright-recover.service local-fs.target",
        ],
        ["Wants", "network.target"],
        ["Before", "network.target network-online.target shutdown.target"],
        ["Conflicts", "shutdown.target"],
        // nftables.service empties all tables when it starts, stops and reloads.
        ["PartOf", "nftables.service"],
        ["ReloadPropagatedFrom", "nftables.service systemd-networkd.service"],
        ["StartLimitIntervalSec", "0"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["RemainAfterExit", "yes"],
        ["ExecStart", commandLine(command, [...apply, String(PATIENCE)], host)],
        ["ExecReload", commandLine(command, [...apply, "5"], host)],
        ["TimeoutStartSec", String(PATIENCE + 30)],
        ["Restart", "on-failure"],
        ["RestartSec", "5"],
        ...JOURNALS,
        ...confinement(rights, "early"),
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target nftables.service"]] },
  ]);
}

/** A unit that ends what a crash left half done, in the namespace of the host: before anybody configures the network. */
export function recoverUnit({ command, rights }: Calling): string {
  // Other namespaces would take CAP_SYS_ADMIN; the unit that is shipped has it.
  const where = rights.namespaces ? [] : ["--netns", "/proc/self/ns/net"];
  return printSections([
    {
      name: "Unit",
      entries: [
        ["Description", "Put back network state that an interrupted linkwright left half changed"],
        ["DefaultDependencies", "no"],
        ["ConditionPathExistsGlob", "/run/linkwright/netns-*/journal"],
        ["After", "local-fs.target systemd-sysctl.service systemd-modules-load.service"],
        ["Wants", "network-pre.target"],
        ["Before", "network-pre.target shutdown.target"],
        ["Conflicts", "shutdown.target"],
        ["StartLimitIntervalSec", "0"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "oneshot"],
        ["ExecStart", commandLine(command, ["recover", ...where])],
        ["TimeoutStartSec", "120"],
        ["Restart", "on-failure"],
        ["RestartSec", "10"],
        ...JOURNALS,
        ...confinement(rights, "early"),
      ],
    },
    { name: "Install", entries: [["WantedBy", "sysinit.target"]] },
  ]);
}

/** The service that keeps the host so: it looks after every change, and is killed where it looks no more. */
export function reconcileUnit({ document }: Places, { command, host, rights, more = [] }: Calling): string {
  return printSections([
    {
      name: "Unit",
      entries: [
        ["Description", "Keeps the network of this host as its linkwright document says"],
        ["After", "linkwright-apply.service linkwright-recover.service network.target"],
        ["Wants", "linkwright-apply.service"],
        ["OnFailure", "linkwright-recover.service"],
      ],
    },
    {
      name: "Service",
      entries: [
        ["Type", "notify"],
        ["ExecStart", commandLine(command, ["systemd", "serve", document, ...more], host)],
        ["ExecReload", "/bin/kill -HUP $MAINPID"],
        ["WatchdogSec", "120"],
        ["Restart", "on-failure"],
        ["RestartSec", "1"],
        ...JOURNALS,
        ...confinement(rights),
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}

/**
 * The files for one host in direct mode. Sysctls are there a second time, as udev would otherwise put its own in their
 * place when a link comes. Nothing is written or changed by it.
 *
 * @throws {UnitTextError} where a value of the document can stand in no file.
 */
export function directFiles(input: ExportInput): Exported {
  const { desired, text, host, version, places = LASTING, command = COMMAND, allowManaged = false, tool } = input;
  const more = allowManaged ? ["--allow-managed"] : [];
  const calling = { command, host, rights: rightsOf({ ...desired, probes: [] }), more };
  const files: ExportedFile[] = [];
  const add = (path: string, body: string | undefined): void => {
    if (body !== undefined) files.push({ path, text: seal(body, { text, tool }) });
  };
  const unsaid = new Unsayable(version);
  for (const [name, reason] of notLeftAlone(desired)) unsaid.note(["links", name], reason);
  add(places.document, text);
  add(places.sysctl, sysctlText(desired, new Unsayable(version)));
  add(places.unmanaged, unmanagedText(desired));
  add(places.recoverUnit, recoverUnit(calling));
  add(places.applyUnit, bootUnit(places, calling));
  add(places.service, reconcileUnit(places, calling));
  return { files, unsaid: unsaid.all };
}
