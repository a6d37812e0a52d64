/** `$underlay` and its like: what they stand for on one host. */
import { nearest } from "../shape/shape.ts";
import type { HostEntry } from "../state/document.ts";

/** The hosts of a document. */
export type Hosts = Readonly<Record<string, HostEntry>>;

/** What `$name` can be. */
export const VARIABLES = ["host", "peer", "underlay", "vtep"] as const;

/** A reason instead of a value. */
export class VariableError extends Error {
  /** The host that lacks it; absent where the mistake is where the variable stands. */
  readonly host: string | undefined;

  constructor(message: string, host?: string) {
    super(message);
    this.host = host;
  }
}

/** The VTEP addresses of all hosts but one, in the order of the document. */
export function peersOf(
  hosts: Hosts,
  host: string,
): readonly { readonly name: string; readonly vtep: string | undefined }[] {
  return Object.entries(hosts).flatMap(([name, { vtep }]) => (name === host ? [] : [{ name, vtep }]));
}

function peer(hosts: Hosts, host: string): string {
  const peers = peersOf(hosts, host);
  const [first] = peers;
  if (first === undefined) throw new VariableError("$peer is the other host, and there is only one; add a host");
  if (peers.length > 1)
    throw new VariableError(
      `$peer is for two hosts, and there are ${peers.length + 1}; write flood: unicast in place of remote: $peer`,
    );
  if (first.vtep === undefined)
    throw new VariableError(
      `$peer is the vtep of ${first.name}, which has none; write hosts.${first.name}.vtep`,
      first.name,
    );
  return first.vtep;
}

function meaningOf(name: string, hosts: Hosts, host: string): string {
  if (name === "host") return host;
  if (name === "peer") return peer(hosts, host);
  if (name === "underlay" || name === "vtep") {
    const value = hosts[host]?.[name];
    if (value === undefined)
      throw new VariableError(`$${name}: host ${host} has none; write hosts.${host}.${name}`, host);
    return value;
  }
  const meant = nearest(name, VARIABLES);
  const way =
    meant === undefined ? `known are ${VARIABLES.map((one) => `$${one}`).join(", ")}` : `did you mean $${meant}?`;
  throw new VariableError(`unknown variable $${name}; ${way}`);
}

/**
 * Text with all variables replaced; `$$` is a dollar sign.
 *
 * @throws {VariableError} for one that is unknown or has no value on this host.
 */
export function substitute(text: string, hosts: Hosts, host: string): string {
  return text.replace(/\$(?:\$|\{(\w*)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    const name = braced ?? plain;
    return name === undefined ? whole.slice(1) : meaningOf(name, hosts, host);
  });
}
