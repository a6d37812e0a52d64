/** Links as .netdev and .network files. */

import type { Desired, DesiredLink } from "../state/desired.ts";
import { Mtus } from "../state/mtu.ts";
import type { Observed, ObservedLink } from "../state/observed.ts";
import { kindNamed } from "../state/words.ts";
import { entrySections, farEndSections } from "./entries.ts";
import type { InCharge } from "./in-charge.ts";
import { type Keys, linkKeys, portKeys } from "./keys.ts";
import { type Netdev, netdevKind, netdevOf, netdevWords } from "./kinds.ts";
import { dropInOf } from "./places.ts";
import { type Entry, isPlainName, type Section } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";
import { keysOf, peersOf } from "./wireguard.ts";
import { WriteError } from "./write.ts";

/** The file of a link, without directory. */
export interface LinkFile {
  readonly name: string;
  readonly sections: readonly Section[];
}

/** Words that are said otherwise than by one key of the kind. */
const SPECIAL = ["up", "mtu", "mac", "master", "dev", "peer", "addrGenMode", "primary"];
/** The key of a port's file that makes it one. */
const MASTERS: Readonly<Record<string, string>> = { bridge: "Bridge", bond: "Bond", vrf: "VRF" };
/** MTU of an underlay of which the document does not tell it. */
const UNTOLD_MTU = 1500;

/** Turns the links of a document into files. */
export class LinkFiles {
  readonly #desired: Desired;
  readonly #unsaid: Unsayable;
  readonly #mtus: Mtus;
  readonly #inCharge: ReadonlyMap<string, InCharge>;
  /** Names of the links that get a .netdev file. */
  readonly made = new Set<string>();

  constructor(desired: Desired, unsaid: Unsayable, inCharge: ReadonlyMap<string, InCharge> = new Map()) {
    this.#inCharge = inCharge;
    this.#desired = desired;
    this.#unsaid = unsaid;
    this.#mtus = new Mtus(desired, this.#assumed());
  }

  /** All files; what they cannot hold is told. */
  all(): LinkFile[] {
    const links = this.#desired.links.filter((link) => this.#isSayable(link));
    for (const { name, kind } of links) if (kind !== undefined) this.made.add(name);
    const below = this.#below(links);
    const names = [...new Set([...links.map(({ name }) => name), ...below.keys()])];
    const entries = entrySections(this.#desired, { names: new Set(names), any: this.#holder(links) }, this.#unsaid);
    return names.flatMap((name) => {
      const link = links.find((one) => one.name === name);
      const sections = [...this.#network(name, link, below.get(name) ?? []), ...(entries.get(name) ?? [])];
      const netdev = link?.kind === undefined ? undefined : netdevOf(link.kind, link.options);
      if (link?.kind === undefined || netdev === undefined) return this.#given(name, sections);
      return [
        { name: `10-linkwright-${name}.netdev`, sections: this.#netdev(link, link.kind, netdev) },
        { name: `10-linkwright-${name}.network`, sections: [...sections, ...farEndSections(link)] },
        ...this.#farEnd(link),
      ];
    });
  }

  /** The link whose file holds what is on no link: it is there and configured whatever becomes of others. */
  #holder(links: readonly DesiredLink[]): string | undefined {
    const made = links.filter(({ kind, options: { up } }) => kind !== undefined && up !== false);
    return (made.find(({ options: { dev, master } }) => dev === undefined && master === undefined) ?? made[0])?.name;
  }

  /** Underlays as they are assumed to be, for MTUs. */
  #assumed(): Observed {
    const names = this.#desired.links.flatMap(({ name, kind, options: { dev } }) => [
      ...(kind === undefined ? [name] : []),
      ...(typeof dev === "string" ? [dev] : []),
    ]);
    const given = [...new Set(names)].filter(
      (name) => !this.#desired.links.some((one) => one.name === name && one.kind),
    );
    for (const name of given) {
      const told = this.#desired.links.find((one) => one.name === name)?.options["mtu"];
      const above = this.#desired.links.find((one) => one.options["dev"] === name && one.options["mtu"] === "auto");
      if (told === undefined && above !== undefined)
        this.#unsaid.note(
          [...above.path, "mtu"],
          `auto is worked out for an MTU of ${UNTOLD_MTU} of ${name}; where it has another, write links: { ${name}: { mtu: … } }`,
        );
    }
    return { links: given.map((name) => ({ name, mtu: UNTOLD_MTU }) as unknown as ObservedLink) };
  }

  /** Whether networkd can make the link, or take care of one that is there. */
  #isSayable(link: DesiredLink): boolean {
    const reason = this.#refusal(link);
    if (reason !== undefined) this.#unsaid.leave(reason.path, reason.text);
    return reason === undefined;
  }

  #refusal(link: DesiredLink): { path: DesiredLink["path"]; text: string } | undefined {
    const { name, kind, absent, options, path } = link;
    const whole = (text: string, key?: string) => ({ path: key === undefined ? path : [...path, key], text });
    if (absent) return whole("networkd takes no link away");
    if (!isPlainName(name)) return whole("systemd's files cannot hold such a name");
    if (kind === undefined) return undefined;
    const netdev = netdevOf(kind, options);
    if (netdev === undefined)
      return whole(`links of kind ${kind} are not written for networkd; linkwright makes it`, "kind");
    if (kind === "wireguard" && link.wireguard?.["privateKeyFile"] === undefined)
      return whole("networkd makes no such link without privateKeyFile; linkwright makes it", "kind");
    const { peer, dev } = options as { peer?: { name: string; netns?: unknown }; dev?: unknown };
    if (peer?.netns !== undefined) return whole("networkd cannot put an end into another namespace", "peer");
    if (peer !== undefined && !isPlainName(peer.name)) return whole("systemd's files cannot hold such a name", "peer");
    const other = Object.keys(peer ?? {}).find((key) => !["name", "mac"].includes(key));
    if (other !== undefined) return whole(`networkd has no ${other} for the far end`, "peer");
    if (typeof dev === "string" && !isPlainName(dev)) return whole("systemd's files cannot hold such a name", "dev");
    for (const [key, value] of Object.entries(netdevWords(netdev, kind, options))) {
      const isSaid = value === undefined || SPECIAL.includes(key) || netdev.said?.includes(key);
      if (isSaid || kindNamed(kind)?.options[key]?.fixed !== true) continue;
      const why = this.#unsaid.reasonFor(netdev.keys[key], value);
      if (why !== undefined) return whole(`${why}, and it is fixed at creation; linkwright makes the link`, key);
    }
    return undefined;
  }

  /** Keys in the file of each underlay, for the links on it. */
  #below(links: readonly DesiredLink[]): ReadonlyMap<string, readonly Entry[]> {
    const found = new Map<string, Entry[]>();
    for (const { name, kind, options } of links) {
      const key = kind === undefined ? undefined : netdevOf(kind, options)?.on;
      const { dev } = options;
      if (key !== undefined && typeof dev === "string") found.set(dev, [...(found.get(dev) ?? []), [key, name]]);
    }
    return found;
  }

  /** A link that is there already. An administrator's own file of it comes first. */
  #given(name: string, sections: readonly Section[]): LinkFile[] {
    const path = this.#desired.links.find((link) => link.name === name)?.path ?? ["links"];
    if (this.#isFarEnd(name)) return [{ name: `10-linkwright-${name}.network`, sections }];
    const own = sections.filter(({ name: of }) => of !== "Match");
    if (own.every(({ entries }) => entries.length === 0)) return [];
    const theirs = this.#inCharge.get(name);
    if (theirs !== undefined) return [this.#added(name, path, own, theirs)];
    const file = `90-linkwright-${name}.network`;
    this.#unsaid.note(
      path,
      `networkd uses one .network file for ${name}: where another one is in charge of it, put the lines of ${file} into a drop-in of that one`,
    );
    return [{ name: file, sections: sections.map((one) => keeping(one, "yes")) }];
  }

  /** Whether it comes with a link of the document. */
  #isFarEnd(name: string): boolean {
    return this.#desired.links.some(({ options: { peer } }) => (peer as { name?: unknown } | undefined)?.name === name);
  }

  /** Lines for a link that somebody else's file is in charge of. That one decides, where it tells what is to be kept. */
  #added(name: string, path: DesiredLink["path"], sections: readonly Section[], theirs: InCharge): LinkFile {
    const { file, others, unmanaged, keeps } = theirs;
    if (unmanaged) throw new WriteError(`${file} has networkd leave ${name} alone; install with --direct`);
    if (others.length > 0)
      throw new WriteError(
        `networkd configures ${name} by ${file}, which is for ${others.join(", ")} too, and would add to all of them what the document has for ${name}: write a file for ${name} alone that comes first, with the lines of that one, networkctl reload, and install again`,
      );
    this.#unsaid.note(path, `networkd configures ${name} by ${file}; what is added stands in ${dropInOf(file)}`);
    return { name: dropInOf(file), sections: keeps ? sections : sections.map((one) => keeping(one, "static")) };
  }

  #netdev(link: DesiredLink, kind: string, netdev: Netdev): Section[] {
    const { name, options, path } = link;
    const head: Entry[] = [["Name", name], ["Kind", netdevKind(kind, options)], ...this.#macEntry(link, netdev)];
    const sections = new Map<string, Entry[]>([["NetDev", head]]);
    if (netdev.alone !== undefined && typeof options["dev"] !== "string")
      sections.set(netdev.alone, [["Independent", "yes"]]);
    for (const [word, value] of Object.entries(netdevWords(netdev, kind, options)))
      if (this.#isImplied(link, netdev, word, value)) this.#noteImplied(path, word, value);
      else if (!netdev.said?.includes(word))
        this.#say(netdev.keys, word, value, [...path, word], sections, word in linkKeys);
    const far = options["peer"] as { readonly name: string; readonly mac?: string } | undefined;
    if (far !== undefined)
      sections.set("Peer", [["Name", far.name], ...(far.mac === undefined ? [] : [["MACAddress", far.mac] as const])]);
    const written = [...sections].map(([of, entries]) => ({ name: of, entries }));
    return [...written, ...keysOf(link, this.#unsaid), ...peersOf(link, this.#unsaid)];
  }

  /** Whether `apply` would set it at creation without being told, and networkd cannot. */
  #isImplied({ options }: DesiredLink, { keys }: Netdev, word: string, value: unknown): boolean {
    return !(word in options) && value !== undefined && !Object.hasOwn(keys, word);
  }

  #noteImplied(path: DesiredLink["path"], word: string, value: unknown): void {
    this.#unsaid.note([...path, word], `networkd has no key for it; write ${word}: ${String(value)} to have it set`);
  }

  /** networkd makes a MAC address up, unless it is told to leave that to the kernel. */
  #macEntry({ options, path }: DesiredLink, { addressed, late }: Netdev): Entry[] {
    if (typeof options["mac"] === "string") return late ? [] : [["MACAddress", options["mac"]]];
    if (addressed === undefined) return [];
    if (this.#unsaid.version >= 250) return [["MACAddress", "none"]];
    const text = `networkd of ${this.#unsaid.version} makes a MAC address from the name and the machine's id; write mac`;
    this.#unsaid.note(path, text);
    return [];
  }

  #say(
    keys: Keys,
    word: string,
    value: unknown,
    path: DesiredLink["path"],
    into: Map<string, Entry[]>,
    elsewhere: boolean,
  ): void {
    if (SPECIAL.includes(word) || elsewhere || value === undefined) return;
    const known = Object.hasOwn(keys, word) ? keys[word] : undefined;
    const reason = this.#unsaid.reasonFor(known, value);
    if (reason !== undefined) this.#unsaid.leave(path, reason);
    else if (known !== undefined)
      into.set(known.section, [...(into.get(known.section) ?? []), [known.key, known.form(value) ?? ""]]);
  }

  #network(name: string, link: DesiredLink | undefined, below: readonly Entry[]): Section[] {
    const sections = new Map<string, Entry[]>([
      ["Match", [["Name", name]]],
      ["Link", []],
      ["Network", []],
    ]);
    const { options = {}, path = [], kind } = link ?? {};
    const comesWithUs = kind !== undefined || this.#isFarEnd(name);
    const of = sections.get("Link") ?? [];
    const network = sections.get("Network") ?? [];
    const mtu = options["mtu"] === undefined ? undefined : this.#mtus.of(name)?.value;
    if (mtu !== undefined) of.push(["MTUBytes", String(mtu)]);
    else if (options["mtu"] !== undefined)
      this.#unsaid.leave([...path, "mtu"], "what auto is, is known only on the host");
    const isLate = kind === undefined || netdevOf(kind, options)?.late === true;
    if (isLate && typeof options["mac"] === "string") of.push(["MACAddress", options["mac"]]);
    if (options["up"] === false) of.push(["ActivationPolicy", "down"]);
    for (const word of Object.keys(options))
      this.#say(linkKeys, word, options[word], [...path, word], sections, kind !== undefined && !(word in linkKeys));
    if (comesWithUs) of.push(["RequiredForOnline", "no"]);
    if (link?.ethtool !== undefined)
      this.#unsaid.leave([...path, "ethtool"], "settings of the device are for udev's .link files, not for networkd");
    if (link?.qdisc !== undefined)
      this.#unsaid.leave([...path, "qdisc"], "queues are set by linkwright, each as a whole");
    for (const [word, value] of Object.entries(link?.port ?? {}))
      this.#say(portKeys, word, value, [...path, "port", word], sections, false);
    if (comesWithUs || options["addrGenMode"] !== undefined) this.#sayIpv6(name, options, path, network);
    if (comesWithUs) network.push(["ConfigureWithoutCarrier", "yes"]);
    if (options["master"] !== undefined) this.#sayMaster(name, options["master"], path, network);
    this.#sayPrimary(options["primary"], path);
    network.push(...below);
    return [...sections].map(([section, entries]) => ({ name: section, entries }));
  }

  /** networkd switches IPv6 on and off with the link-local address, and takes router announcements over from the kernel. */
  #sayIpv6(name: string, options: DesiredLink["options"], path: DesiredLink["path"], network: Entry[]): void {
    const mode = options["addrGenMode"];
    const kind = this.#kindOf(name) ?? "";
    if (netdevOf(kind, options)?.bare) {
      const text = `networkd gives a link of kind ${kind} no IPv6 link-local address`;
      if (mode === undefined) this.#unsaid.note(path, `${text}; write addrGenMode to have linkwright do it`);
      else if (mode !== "none") this.#unsaid.leave([...path, "addrGenMode"], text);
      return void network.push(["LinkLocalAddressing", "no"], ["IPv6AcceptRA", "no"]);
    }
    if (this.#kindOf(options["master"]) === "bond") {
      if (mode !== undefined && mode !== "none")
        this.#unsaid.leave([...path, "addrGenMode"], "networkd gives a port of a bond no IPv6");
      return void network.push(["IPv6AcceptRA", "no"]);
    }
    const off = this.#desired.sysctls.some(
      ({ key, value }) =>
        value === "1" &&
        ["all", "default", name.replaceAll(".", "/")].some((one) => key === `net.ipv6.conf.${one}.disable_ipv6`),
    );
    if (mode !== undefined && mode !== "none" && mode !== "eui64")
      this.#unsaid.leave([...path, "addrGenMode"], `networkd has no word for ${String(mode)} with every version`);
    network.push(["LinkLocalAddressing", off || mode === "none" ? "no" : "ipv6"], ["IPv6AcceptRA", "no"]);
  }

  #kindOf(name: unknown): string | undefined {
    return this.#desired.links.find((link) => link.name === name)?.kind;
  }

  #sayMaster(name: string, master: unknown, path: DesiredLink["path"], network: Entry[]): void {
    if (master === null) {
      // By itself networkd releases what it manages from its master.
      if (this.#inCharge.has(name))
        this.#unsaid.leave([...path, "master"], "whether it has one says the file that is in charge of it");
      return;
    }
    const key = MASTERS[this.#kindOf(master) ?? ""];
    if (typeof master === "string" && key !== undefined && this.made.has(master)) {
      network.push([key, master]);
      if (this.#primaryOf(master) === name) network.push(["PrimarySlave", "yes"]);
      return;
    }
    this.#unsaid.leave([...path, "master"], "networkd is told only of masters that it makes itself");
    if (this.#unsaid.version >= 250) network.push(["KeepMaster", "yes"]);
  }

  #primaryOf(bond: string): unknown {
    return this.#desired.links.find((link) => link.name === bond)?.options["primary"];
  }

  /** It stands in the file of the port, where there is one. */
  #sayPrimary(primary: unknown, path: DesiredLink["path"]): void {
    const bond = path.at(-1);
    const port = this.#desired.links.find((link) => link.name === primary);
    if (primary === undefined || (port?.options["master"] === bond && isPlainName(port?.name ?? ""))) return;
    this.#unsaid.leave([...path, "primary"], "networkd is told of it in the file of the port, and none is written");
  }

  /** The far end of a cable, where no other entry of the document is about it: there to be used as well. */
  #farEnd({ options }: DesiredLink): LinkFile[] {
    const far = (options["peer"] as { readonly name: string } | undefined)?.name;
    if (far === undefined || this.#desired.links.some(({ name }) => name === far)) return [];
    const entries: Entry[] = [["Unmanaged", "yes"]];
    return [
      {
        name: `10-linkwright-${far}.network`,
        sections: [
          { name: "Match", entries: [["Name", far]] },
          { name: "Link", entries },
        ],
      },
    ];
  }
}

/** networkd would take away the addresses and routes that others gave to a link, when it reads a new file for it. */
function keeping({ name, entries }: Section, what: "yes" | "static"): Section {
  return { name, entries: name === "Network" ? [["KeepConfiguration", what], ...entries] : entries };
}
