/** What a unit of ours may do: what its document takes, and nothing besides. */
import type { Desired } from "../state/desired.ts";
import type { Entry } from "./section.ts";

/** What a document takes of a process, beyond the right to change the network. */
export interface Rights {
  /** Looks into other network namespaces. */
  readonly namespaces?: boolean;
  /** Sends packets of its own, to see whether they get through. */
  readonly packets?: boolean;
  /** Asks drivers the old way, which takes a socket for internet protocols. */
  readonly drivers?: boolean;
  /** Makes tun or tap devices. */
  readonly tun?: boolean;
}

/** The rights that a document takes. */
export function rightsOf({ links, probes = [] }: Pick<Desired, "links" | "probes">): Rights {
  return {
    namespaces: links.some(({ options: { peer } }) => (peer as { netns?: unknown } | undefined)?.netns !== undefined),
    packets: probes.length > 0,
    drivers: links.some(({ ethtool }) => ethtool !== undefined),
    tun: links.some(({ kind }) => kind === "tun"),
  };
}

/**
 * The lines of `[Service]` that take away everything else. Left out are those with which nothing would work:
 * ProtectKernelTunables= (sysctls are written), MemoryDenyWriteExecute= (JavaScript is compiled), ProcSubset= (there would
 * be no /proc/sys), PrivateNetwork= and PrivateUsers=; and ProtectProc=, which hides who changed something. An `early` unit runs
 * before the file systems may be there that PrivateTmp= waits for; it may write to none of them anyway.
 */
export function confinement({ namespaces, packets, drivers, tun }: Rights, when?: "early"): Entry[] {
  const capabilities = ["CAP_NET_ADMIN", ...(namespaces ? ["CAP_SYS_ADMIN"] : []), ...(packets ? ["CAP_NET_RAW"] : [])];
  const families = [
    "AF_NETLINK AF_UNIX",
    ...(packets || drivers ? ["AF_INET AF_INET6"] : []),
    ...(packets ? ["AF_PACKET"] : []),
  ];
  return [
    ["CapabilityBoundingSet", capabilities.join(" ")],
    ["NoNewPrivileges", "yes"],
    ["ProtectSystem", "strict"],
    ["ProtectHome", "read-only"],
    ...(when === "early" ? [] : [["PrivateTmp", "yes"] as const]),
    ["PrivateMounts", "yes"],
    ...(tun ? [["DeviceAllow", "/dev/net/tun rw"] as const] : [["PrivateDevices", "yes"] as const]),
    ["DevicePolicy", "closed"],
    ["ProtectClock", "yes"],
    ["ProtectHostname", "yes"],
    ["ProtectKernelLogs", "yes"],
    ["ProtectKernelModules", "yes"],
    ["ProtectControlGroups", "yes"],
    ["RestrictNamespaces", namespaces ? "net" : "yes"],
    ["RestrictRealtime", "yes"],
    ["RestrictSUIDSGID", "yes"],
    ["LockPersonality", "yes"],
    ["RestrictAddressFamilies", families.join(" ")],
    ...(packets ? [] : [["IPAddressDeny", "any"] as const]),
    ["SystemCallArchitectures", "native"],
    ["SystemCallFilter", "@system-service"],
    ["SystemCallFilter", "~@privileged @resources"],
    ["SystemCallErrorNumber", "EPERM"],
    ["UMask", "0077"],
  ];
}
