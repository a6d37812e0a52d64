/** Finds out what it is that does not exist, when a sysctl does not. */

/** The interface, a feature of the kernel, or just the key; and the words for it. */
export interface Missing {
  readonly what: "interface" | "feature" | "key";
  readonly reason: string;
}

/** Where parts of /proc/sys/net come from. The last segment is the beginning of a name. */
const FEATURES: readonly (readonly [prefix: readonly string[], reason: string])[] = [
  [["net", "bridge"], "br_netfilter (bridge netfilter) is not loaded; load it with: modprobe br_netfilter"],
  [["net", "netfilter", "nf_conntrack"], "nf_conntrack is not loaded; load it with: modprobe nf_conntrack"],
  [["net", "nf_conntrack_max"], "nf_conntrack is not loaded; load it with: modprobe nf_conntrack"],
  [["net", "mpls"], "mpls_router is not loaded; load it with: modprobe mpls_router"],
  [["net", "ipv6"], "this kernel runs without IPv6"],
];
/** A word this many edits away is not meant any more. */
const FAR = 3;

/** Edits (insert, drop, replace one character) from one word to another, or `FAR` + 1 where lengths say it already. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > FAR) return FAR + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? FAR + 1;
}

function nearest(wanted: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(FAR, wanted.length - 1) + 1;
  for (const name of names) {
    const edits = distance(wanted, name);
    if (edits < least) [best, least] = [name, edits];
  }
  return best;
}

/** Explains the absence of a path; `list` gives the names in a group, undefined where there is no such group. */
export async function explainMissing(
  path: readonly string[],
  list: (group: readonly string[]) => Promise<readonly string[] | undefined>,
): Promise<Missing> {
  let depth = path.length - 1;
  let present = await list(path.slice(0, depth));
  while (present === undefined && depth > 1) present = await list(path.slice(0, --depth));
  const names = present ?? [];
  const [, , table, name] = path;
  if (depth === 3 && path.length > 4 && (table === "conf" || table === "neigh"))
    return { what: "interface", reason: `this namespace has no interface ${JSON.stringify(name)}` };
  for (const [prefix, reason] of FEATURES) {
    const last = prefix.at(-1) ?? "";
    const meant = prefix.every((part, i) => (part === last ? path[i]?.startsWith(part) : path[i] === part));
    if (meant && depth < prefix.length && !names.some((other) => other.startsWith(last)))
      return { what: "feature", reason };
  }
  const hint = nearest(path[depth] ?? "", names);
  return {
    what: "key",
    reason: `this kernel has no such sysctl${hint === undefined ? "" : `; did you mean ${hint}?`}`,
  };
}
