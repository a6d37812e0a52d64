/** Steps for the keys and peers of WireGuard links; a peer is one step. Keys are referred to and never told. */
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import type { SecretRef } from "./secrets.ts";
import { DIFFERS, type Difference, type Request, sameValue, type Words } from "./step.ts";
import { canonicalIp } from "./words.ts";

/** A peer as it is: its preshared key by what is told of it. */
export type ObservedPeer = Words & { readonly publicKey: string };
/** Keys and peers of a link, the private key by its public one. */
export interface ObservedWireguard {
  readonly publicKey?: string;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly peers: readonly ObservedPeer[];
}
/** What is told of the key in a file that a document names, or what is wrong with it. */
export type KeyFile = { readonly privateId: string; readonly presharedId: string } | { readonly problem: string };

/** A change of keys or peers. A large one may be half done when it is refused, and is undone then too. */
const update = (name: string, config: Words): Request => ({
  object: "wireguard",
  verb: "update",
  words: { name, config },
});
const held = (id: unknown): SecretRef | null => (typeof id === "string" ? { held: id } : null);

/** A peer as it takes to make it again. */
function peerAgain({ publicKey, endpoint, persistentKeepalive, allowedIps, presharedKey }: ObservedPeer): Words {
  return {
    publicKey,
    ...(endpoint !== undefined && { endpoint }),
    persistentKeepalive,
    allowedIps,
    replaceAllowedIps: true,
    ...(presharedKey !== undefined && { presharedKey: held(presharedKey) }),
  };
}

/** What it takes to have the keys and peers of a link back that was made again. */
export function wireguardAgain({ wireguard }: Observed, name: string): Request[] {
  const seen = wireguard?.[name];
  if (seen === undefined) return [];
  const { publicKey, listenPort, fwmark, peers } = seen;
  return [update(name, { privateKey: held(publicKey), listenPort, fwmark, peers: peers.map(peerAgain) })];
}

function canonicalEndpoint(text: string): string {
  const [, address = "", scope = "", port = ""] = /^\[([^\]%]+)(%[^\]]+)?\]:(\d+)$/.exec(text) ?? [];
  return address === "" ? text : `[${canonicalIp(address)}${scope}]:${port}`;
}
/** The kernel tells networks with their lengths. */
export function canonicalAllowed(text: string): string {
  const [address = "", length] = text.split("/");
  return `${canonicalIp(address)}/${length ?? (address.includes(":") ? 128 : 32)}`;
}

/** What a document says of keys and peers, in the kernel's form. */
export function canonicalWireguard({ peers, ...rest }: Words): Words {
  if (!Array.isArray(peers)) return rest;
  const canonical = (peer: Words): Words => ({
    ...peer,
    ...(typeof peer["endpoint"] === "string" && { endpoint: canonicalEndpoint(peer["endpoint"]) }),
    ...(Array.isArray(peer["allowedIps"]) && { allowedIps: peer["allowedIps"].map(canonicalAllowed).sort() }),
  });
  return { ...rest, peers: (peers as readonly Words[]).map(canonical) };
}

/** Plans one link. */
class Plan {
  readonly #planner: Planner;
  readonly #link: DesiredLink;
  readonly #seen: ObservedWireguard | undefined;
  readonly #wanted: Words;

  constructor(planner: Planner, link: DesiredLink, seen: ObservedWireguard | undefined) {
    this.#planner = planner;
    this.#link = link;
    this.#seen = seen;
    this.#wanted = link.wireguard ?? {};
  }

  /** The reference to a key file, and what is told of its key; says what is wrong with it. */
  #key(kind: "private" | "preshared", file: unknown, path: readonly (string | number)[]): SecretRef | undefined {
    if (typeof file !== "string") return undefined;
    const known = this.#planner.before.keyFiles?.[file];
    if (known === undefined || "problem" in known) {
      this.#planner.say([...this.#link.path, ...path], known?.problem ?? "the file was not looked at");
      return undefined;
    }
    return { file, id: kind === "private" ? known.privateId : known.presharedId };
  }

  device(): void {
    const { name, path } = this.#link;
    const seen = this.#seen;
    const differences: Difference[] = [];
    const config: Record<string, unknown> = {};
    const back: Record<string, unknown> = {};
    const key = this.#key("private", this.#wanted["privateKeyFile"], ["privateKeyFile"]);
    if (key !== undefined && "file" in key && seen?.publicKey !== key.id) {
      const of = (id: string | undefined): string | undefined => (id === undefined ? undefined : `the key of ${id}`);
      differences.push({ field: "privateKeyFile", from: of(seen?.publicKey), to: of(key.id), why: key.file });
      Object.assign(config, { privateKey: key });
      Object.assign(back, { privateKey: held(seen?.publicKey) });
    }
    for (const field of ["listenPort", "fwmark"] as const) {
      const to = this.#wanted[field];
      // Port 0 leaves the choice to the kernel, which tells what it chose.
      if (to === undefined || to === seen?.[field] || (field === "listenPort" && to === 0 && seen !== undefined))
        continue;
      differences.push({ field, from: seen?.[field], to });
      Object.assign(config, { [field]: to });
      Object.assign(back, { [field]: seen?.[field] });
    }
    const named = ["privateKeyFile", "listenPort", "fwmark"].filter((field) => this.#wanted[field] !== undefined);
    this.#planner.keepRest("wireguard", name, named, differences);
    if (differences.length === 0) return;
    this.#planner.add({
      action: seen === undefined ? "create" : "change",
      object: "wireguard",
      subject: name,
      path,
      reason: seen === undefined ? "not there" : DIFFERS,
      differences,
      drops: differences.some(({ field, from }) => field !== "fwmark" && from !== undefined)
        ? [`sessions of ${name} until its peers shake hands again`]
        : [],
      needs: this.#planner.linkIds(name),
      moves: [move(update(name, config), ...(seen === undefined ? [] : [update(name, back)]))],
    });
  }

  peers(): void {
    const { peers } = this.#wanted;
    if (!Array.isArray(peers)) return;
    const wanted = peers as readonly ObservedPeer[];
    for (const [i, peer] of wanted.entries()) this.#peer(peer, i);
    for (const peer of this.#seen?.peers ?? [])
      if (wanted.every(({ publicKey }) => publicKey !== peer.publicKey)) this.#remove(peer);
  }

  #subject(publicKey: string): string {
    return `peer ${publicKey} on ${this.#link.name}`;
  }

  #remove(peer: ObservedPeer): void {
    const { name, path } = this.#link;
    const { publicKey } = peer;
    this.#planner.add({
      action: "remove",
      object: "wireguard",
      subject: this.#subject(publicKey),
      path: [...path, "peers"],
      reason: "not in the list of peers",
      drops: [`traffic with ${publicKey}`],
      needs: this.#planner.linkIds(name),
      moves: [move(update(name, { peers: [{ publicKey, remove: true }] }), update(name, { peers: [peerAgain(peer)] }))],
    });
  }

  #peer({ publicKey, presharedKeyFile, ...given }: ObservedPeer, i: number): void {
    const { name, path } = this.#link;
    const planner = this.#planner;
    const seen = this.#seen?.peers.find((one) => one.publicKey === publicKey);
    const key = this.#key("preshared", presharedKeyFile, ["peers", i, "presharedKeyFile"]);
    if (this.#seen?.publicKey === publicKey && this.#wanted["privateKeyFile"] === undefined)
      planner.say([...path, "peers", i, "publicKey"], `this is the public key of ${name} itself`);
    const differences: Difference[] = Object.entries(given)
      .filter(([field, to]) => to !== undefined && !sameValue(to, seen?.[field]))
      .map(([field, to]) => ({ field, from: seen?.[field], to }));
    const changed: Record<string, unknown> = Object.fromEntries(differences.map(({ field, to }) => [field, to]));
    if (key !== undefined && "file" in key && seen?.["presharedKey"] !== key.id) {
      const from = seen?.["presharedKey"] === undefined ? undefined : "another key";
      differences.push({ field: "presharedKeyFile", from, to: "the key in the file", why: key.file });
      changed["presharedKey"] = key;
    }
    const subject = this.#subject(publicKey);
    const fields = [...Object.keys(given), ...(key === undefined ? [] : ["presharedKeyFile"])];
    if (seen !== undefined && differences.length === 0) {
      planner.keep("wireguard", subject, fields);
      return;
    }
    planner.keepRest("wireguard", subject, fields, differences);
    const whole = "allowedIps" in changed ? { replaceAllowedIps: true } : {};
    const gone = update(name, { peers: [{ publicKey, remove: true }] });
    const again = seen === undefined ? [] : [update(name, { peers: [peerAgain(seen)] })];
    // What a peer has not had can be taken from it only together with the peer.
    const anew =
      seen === undefined || differences.some(({ field, from }) => field === "endpoint" && from === undefined);
    const unkeyed = seen !== undefined && seen["presharedKey"] === undefined && key !== undefined;
    const clear = unkeyed ? [update(name, { peers: [{ publicKey, presharedKey: null }] })] : [];
    planner.add({
      action: seen === undefined ? "create" : "change",
      object: "wireguard",
      subject,
      path: [...path, "peers", i],
      reason: seen === undefined ? "not there" : DIFFERS,
      differences,
      // The kernel drops a peer that has the link's own key.
      needs: [...planner.linkIds(name), `wireguard ${name}`],
      moves: [
        move(
          update(name, { peers: [{ publicKey, ...changed, ...whole }] }),
          ...(this.#seen === undefined ? [] : [...(anew ? [gone] : []), ...again, ...clear]),
        ),
      ],
    });
  }
}

/** All steps for WireGuard; `world` is what will be there once links are made again. */
export function planWireguard(planner: Planner, world: Observed): void {
  for (const link of planner.desired.links) {
    if (link.absent || link.wireguard === undefined) continue;
    const there = linkOf(world, link.name) !== undefined;
    const seen = there ? planner.before.wireguard?.[link.name] : undefined;
    if (there && seen === undefined) {
      planner.warn(`link ${link.name}: WireGuard shows keys and peers to root only; they are left as they are`);
      continue;
    }
    const plan = new Plan(planner, link, seen);
    plan.device();
    plan.peers();
  }
}
