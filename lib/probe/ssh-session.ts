/**
 * Who started this program over SSH: read from what sshd puts into the environment, of this process or of one that
 * started it, as sudo takes it out.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { canonicalIp } from "../families/lookup.ts";
import { processDirectory } from "../netns/processes.ts";
import type { Shape } from "../shape/shape.ts";

/** The client of an SSH session, as sshd saw it. */
export interface SshClient {
  readonly address: string;
  readonly port: number;
  /** The end on this host; absent where only SSH_CLIENT was there. */
  readonly local?: string | undefined;
  readonly localPort: number;
  /** Name of the link of a link-local address. */
  readonly dev?: string | undefined;
}

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
const isPlainIp = (value: unknown): boolean => typeof value === "string" && isIP(value) !== 0 && !value.includes("%");

function isClient(value: unknown): value is SshClient {
  if (typeof value !== "object" || value === null) return false;
  const { address, port, local, localPort, dev, ...rest } = value as Record<string, unknown>;
  return (
    isPlainIp(address) &&
    (local === undefined || isPlainIp(local)) &&
    (dev === undefined || typeof dev === "string") &&
    isPort(port) &&
    isPort(localPort) &&
    Object.keys(rest).length === 0
  );
}
export const sshClientShape: Shape<true | SshClient> = {
  expected: "true, or a client such as { address: 192.0.2.1, port: 50022, local: 192.0.2.2, localPort: 22 }",
  json: { const: true },
  accepts: (value): value is true | SshClient => value === true || isClient(value),
};

/** An address without its zone, and IPv4 that a socket of IPv6 shows without what is put before it. */
function plain(text: string): { address: string; dev?: string } | undefined {
  const [ip = "", dev, ...rest] = text.split("%");
  const found = ip.replace(/^::ffff:(?=\d+\.)/i, "");
  if (isIP(found) === 0 || rest.length > 0) return undefined;
  return { address: canonicalIp(found), ...(dev !== undefined && dev !== "" && { dev }) };
}

/**
 * The client that these variables tell of: SSH_CONNECTION, else SSH_CLIENT. Undefined where neither is there, or
 * neither makes sense.
 */
export function sshClientOf(env: Readonly<Record<string, string | undefined>>): SshClient | undefined {
  const [from = "", port, to = "", localPort] = env["SSH_CONNECTION"]?.split(" ") ?? [];
  const [client, local] = [plain(from), plain(to)];
  if (client !== undefined && local !== undefined && isPort(Number(port)) && isPort(Number(localPort)))
    return { ...client, port: Number(port), local: local.address, localPort: Number(localPort) };
  const [address = "", clientPort, serverPort] = env["SSH_CLIENT"]?.split(" ") ?? [];
  const found = plain(address);
  if (found === undefined || !isPort(Number(clientPort)) || !isPort(Number(serverPort))) return undefined;
  return { ...found, port: Number(clientPort), localPort: Number(serverPort) };
}

/** More processes than that do not lie between a login and a program. */
const GENERATIONS = 32;

/** The environment that a process was started with; none where this user may not read it. */
function environmentOf(directory: string): Record<string, string> {
  const text = readFileSync(`${directory}/environ`, "utf8");
  return Object.fromEntries(
    text
      .split("\0")
      .flatMap((line) => [/^(SSH_\w+)=(.*)$/s.exec(line)?.slice(1) ?? []])
      .filter(({ length }) => length === 2) as [string, string][],
  );
}
function parentOf(directory: string): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`${directory}/status`, "utf8"))?.[1] ?? 0);
}

/**
 * The SSH client that started this program: told by its own environment, else by that of the nearest ancestor that has
 * it, as far as this user may read those. Undefined where the program was started otherwise.
 */
export function findSshClient(env: Readonly<Record<string, string | undefined>> = process.env): SshClient | undefined {
  const own = sshClientOf(env);
  let directory = own === undefined ? processDirectory(process.pid) : undefined;
  for (let n = 0; n < GENERATIONS && directory !== undefined; n++)
    try {
      const found = sshClientOf(environmentOf(directory));
      if (found !== undefined) return found;
      const parent = parentOf(directory);
      directory = parent > 1 ? `/proc/${parent}` : undefined;
    } catch {
      return undefined; // another user's, or gone
    }
  return own;
}
