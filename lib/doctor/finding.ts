/** What the doctor says: causes, each with its evidence and one way to mend it. */

/** How bad it is: packets are lost; packets may be lost; worth knowing. */
export type Severity = "error" | "warning" | "note";

/**
 * What may be wrong, from the cable upwards: where several are found, the first of this list is the one to mend first,
 * as those after it may be nothing but its consequences.
 */
export const CAUSES = {
  "underlay-down": "the underlay device carries nothing",
  "local-missing": "the VXLAN sends from an address that this host does not have",
  "duplicate-vtep-address": "another machine has this host's underlay address",
  "no-route-to-peer": "there is no route to the other end of the tunnel",
  "rp-filter": "rp_filter drops what arrives",
  "wrong-remote": "the VXLAN sends to another host than the one it hears from",
  "peer-silent": "the other end of the tunnel does not answer at all",
  "vxlan-down": "the VXLAN is switched off",
  "remote-is-self": "the VXLAN sends to this host itself",
  "no-flood-entry": "the VXLAN does not know where to send broadcasts",
  "one-way-remote": "of two hosts only one sends broadcasts to the other",
  "family-mismatch": "the hosts use VXLAN over different versions of IP",
  "port-mismatch": "the hosts use different UDP ports for VXLAN",
  "vni-mismatch": "the hosts use different VNIs",
  "stale-entry": "a forwarding entry leads to the wrong host",
  "checksum-offload": "packets arrive with wrong checksums",
  "group-not-joined": "this host is no member of the multicast group that it sends to",
  "multicast-silent": "nobody answers on the multicast group",
  "vxlan-filtered-here": "this host's packet filter drops VXLAN",
  "vxlan-filtered-away": "VXLAN does not get through to the other end",
  "underlay-mtu": "the underlay does not carry packets as large as the VXLAN makes them",
  "vxlan-not-in-bridge": "the VXLAN is not a port of the bridge",
  "bridge-down": "the bridge is switched off",
  "port-not-forwarding": "spanning tree or an administrator blocks a port",
  "flood-off": "the port does not pass on frames for unknown addresses",
  "ports-isolated": "the ports are isolated from one another",
  "duplicate-mac": "a MAC address is used twice on the bridge's network",
  "duplicate-ip": "an address is used twice on the bridge's network",
  "bridge-filtered": "a packet filter of the bridge drops frames between its ports",
  "bridge-netfilter": "bridged frames are dropped by the forward rules of the IP packet filter",
  "guest-mtu": "guests send packets that are too large for the VXLAN",
  "ipforward-ignored": "systemd ignores this setting since version 256",
  "forwarding-off": "this host does not forward packets",
  "forward-dropped": "a packet filter drops what should be forwarded",
  "masquerade-missing": "packets leave with addresses that nobody can answer",
  "masquerade-too-wide": "traffic between guests is translated too",
  "gso-masking": "TCP gets through in bundles only, which hides that single frames do not",
  "port-8472": "the VXLAN is on the kernel's own default port",
  "managed-by-other": "another program manages these links too",
  "not-persistent": "nothing brings this back after a reboot",
} as const;

/** Name of a cause. */
export type Cause = keyof typeof CAUSES;

/** One thing that is wrong. */
export interface Finding {
  readonly cause: Cause;
  readonly severity: Severity;
  /** The link, chain, sysctl or address that it is about. */
  readonly subject: string;
  /** What is wrong and what comes of it, in one sentence. */
  readonly text: string;
  /** What was seen: numbers, values, packets. */
  readonly evidence: readonly string[];
  /**
   * The command, or the line of a document, that mends it. Where one on this host does, it comes first and may be typed as it
   * is, but for words in capitals, as `PREFIX` and `ADDRESS_OF_THE_OTHER_HOST`, which stand for what is not known here. Several
   * commands have `; ` between them. `, or` and `; or` begin another way, `, and` and `; and` what to do besides; `, on`,
   * `, where`, `, with`, `, once`, `, unless` and ` on both hosts` say where and when.
   */
  readonly fix: string;
}

const ORDER = Object.keys(CAUSES);
const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/** Worst first, and of these the one to mend first. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, cause }: Finding): number =>
    SEVERITIES.indexOf(severity) * ORDER.length + ORDER.indexOf(cause);
  return [...findings].sort((one, other) => rank(one) - rank(other));
}

/** Names of links that a shell takes as they are. */
const PLAIN = /^[\w.@:+-]+$/;

/** A fix with quotes around those of the names that a shell would make something else of. */
export function quoted(fix: string, names: readonly string[]): string {
  const odd = names.filter((name) => !PLAIN.test(name)).sort((one, other) => other.length - one.length);
  if (odd.length === 0) return fix;
  const any = odd.map((name) => name.replace(/\W/g, "\\$&")).join("|");
  return fix.replace(new RegExp(`(?<=^|[\\s./-])(?:${any})(?=$|[\\s./,;])`, "g"), forShell);
}

/** One word of a shell. */
export function forShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
