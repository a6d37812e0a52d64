/** Counters of a namespace's IP, ICMP, UDP and TCP: what moves shows where packets end. Source: net/ipv4/proc.c. */
import { loadBinding } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import { placeOf } from "../netns/netns.ts";

/** Values by group and name: `Ip.FragFails`, `Udp.NoPorts`, `TcpExt.IPReversePathFilter`. */
export type Counters = Readonly<Record<string, number>>;

const FILES = ["/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat", "/proc/thread-self/net/snmp6"];
const ROOM = 65_536;

/** Two lines to a group: the names, then the values. */
function parse(content: string): [string, number][] {
  const lines = content.split("\n").filter(Boolean);
  const found: [string, number][] = [];
  for (let i = 0; i < lines.length; i++) {
    const [group = "", ...names] = (lines[i] ?? "").split(/\s+/);
    if (!group.endsWith(":")) found.push([group, Number(names[0])]);
    else {
      const values = (lines[++i] ?? "").split(/\s+/).slice(1);
      names.forEach((name, at) => {
        found.push([`${group.slice(0, -1)}.${name}`, Number(values[at])]);
      });
    }
  }
  return found;
}

/** A file of a namespace under /proc/net; empty where it cannot be read. */
export function contentOf(nsFd: number, file: string): Promise<string> {
  const buffer = new Uint8Array(ROOM);
  return new Promise((resolve) => {
    const done = (length: number): void =>
      resolve(length > 0 ? new TextDecoder().decode(buffer.subarray(0, length)) : "");
    const status = loadBinding().nsRead(nsFd, file, buffer, done);
    if (status < 0) done(status);
  });
}

/** All counters of a host's namespace; empty where they cannot be read. Takes no privileges in one's own. */
export async function readCounters({ netns }: Host): Promise<Counters> {
  const contents = await Promise.all(FILES.map((file) => contentOf(placeOf(netns), file)));
  return Object.fromEntries(contents.flatMap(parse));
}

/** What was counted from one reading to the next; only what moved. */
export function moved(before: Counters, after: Counters): Counters {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]): [string, number] => [name, value - (before[name] ?? 0)])
      .filter(([, by]) => by > 0),
  );
}
