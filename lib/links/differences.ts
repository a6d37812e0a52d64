/** What was asked for, compared with what is: an acknowledgement proves nothing. */
import { kindNamed } from "./kinds/index.ts";
import { differs, differsIn } from "./messages.ts";
import { settablePortOptions } from "./ports.ts";
import type { Link, LinkChanges, LinkConfig } from "./words.ts";

/** A property that is not as it was asked for. */
export interface Difference {
  /** The caller's word: `vni`, `port.learning`. */
  readonly key: string;
  readonly wanted: unknown;
  /** Undefined where the kernel tells nothing of it: it does not know the option, or it is not set. */
  readonly found: unknown;
}

/**
 * Compares what was asked for with a link that was read back, property by property. The kernel acknowledges options that
 * it does not know, and lowers the MTU of a VXLAN to what its `dev` allows, without a word. Empty: all is as wanted.
 * What the kernel never tells is left out. Of a veth's `peer` only the name is compared, as the rest is told by the peer itself.
 */
export function differences(wanted: LinkConfig | LinkChanges, link: Link): Difference[] {
  const found: Difference[] = [];
  const kind = kindNamed(link.kind);
  const told = link as unknown as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined || key === "netns" || key === "port" || key === "altnames") continue;
    // The far end's name is told only where it lives in the same namespace.
    if (key === "peer" && link.parentNsid !== undefined) continue;
    if ((kind?.options[key]?.untold ?? false) && told[key] === undefined) continue;
    if (differs(link, key, value, kind)) found.push({ key, wanted: value, found: told[key] });
  }
  const { port, altnames } = wanted;
  const has = (link.port ?? {}) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(port ?? {})) {
    if (value !== undefined && differsIn(settablePortOptions[key], has[key], value))
      found.push({ key: `port.${key}`, wanted: value, found: has[key] });
  }
  const names = (list: readonly string[] = []): string => JSON.stringify([...list].sort());
  if (altnames !== undefined && names(altnames) !== names(link.altnames))
    found.push({ key: "altnames", wanted: altnames, found: link.altnames });
  return found;
}
