/** Keys and peers of a WireGuard link as sections of its .netdev file. Keys stay in the files that the document names. */
import type { DesiredLink } from "../state/desired.ts";
import type { Path } from "../state/error.ts";
import { keys, plain } from "./keys.ts";
import type { Entry, Section } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";

type Words = Readonly<Record<string, unknown>>;

const list = (value: unknown): string | undefined => (Array.isArray(value) ? value.join(",") : undefined);
/** An address with the link that it belongs to is none that networkd takes. */
const endpoint = (value: unknown): string | undefined => (String(value).includes("%") ? undefined : plain(value));

/** The link's own words. */
export const wireguardKeys = keys("WireGuard", {
  privateKeyFile: ["PrivateKeyFile", 242],
  listenPort: ["ListenPort", 237],
  fwmark: ["FirewallMark", 243],
});
/** Words of a peer. */
export const wireguardPeerKeys = keys("WireGuardPeer", {
  publicKey: ["PublicKey", 237],
  presharedKeyFile: ["PresharedKeyFile", 242],
  endpoint: ["Endpoint", 237, endpoint],
  persistentKeepalive: ["PersistentKeepalive", 237],
  allowedIps: ["AllowedIPs", 237, list],
});

/** networkd reads it as a user of its own. */
function noteFile(file: unknown, path: Path, unsaid: Unsayable): void {
  if (typeof file === "string")
    unsaid.note(path, `networkd reads ${file} as a user of its own: chown root:systemd-network, chmod 640`);
}

function entriesOf(words: Words, table: typeof wireguardKeys, path: Path, unsaid: Unsayable): Entry[] {
  return Object.entries(words).flatMap(([word, value]) => unsaid.entriesOf({ [word]: value }, table, path) ?? []);
}

/** The section of the link itself. 0 stands for what there is without it. */
export function keysOf({ wireguard = {}, path }: DesiredLink, unsaid: Unsayable): Section[] {
  const { peers: _, ...words } = wireguard;
  const told = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== 0));
  noteFile(told["privateKeyFile"], [...path, "privateKeyFile"], unsaid);
  return [{ name: "WireGuard", entries: entriesOf(told, wireguardKeys, path, unsaid) }];
}

/** A section for each peer. */
export function peersOf({ wireguard, path }: DesiredLink, unsaid: Unsayable): Section[] {
  const peers = (wireguard?.["peers"] ?? []) as readonly Words[];
  return peers.map((peer, i) => {
    const at = [...path, "peers", i];
    noteFile(peer["presharedKeyFile"], [...at, "presharedKeyFile"], unsaid);
    return { name: "WireGuardPeer", entries: entriesOf(peer, wireguardPeerKeys, at, unsaid) };
  });
}
