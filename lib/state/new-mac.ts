/**
 * MAC addresses of new links, where udev is at work: to a link that came without one it gives another some milliseconds
 * later (MACAddressPolicy=persistent in 99-default.link), made of name and machine id, so that clones of a machine have the
 * same on one network. One that is there from the beginning it leaves alone.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import type { Host } from "../host.ts";
import type { Words } from "./step.ts";

/** udev listens here where it runs. */
const UDEV = "/run/udev/control";
/**
 * Kinds whose MAC address the kernel throws dice for, also for a macvlan that does not pass through; others have that of the
 * device below, or of their first port. The call that makes a tap takes no address.
 */
const DICED: readonly unknown[] = [
  ...["bridge", "vxlan", "veth", "dummy", "ifb", "geneve", "vrf", "macvlan", "macvtap"],
  ...["gretap", "ip6gretap", "erspan", "ip6erspan"],
];

/** udev sees the links of the namespace in which the first process lives. */
function isWatched({ netns }: Host): boolean {
  try {
    return existsSync(UDEV) && statSync("/proc/1/ns/net").ino === netns.identity.inode;
  } catch {
    return false;
  }
}

function machineId(): string {
  try {
    return readFileSync("/etc/machine-id", "utf8").trim();
  } catch {
    return "";
  }
}

/** An address of its own for each name and each host, the same at each boot: locally administered, not multicast. */
export function stableMac(name: string, machine: string, host: string): string {
  const bytes = createHash("sha256").update(["linkwright", machine, host, name].join("\0")).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The words of a new link with MAC addresses for it and its other end, where udev would give it some. */
export function withMac(host: Host, words: Words): Words {
  if (!DICED.includes(words["kind"]) || words["mode"] === "passthru" || !isWatched(host)) return words;
  const of = (name: unknown): string => stableMac(String(name), machineId(), hostname());
  const { peer } = words as { peer?: Words };
  const far =
    peer === undefined || peer["netns"] !== undefined
      ? {}
      : { peer: { ...peer, mac: peer["mac"] ?? of(peer["name"]) } };
  return { ...words, mac: words["mac"] ?? of(words["name"]), ...far };
}
