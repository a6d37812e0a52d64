/** Programs that configure networks too: which of them live in a namespace, and what each is known to change. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Host } from "../host.ts";
import type { ObjectKind } from "../state/step.ts";

/** One of them. */
export interface Manager {
  /** As people call it. */
  readonly name: string;
  /** As /proc/PID/comm has it: 15 bytes at most. */
  readonly command: string;
  /** What it is known to change. */
  readonly changes: readonly ObjectKind[];
  /** How it is told to leave things alone. */
  readonly cure: string;
}

const LINKS: readonly ObjectKind[] = ["link", "address", "route", "rule", "neighbor", "fdb", "sysctl"];

/** All that are known. */
export const MANAGERS: readonly Manager[] = [
  {
    name: "systemd-networkd",
    command: "systemd-network",
    changes: LINKS,
    cure: "give it an Unmanaged=yes file for these links, and ManageForeignRoutes=no",
  },
  {
    name: "NetworkManager",
    command: "NetworkManager",
    changes: LINKS,
    cure: "name these links in its unmanaged-devices",
  },
  {
    name: "Docker",
    command: "dockerd",
    changes: ["nftables", "sysctl", "link", "fdb"],
    cure: 'its daemon.json takes "iptables": false and "ip-forward": false',
  },
  {
    name: "firewalld",
    command: "firewalld",
    changes: ["nftables"],
    cure: "its reload leaves other tables alone with FlushAllOnReload=no",
  },
  { name: "libvirt", command: "libvirtd", changes: ["nftables", "sysctl"], cure: "let its networks not forward" },
  {
    name: "FRR",
    command: "zebra",
    changes: ["route", "fdb", "nexthop", "neighbor"],
    cure: "leave routes of zebra to it",
  },
  { name: "dhclient", command: "dhclient", changes: ["address", "route"], cure: "stop it for these links" },
  {
    name: "dhcpcd",
    command: "dhcpcd",
    changes: ["address", "route", "link"],
    cure: "name these links in its denyinterfaces",
  },
];

/** Names of programs whose process lives in the namespace. */
function commandsIn(inode: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const pid of readdirSync("/proc"))
    try {
      if (!/^\d+$/.test(pid) || readlinkSync(`/proc/${pid}/ns/net`) !== `net:[${inode}]`) continue;
      const comm = readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
      // firewalld and others are scripts: their program is the interpreter, what they are called is the thread's name.
      found.add(comm);
    } catch {
      // It ended, or is another user's.
    }
  return found;
}

/** Those that live in a host's namespace. */
export function managersOn({ netns }: Host): readonly Manager[] {
  const commands = commandsIn(netns.identity.inode);
  return MANAGERS.filter(({ command }) => commands.has(command));
}
