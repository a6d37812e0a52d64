/** What the doctor asks the network: the underlay, the far ends, whoever else has our addresses. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.ts";
import type { Link } from "../links/index.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import { placeOf } from "../netns/netns.ts";
import { arp, solicit } from "../probe/neighbor.ts";
import { type PingResult, ping } from "../probe/ping.ts";
import { errnoName, SocketError } from "../socket/index.ts";
import { askClaims, type Claimed, type Clone, type Lookout, lookOut } from "./clones.ts";
import { type Ear, listen, type Sound } from "./hear.ts";
import { addressesIn } from "./prefix.ts";
import { listenAtTaps, type Overheard, unmeasured } from "./taps.ts";
import { addressesOf, bridgeOf, gatewaysOf, isExternal, isFilled, isManaged, type Tunnel, type View } from "./view.ts";
import { askThrough, linkLocal, type Place, SMALLEST } from "./vtep.ts";
import { type Witnessed, witnessed } from "./witness.ts";

/** One far end of a tunnel, or the multicast group that stands for all of them. */
export interface FarEnd {
  readonly remote: string;
  /** The VNI, where the VXLAN gets it with each frame. */
  readonly vni?: number;
  /** Whether it is a group: of that only what came through the tunnel is known. */
  readonly group?: true;
  /** Whether it answers a small ping. */
  readonly answers: boolean;
  /** A packet as large as the VXLAN makes them. */
  readonly whole: number;
  /** Bytes of the largest packet that it answered; absent where it answers none. */
  readonly largest?: number;
  /** The MTU that a router on the way told. */
  readonly told?: number;
  /** Who answered through the tunnel, with their Ethernet addresses. */
  readonly macs: ReadonlyMap<string, string>;
  /** Bytes of the largest inner packet that was answered through the tunnel. */
  readonly through?: number;
  /** How many were asked. */
  readonly asked: number;
  /** How many answered nothing but questions whose checksum was not left to the network card; asked only where all were silent. */
  readonly summed?: number;
  /**
   * Whether it sends to this host what it has no place for, broadcasts among them; absent where it has a group or a control
   * plane for that, or answers nothing.
   */
  readonly floods?: boolean;
  /** `ECONNREFUSED` where nobody listens there. */
  readonly error?: string;
}
/** An address that somebody else has too. */
export interface Duplicate {
  readonly address: string;
  readonly dev: string;
  readonly mac: string;
}
/** Whether the next router answers to the network of guests. */
export interface WayBack {
  /** This host's address in that network. */
  readonly address: string;
  /** The router. */
  readonly via: string;
  readonly answers: boolean;
  /** Whether it answers to this host's own address. */
  readonly control: boolean;
}
/** What was asked on the bridge itself, and so went through its port, and was flooded by its VXLAN. */
export interface Bridged {
  /** Addresses that answer where they are asked through the tunnel alone. */
  readonly asked: number;
  /** How many of them answered. */
  readonly answered: number;
  /** Bytes of the large question, as an IP packet, and whether it was answered. */
  readonly large?: { readonly size: number; readonly answered: boolean };
}
/** What came of asking. */
export interface Asked {
  readonly ends: Readonly<Record<string, readonly FarEnd[]>>;
  /** By underlay device. */
  readonly sounds: Readonly<Record<string, Sound>>;
  readonly duplicates: readonly Duplicate[];
  /** Guests whose Ethernet address a far end has too. */
  readonly clones: readonly Clone[];
  /** Addresses of guests that more than one answers for. */
  readonly claimed: readonly Claimed[];
  /** By VXLAN, where anybody behind it was there to be asked. */
  readonly bridged: Readonly<Record<string, Bridged>>;
  readonly ways: readonly WayBack[];
  /** By VXLAN; empty unless it was asked for. */
  readonly witnessed: Readonly<Record<string, Witnessed>>;
  /** By tap of a guest: what it sent to who is behind a tunnel, and is too large for that. */
  readonly overheard: Readonly<Record<string, Overheard>>;
  /** What could not be asked, and why. */
  readonly unseen: readonly string[];
}

/** How to ask. */
export interface AskOptions {
  /**
   * Addresses behind the tunnels, IPv4 or IPv6: guests, or bridges of other hosts. Default: those that this host has heard of,
   * and all of a small IPv4 network.
   */
  readonly peers?: readonly string[] | undefined;
  /** Milliseconds to wait for one answer; default 1000. */
  readonly patience?: number | undefined;
  /** Milliseconds to listen for VXLAN of others; default 1500. */
  readonly listen?: number | undefined;
  /**
   * Whether to count all that guests send that is too large, in a table of nf_tables that is there meanwhile. Without, only
   * the first packets of guests behind taps are looked at. Needs CAP_NET_ADMIN; default false.
   */
  readonly witness?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const PATIENCE = 1000;
const LISTEN = 1500;
const SMALL = 84;
const EPERM = -1;
/** Questions in all, up to which each far end is asked for every address of a small network. */
const MANY = 4096;
/** Link-local addresses that are guessed at most. */
const GUESSES = 64;

/** The largest of [low, high] that passes; `low` is known to. */
async function largestOf(low: number, high: number, passes: (size: number) => Promise<boolean>): Promise<number> {
  let [least, most] = [low, high];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (await passes(middle)) least = middle;
    else most = middle - 1;
  }
  return least;
}

/** A host with a tunnel and one of its far ends. */
interface Question {
  readonly nsFd: number;
  readonly tunnel: Tunnel;
  readonly remote: string;
  /** The address that it sends from. */
  readonly source?: string | undefined;
  /** Whether far ends have lists of whom they send broadcasts to. */
  readonly lists: boolean;
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
}

async function underlay({ nsFd, tunnel, remote, patience, signal }: Question) {
  const whole = tunnel.link.mtu + tunnel.overhead;
  const way = { ...(tunnel.local !== undefined && { source: tunnel.local }), ...(signal !== undefined && { signal }) };
  const once = (size: number): Promise<PingResult> =>
    ping(nsFd, remote, { size, df: true, count: 2, interval: patience / 4, timeout: patience, ...way });
  const first = await once(SMALL);
  const small = first.received > 0 ? first : await once(SMALL);
  let large = await once(whole);
  if (large.received === 0 && large.error === undefined && small.received > 0) large = await once(whole);
  const answers = small.received > 0;
  if (!answers || large.received > 0) return { answers, whole, ...(answers && { largest: whole }) };
  const told = large.fragNeeded;
  const passes = async (size: number): Promise<boolean> => (await once(size)).received > 0;
  // What a router told, or the device has, is tried first: then two questions do.
  const guess = told ?? Math.min(large.mtu ?? whole - 1, tunnel.underlay?.mtu ?? whole - 1);
  const fits = guess < whole && (await passes(guess));
  const largest = fits ? await largestOf(guess, Math.min(guess + 1, whole - 1), passes) : undefined;
  return {
    ...{ answers, whole },
    largest: largest === guess ? guess : await largestOf(largest ?? SMALL, whole - 1, passes),
    ...(told !== undefined && { told }),
  };
}

/** Who answers once the checksums are computed here, and yet not without that; each was asked three times by then. */
async function summedOnly(place: Place, targets: readonly string[], { source, patience, signal }: Question) {
  if (source === undefined || targets.length === 0) return {};
  const own = { ...place, local: source, summed: true };
  const { macs } = await askThrough(own, targets, SMALLEST, { timeout: 2 * patience, signal });
  if (macs.size === 0) return {};
  const cards = await askThrough(place, [...macs.keys()], SMALLEST, { timeout: 2 * patience, signal });
  return cards.macs.size === 0 ? { summed: macs.size } : {};
}

/** Whether an answer comes that the far end knows no place for; undefined where no answer at all comes by now. */
async function floodsHere(place: Place, target: string, { patience, signal }: Question): Promise<{ floods?: boolean }> {
  const comes = async (flooded: boolean, timeout: number): Promise<boolean> =>
    (await askThrough({ ...place, flooded }, [target], SMALLEST, { timeout, signal })).macs.size > 0;
  if ((await comes(true, patience)) || (await comes(true, 2 * patience))) return { floods: true };
  return (await comes(false, patience)) ? { floods: false } : {};
}

async function through(question: Question, targets: readonly string[], guesses: readonly string[] = []) {
  const { nsFd, tunnel, remote, patience, signal } = question;
  const place: Place = {
    ...{ nsFd, index: tunnel.link.index, vni: tunnel.vni, remote, dstport: tunnel.dstport, local: tunnel.local },
    ...(remote === tunnel.group && { dev: tunnel.underlay?.name }),
  };
  const all = [...targets, ...guesses];
  const first = await askThrough(place, all, SMALLEST, { timeout: patience, signal });
  // Silence is a verdict: it is not passed on a machine that is only busy.
  const again = first.macs.size === 0 && first.error === undefined;
  const known = again ? await askThrough(place, all, SMALLEST, { timeout: 2 * patience, signal }) : first;
  const [answering] = known.macs.keys();
  const base = { macs: known.macs, asked: targets.length, ...(known.error !== undefined && { error: known.error }) };
  if (answering === undefined)
    return known.error === undefined ? { ...base, ...(await summedOnly(place, all, question)) } : base;
  const passes = async (size: number): Promise<boolean> =>
    (await askThrough(place, [answering], size, { timeout: patience, signal })).macs.size > 0;
  const { mtu } = tunnel.link;
  const [floods, whole] = await Promise.all([
    question.lists ? floodsHere(place, answering, question) : {},
    passes(mtu).then(async (once) => once || (await passes(mtu))),
  ]);
  return { ...base, ...floods, through: whole ? mtu : await largestOf(SMALLEST, mtu - 1, passes) };
}

/**
 * Who may be asked behind each far end of a tunnel: those given, else who was heard of and the whole of a small network. Of
 * many far ends each is asked for those alone that were learned to be there.
 */
function targetsOf(view: View, tunnel: Tunnel, peers: readonly string[] | undefined): (remote: string) => string[] {
  const bridge = bridgeOf(view, tunnel.link)?.name ?? tunnel.link.name;
  // The VLANs of a bridge have a VNI each.
  const vlans = view.links.filter(({ kind, dev }) => isExternal(tunnel) && kind === "vlan" && dev === bridge);
  const devs = [bridge, ...vlans.map(({ name }) => name)];
  const own = view.addresses
    .filter(({ dev, scope }) => devs.includes(dev) && scope !== "link")
    .map(({ address }) => address);
  const isOwn = new Set(devs.flatMap((dev) => addressesOf(view, dev)));
  const given = peers?.filter((one) => !isOwn.has(one));
  if (given !== undefined && given.length > 0) return () => given;
  const places = view.fdb.filter(({ dev }) => dev === tunnel.link.name);
  // Who has both is asked for the one that takes no guessing.
  const narrow = own.some((one) => !one.includes(":"));
  const near = view.neighbors.flatMap(({ dev, mac, address }) => {
    const at = devs.includes(dev) && !(narrow && address.includes(":")) ? places.filter((one) => one.mac === mac) : [];
    return at.length === 0 ? [] : [{ address, at: at.map(({ dst }) => dst) }];
  });
  const all = own.flatMap(addressesIn).filter((one) => !isOwn.has(one));
  const everybody = [...new Set([...near.map(({ address }) => address), ...all])];
  const few = near.length === 0 || (tunnel.remotes.length + tunnel.learned.length) * everybody.length <= MANY;
  return (remote) =>
    few || remote === tunnel.group
      ? everybody
      : near.filter(({ at }) => at.includes(remote)).map(({ address }) => address);
}

/**
 * Link-local addresses that machines make of their Ethernet addresses, unless told otherwise: who is behind the tunnel may
 * have one. That nobody answers to them proves nothing.
 */
function guessesOf(view: View, tunnel: Tunnel, targets: readonly string[]): string[] {
  if (targets.some((one) => !one.includes(":"))) return [];
  const behind = view.fdb.filter(
    ({ dev, dst, mac }) => dev === tunnel.link.name && dst !== undefined && mac !== ZERO_MAC,
  );
  return [...new Set(behind.map(({ mac }) => linkLocal(mac)))]
    .filter((one) => !targets.includes(one))
    .slice(0, GUESSES);
}

/** Whether another machine answers for an address of ours. */
async function duplicateOf(nsFd: number, link: Link, address: string, patience: number): Promise<Duplicate[]> {
  const { index, name } = link;
  const mac = String(link.mac);
  const waiting = { interval: patience / 3, timeout: patience };
  const { answer } = address.includes(":")
    ? await solicit(nsFd, { index, name, mac }, address, waiting)
    : await arp(nsFd, { index, name, mac }, "0.0.0.0", address, waiting);
  return answer === undefined || answer === mac ? [] : [{ address, dev: name, mac: answer }];
}

/** Devices on which somebody may have an address of ours: underlays and bridges. */
function segments(view: View): Link[] {
  const bridges = view.tunnels.map(({ link }) => bridgeOf(view, link));
  const all = [...view.tunnels.map(({ underlay: dev }) => dev), ...bridges].filter((one) => one !== undefined);
  return [
    ...new Map(all.filter(({ up, mac }) => up && typeof mac === "string").map((one) => [one.name, one])).values(),
  ];
}

const NONE: ReadonlyMap<string, string> = new Map();
/** What comes of a question that cannot be sent, as from an address that this host does not have. */
function unsent<T extends object>(nothing: T): (error: unknown) => T & { readonly error?: string } {
  return (error) => {
    if (!(error instanceof SocketError) || error.errno === undefined || error.errno === EPERM) throw error;
    return { ...nothing, error: errnoName(error.errno) };
  };
}

async function askEnds(view: View, tunnel: Tunnel, nsFd: number, options: AskOptions): Promise<FarEnd[]> {
  const patience = options.patience ?? PATIENCE;
  const targets = targetsOf(view, tunnel, options.peers);
  const { remotes, learned, group } = tunnel;
  const guesses = (remote: string): string[] =>
    options.peers === undefined ? guessesOf(view, tunnel, targets(remote)) : [];
  const lists = group === undefined && !isManaged(view, tunnel) && !isFilled(view, tunnel);
  const question = (remote: string): Question => {
    const source = tunnel.local ?? view.ways[remote]?.src;
    return { nsFd, tunnel, remote, source, lists, patience, signal: options.signal };
  };
  const ends = [...remotes, ...learned]
    .filter((remote) => !(remote in view.ways) || view.ways[remote] !== undefined)
    .map(async (remote): Promise<FarEnd> => {
      const whole = tunnel.link.mtu + tunnel.overhead;
      const [outside, inside] = await Promise.all([
        underlay(question(remote)).catch(unsent({ answers: false, whole })),
        through(question(remote), targets(remote), guesses(remote)).catch(unsent({ macs: NONE, asked: 0 })),
      ]);
      return { remote, ...outside, ...inside };
    });
  if (group !== undefined)
    ends.push(
      through(question(group), targets(group), guesses(group))
        .catch(unsent({ macs: NONE, asked: 0 }))
        .then((inside): FarEnd => {
          return { remote: group, group: true, answers: false, whole: tunnel.link.mtu + tunnel.overhead, ...inside };
        }),
    );
  return await Promise.all(ends);
}

/** Asks on the bridge for one address behind each far end that it floods to, small and as large as a frame of it may be. */
async function askBridge(
  view: View,
  tunnel: Tunnel,
  nsFd: number,
  ends: readonly FarEnd[],
  timeout: number,
): Promise<[string, Bridged][]> {
  const { link, remotes, group } = tunnel;
  const bridge = bridgeOf(view, link);
  // A control plane answers in the place of others, and frames without a VLAN may have no way where there are some.
  if (bridge?.up !== true || bridge["vlanFiltering"] === true || isManaged(view, tunnel)) return [];
  const flooded = ends.filter(({ remote }) => remote === group || remotes.includes(remote));
  const targets = flooded.flatMap(({ macs }) => [...macs.keys()].find((one) => !one.includes(":")) ?? []);
  if (targets.length === 0) return [];
  const from = { index: bridge.index, name: bridge.name, mac: String(bridge.mac) };
  const answers = async (target: string, size: number, patience: number): Promise<boolean> => {
    const waiting = { interval: patience / 3, timeout: patience, size };
    return (await arp(nsFd, from, "0.0.0.0", target, waiting)).answer !== undefined;
  };
  const patiently = async (target: string, size: number): Promise<boolean> =>
    (await answers(target, size, timeout)) || (await answers(target, size, 2 * timeout));
  const heard = await Promise.all(targets.map((target) => patiently(target, SMALLEST)));
  const [able] = targets.filter((_, at) => heard[at]);
  const size = bridge.mtu;
  const large = able === undefined ? {} : { large: { size, answered: await patiently(able, size) } };
  return [[link.name, { asked: targets.length, answered: heard.filter(Boolean).length, ...large }]];
}

async function waysBack(view: View, nsFd: number, timeout: number): Promise<WayBack[]> {
  const all = gatewaysOf(view).map(async ({ address, via }): Promise<WayBack[]> => {
    if (via === undefined) return [];
    const reached = async (source?: string): Promise<boolean> =>
      (await ping(nsFd, via, { df: false, count: 2, interval: timeout / 4, timeout, source })).received > 0;
    const asked = Promise.all([reached(address), reached()]).catch(unsent([]));
    const [answers, control] = await asked;
    return answers === undefined || control === undefined ? [] : [{ address, via, answers, control }];
  });
  return (await Promise.all(all)).flat();
}

/** Who was heard in the tunnel's own words, and is none of those it knew of. */
function strangersOf({ remotes, learned, vni, dstport, family }: Tunnel, sound: Sound | undefined): string[] {
  const heard = (sound?.heard ?? []).filter((one) => one.vni === vni && one.dport === dstport);
  const speaks = (one: string): boolean => one.includes(":") === (family === 6);
  const known = [...remotes, ...learned];
  return [...new Set(heard.map(({ from }) => from))].filter((one) => speaks(one) && !known.includes(one));
}

/**
 * Who answers in the VNIs that a VXLAN gets with each frame. Which addresses are in which of them is not known: only those
 * who answer are told of.
 */
async function askInner(view: View, tunnel: Tunnel, nsFd: number, options: AskOptions): Promise<FarEnd[]> {
  const all = tunnel.inner.map(async ({ vni, ...far }) => {
    const ends = await askEnds(view, { ...tunnel, vni, ...far, learned: [] }, nsFd, options);
    return ends.filter(({ macs }) => macs.size > 0).map((end): FarEnd => ({ ...end, vni }));
  });
  return (await Promise.all(all)).flat();
}

/** What was not asked through tunnels, and why. */
function unasked(view: View, ends: Asked["ends"]): string[] {
  return view.tunnels.flatMap((tunnel) => {
    const { name, up } = tunnel.link;
    if (isExternal(tunnel)) {
      const answered = new Set((ends[name] ?? []).map(({ vni }) => vni));
      const others = tunnel.inner.map(({ vni }) => vni).filter((vni) => !answered.has(vni));
      const what = tunnel.inner.length === 0 ? "" : ` in VNI ${others.join(", ")}`;
      const why = "it gets its VNIs with each frame, and nobody answered there; name an address by --peer";
      return others.length > 0 || what === "" ? [`what is behind ${name}${what}: ${why}`] : [];
    }
    const answered = (ends[name] ?? []).some(({ macs }) => macs.size > 0);
    if (up && isFilled(view, tunnel) && !answered)
      return [`what is behind ${name}: entries by hand say where each address is, and nobody answers a stranger`];
    const all = ends[name] ?? [];
    const silent = all.filter(({ asked, macs, error }) => asked + macs.size === 0 && error === undefined);
    const where = silent.length === all.length ? name : silent.map(({ remote }) => remote).join(", ");
    const why = "this host knows no address there; name one by --peer";
    return up && silent.length > 0 ? [`what is behind ${where}: ${why}`] : [];
  });
}

/** What pings were to tell, where nobody answers them. */
function unanswered(ends: Asked["ends"], ways: readonly WayBack[]): string[] {
  const deaf = Object.entries(ends).flatMap(([name, all]) =>
    all
      .filter(({ group, answers, macs }) => group === undefined && !answers && macs.size > 0)
      .map(({ remote }) => `the way to ${remote} by itself: it answers ${name} and no pings; something drops ICMP`),
  );
  const routers = new Set(ways.flatMap(({ via, control }) => (control ? [] : [via])));
  const dumb = [...routers].map((via) => `whether answers find back to guests: the router ${via} answers no pings`);
  return [...deaf, ...dumb];
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
/** The underlay devices, listened to as long as this is not disposed of. */
function ears(view: View, nsFd: number, lookout: Lookout): Map<string, Ear> {
  // Also what it sends from an address that it does not have is its own.
  const locals = view.tunnels.flatMap(({ local }) => local ?? []);
  const own = new Set([...view.addresses.map(({ address }) => address.split("/")[0] ?? ""), ...locals]);
  // Bridges, which nobody else should be called as, and addresses whose way somebody wrote down.
  const macs = new Set([
    ...view.tunnels.flatMap(({ link }) => String(bridgeOf(view, link)?.mac ?? "")),
    ...view.fdb.flatMap(({ mac, dst }) => (dst === undefined ? [] : [mac])),
  ]);
  const open = new Map<string, Ear>();
  for (const { underlay: dev } of view.tunnels) {
    if (dev === undefined || open.has(dev.name)) continue;
    const frame: Parameters<typeof listen>[2]["frame"] = (vxlan, inside) =>
      lookout.take({ dev: dev.name, ...vxlan }, inside);
    open.set(dev.name, listen(nsFd, dev.index, { own, macs, ethernet: MAC.test(String(dev.mac)), frame }));
  }
  return open;
}

/** Asks the network. Needs CAP_NET_RAW; without, it says that nothing was asked. */
export async function ask(host: Host, view: View, options: AskOptions = {}): Promise<Asked> {
  if (options.witness !== true) return await askAll(host, view, options);
  const { result, counts, why } = await witnessed(host, view, () => askAll(host, view, options));
  return { ...result, witnessed: counts, unseen: [...result.unseen, ...(why === undefined ? [] : [why])] };
}

async function askAll(host: Host, view: View, options: AskOptions): Promise<Asked> {
  const nsFd = placeOf(host.netns);
  const nothing = {
    ...{ ends: {}, sounds: {}, duplicates: [], clones: [], claimed: [] },
    ...{ bridged: {}, ways: [], witnessed: {}, overheard: {} },
  };
  if (view.tunnels.length === 0) return { ...nothing, unseen: [] };
  let open = new Map<string, Ear>();
  let lookout: Lookout | undefined;
  let taps: ReturnType<typeof listenAtTaps> | undefined;
  try {
    lookout = lookOut(view, nsFd);
    open = ears(view, nsFd, lookout);
    taps = listenAtTaps(view, nsFd);
    const up = view.tunnels.filter((tunnel) => tunnel.link.up);
    const endsOf = (tunnel: Tunnel): Promise<FarEnd[]> =>
      (isExternal(tunnel) ? askInner : askEnds)(view, tunnel, nsFd, options);
    const own = (dev: Link): string[] => addressesOf(view, dev.name);
    const patience = options.patience ?? PATIENCE;
    const [ends, duplicates, ways] = await Promise.all([
      Promise.all(up.map(async (tunnel) => [tunnel.link.name, await endsOf(tunnel)] as const)),
      Promise.all(segments(view).flatMap((dev) => own(dev).map((one) => duplicateOf(nsFd, dev, one, patience)))),
      waysBack(view, nsFd, patience),
      sleep(options.listen ?? LISTEN, undefined, { signal: options.signal }),
    ]);
    const sounds = Object.fromEntries([...open].map(([dev, ear]) => [dev, ear.sound()]));
    const looked = lookout.found();
    const more = await Promise.all(
      up.map(async (tunnel) => {
        if (isExternal(tunnel)) return [];
        const strangers = strangersOf(tunnel, sounds[tunnel.underlay?.name ?? ""]);
        return await askEnds(view, { ...tunnel, remotes: strangers, learned: [], group: undefined }, nsFd, options);
      }),
    );
    const all = Object.fromEntries(ends.map(([name, found], at) => [name, [...found, ...(more[at] ?? [])]]));
    const bridged = up.map((tunnel) => askBridge(view, tunnel, nsFd, all[tunnel.link.name] ?? [], patience));
    const answered = Object.entries(all).map(([name, far]) => [name, far.flatMap(({ macs }) => [...macs.keys()])]);
    const claimed = await askClaims(host, view, nsFd, Object.fromEntries(answered), patience);
    const found = Object.fromEntries((await Promise.all(bridged)).flat());
    const overheard = taps.overheard(await host.fdb.list());
    const unseen = [...looked.unseen, ...unmeasured(view, overheard, options.witness === true)];
    return {
      ...{ ends: all, sounds, duplicates: duplicates.flat(), ways, witnessed: {}, overheard },
      ...{ clones: looked.clones, claimed },
      ...{ bridged: found, unseen: [...unasked(view, all), ...unanswered(all, ways), ...unseen] },
    };
  } catch (error) {
    if (!(error instanceof SocketError) || error.errno !== EPERM) throw error;
    return { ...nothing, unseen: ["the network: without CAP_NET_RAW nobody was asked; run it as root"] };
  } finally {
    lookout?.[Symbol.dispose]();
    for (const ear of open.values()) ear[Symbol.dispose]();
    taps?.[Symbol.dispose]();
  }
}
