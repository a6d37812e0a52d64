/** Steps for links: made, changed, made again, removed. */
import { compareLink, demandsOf, rejoining, settable } from "./compare.ts";
import type { DesiredLink } from "./desired.ts";
import { missingEnd, planEndsAway } from "./ends-away.ts";
import { KERNEL_MTU, portsOf } from "./mtu.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { costOf, movesOn, wayOf } from "./off-and-on.ts";
import { endOf, peerAgain, planEnds } from "./plan-ends.ts";
import { ethtoolAgain } from "./plan-ethtool.ts";
import { planFarEnds } from "./plan-remotes.ts";
import { move, type Planner } from "./planner.ts";
import { qdiscAgain, unrestorable } from "./queue.ts";
import { onLink, peerOf, standingOn, sysctlsAgain, withSecret } from "./restore.ts";
import { DIFFERS, type Difference, type Move, type Request, type Words } from "./step.ts";
import { kindNamed, ZERO_MAC } from "./words.ts";

/** Links that go away, by themselves or to be made again. */
export interface Fates {
  readonly removed: ReadonlySet<string>;
  readonly recreated: ReadonlySet<string>;
  /** Other ends of these that come back with them, each with the name of the link; any else is removed. */
  readonly ends: ReadonlyMap<string, string>;
}

const request = (verb: Request["verb"], words: Words): Request => ({ object: "link", verb, words });
const update = (name: string, change: Words): Request => request("update", { name, change });

/** What the document wants of a link, MTUs worked out. */
export function wantedOptions(planner: Planner, link: DesiredLink): Words {
  const { mtu, ...options } = link.options;
  if (mtu === undefined) return options;
  const resolved = planner.mtus.of(link.name);
  if (mtu !== "auto") return link.options;
  if (resolved === undefined) {
    const { dev } = options;
    // Of an underlay that is not there it is said elsewhere.
    if (typeof dev === "string" && !planner.willExist(dev)) return options;
    planner.say([...link.path, "mtu"], "auto needs an underlay to follow; write dev, or the number of bytes");
    return options;
  }
  return { ...options, mtu: resolved.value };
}

function explained(planner: Planner, link: DesiredLink, differences: readonly Difference[]): readonly Difference[] {
  const mtu = link.options["mtu"] === "auto" ? planner.mtus.of(link.name) : undefined;
  return differences.map((one) => (one.field === "mtu" && mtu !== undefined ? { ...one, why: mtu.why } : one));
}

/** The comparison of a link with what is wanted of it, on this host. */
function compareHere(planner: Planner, link: DesiredLink, seen: ObservedLink) {
  const ports = planner.before.links.some(({ master }) => master === seen.name);
  const found = compareLink(link, seen, wantedOptions(planner, link), ports);
  if (planner.before.endsAway?.[link.name] === undefined) return found;
  // It is known from where the other end is.
  const told = (field: string): boolean => field !== "peer";
  return {
    ...found,
    fixed: [...found.fixed, ...missingEnd(planner, link)],
    unknown: found.unknown.filter(told),
    fields: found.fields.filter(told),
  };
}

/** Decides which links go away, with all that stand on them. */
export function fatesOf(planner: Planner): Fates {
  const removed = new Set<string>();
  const recreated = new Set<string>();
  for (const link of planner.desired.links) {
    const seen = planner.seen(link.name);
    if (seen === undefined || !fits(planner, link, seen)) continue;
    if (link.absent) removed.add(link.name);
    else if (link.kind !== undefined && compareHere(planner, link, seen).fixed.length > 0) recreated.add(link.name);
  }
  for (const name of [...removed, ...recreated]) follow(planner, name, removed, recreated);
  const ends = new Map<string, string>();
  for (const name of recreated) {
    const other = peerOf(planner.before, name);
    if (other === undefined || removed.has(other) || recreated.has(other)) continue;
    if (endOf(planner, name) === undefined) removed.add(other);
    else ends.set(other, name);
  }
  return { removed, recreated, ends };
}

function follow(planner: Planner, name: string, removed: ReadonlySet<string>, recreated: Set<string>): void {
  for (const above of standingOn(planner.before, name)) {
    if (removed.has(above) || recreated.has(above)) continue;
    const described = planner.desired.links.find((link) => link.name === above);
    if (described === undefined || described.kind === undefined) {
      const path = planner.desired.links.find((link) => link.name === name)?.path ?? [];
      planner.say(
        path,
        `${above} stands on ${name} and would go with it; describe ${above} too, or remove it first`,
        "key",
      );
      continue;
    }
    recreated.add(above);
    follow(planner, above, removed, recreated);
  }
}

/** A link of this name has to be of the kind that the document says. */
function fits(planner: Planner, link: DesiredLink, seen: ObservedLink): boolean {
  if (link.kind === undefined || link.kind === seen.kind) return true;
  const is = seen.kind === undefined ? "hardware or loopback" : `a ${seen.kind}`;
  const way = `give this one another name, or remove the other one first (ip link delete ${seen.name})`;
  planner.say([...link.path, "kind"], `${link.name} is there already, and is ${is}, not a ${link.kind}; ${way}`);
  return false;
}

/** Names in the document have to be links in it or on the host. */
function checkReferences(planner: Planner, link: DesiredLink): void {
  const kind = kindNamed(link.kind ?? planner.seen(link.name)?.kind);
  const keys = ["master", ...Object.entries(kind?.options ?? {}).flatMap(([key, one]) => (one.refers ? [key] : []))];
  for (const key of keys) {
    const name = link.options[key];
    if (typeof name !== "string" || planner.willExist(name)) continue;
    planner.sayMissing(name, [...link.path, key]);
  }
}

function checkPort(planner: Planner, { name, port, options, path }: DesiredLink): void {
  if (port === undefined || (options["master"] ?? planner.seen(name)?.["master"]) !== undefined) return;
  planner.say(
    [...path, "port"],
    `${name} is no port of a bridge, and these are options of one; write master too`,
    "key",
  );
}

/** The kernel refuses more without a word, and at creation takes less without a word. */
function checkMtu(planner: Planner, link: DesiredLink): void {
  const { mtu, dev } = link.options;
  if (link.kind !== "vxlan" || typeof mtu !== "number" || typeof dev !== "string") return;
  const most = planner.mtus.ofAuto(link);
  if (most !== undefined && mtu > most.value)
    planner.say(
      [...link.path, "mtu"],
      `${mtu} does not fit into ${dev}: at most ${most.value} (${most.why}); write mtu: auto`,
    );
}

/** Options that belong to another mode than the link has or gets. */
function checkModes(planner: Planner, link: DesiredLink, seen: ObservedLink | undefined): void {
  const options = kindNamed(link.kind ?? seen?.kind)?.options ?? {};
  const all = { ...seen, ...link.options };
  for (const key of Object.keys(link.options)) {
    const wrong = Object.hasOwn(options, key) ? options[key]?.unfit(all) : undefined;
    const same = seen !== undefined && link.options[key] === seen[key];
    if (wrong !== undefined && !same) planner.say([...link.path, key], wrong);
  }
}

/** The other end of a link that is made, as it is right after that. */
function broughtAlong(planner: Planner, name: string): ObservedLink {
  const bringer = planner.bringerOf(name);
  const { mtu = ETHERNET_MTU, mac } = (bringer?.options["peer"] ?? {}) as Words;
  return { name, kind: bringer?.kind ?? "", up: false, mtu, ...(mac !== undefined && { mac }) };
}
const ETHERNET_MTU = 1500;

/** All steps for links. */
export function planLinks(planner: Planner, fates: Fates, world: Observed): void {
  for (const link of planner.desired.links) {
    const { name } = link;
    const seen = linkOf(world, name);
    if (link.absent) {
      if (fates.removed.has(name)) remove(planner, link, fates);
      continue;
    }
    checkReferences(planner, link);
    checkMtu(planner, link);
    checkPort(planner, link);
    checkModes(planner, link, seen);
    const old = fates.recreated.has(name) ? planner.seen(name) : undefined;
    if (old !== undefined) recreate(planner, link, old, fates);
    else if (seen !== undefined) change(planner, link, seen, world);
    else if (link.kind !== undefined) create(planner, link);
    else if (planner.bringerOf(name) !== undefined) change(planner, link, broughtAlong(planner, name), world);
    else if (planner.desired.source.underlay?.name === name) planner.sayMissing(name, link.path);
    else planner.say(link.path, `there is no link ${name} on this host; write its kind to have it made`, "key");
  }
  planEnds(planner, world);
  planEndsAway(planner);
}

/** Ports of a link that go away too. */
function goingPorts({ links }: Observed, name: string, { removed }: Fates): string[] {
  return links.filter((link) => link["master"] === name && removed.has(link.name)).map((link) => link.name);
}

function remove(planner: Planner, link: DesiredLink, fates: Fates): void {
  const { before } = planner;
  const ends = [link.name, ...[peerOf(before, link.name) ?? []].flat()];
  planner.add({
    action: "remove",
    object: "link",
    subject: link.name,
    path: link.path,
    reason: "to be absent",
    drops: [
      ...lostWith(planner, ends),
      ...(ends.length > 1 ? [`${ends[1]}, its other end`] : awayWith(before, link.name)),
      ...(ends.every((end) => unrestorable(before, end) === undefined) ? [] : ["its queues, for good"]),
    ],
    // What stands on it goes first, and so do its ports: they come back after it.
    needs: planner.linkIds(...standingOn(before, link.name), ...goingPorts(before, link.name, fates)),
    // How it comes back depends on what went before it: see `withUndo`.
    moves: [move(request("delete", { name: link.name }))],
  });
}

/** Steps that a new link waits for. */
function needsOf(planner: Planner, link: DesiredLink): readonly string[] {
  const kind = kindNamed(link.kind);
  const below = Object.entries(kind?.options ?? {}).flatMap(([key, one]) =>
    one.refers === true ? [link.options[key]] : [],
  );
  // A bridge grows by its ports: what is made on it before that is cut down to what it had, without a word.
  const ports = planner.desired.links.filter(
    ({ name, options: { master } }) => name !== link.name && typeof master === "string" && below.includes(master),
  );
  // A link of the same VNI that goes away has to be gone.
  const gone = planner.desired.links.filter((one) => one.absent).map((one) => one.name);
  const bringer = planner.bringerOf(link.name);
  const names = [...below, ...ports.map(({ name }) => name), link.options["master"], ...gone, bringer?.name];
  return [...planner.linkIds(...names), ...planner.again(link.name)];
}

/** What names a port of the link is told once it has it. */
function planPortChoice(planner: Planner, link: DesiredLink): void {
  const { name, path, options } = link;
  const chosen = Object.entries(options).filter(([field, to]) => isPortChoice(link, field, to));
  if (chosen.length === 0) return;
  const differences = chosen.map(([field, to]): Difference => ({ field, from: undefined, to }));
  const ports = portsOf(planner.desired, planner.before, name).map((port) => `link ${port}`);
  planner.add({
    id: `link ${name} once it has ports`,
    action: "change",
    object: "link",
    subject: name,
    path,
    reason: "names a port of it",
    differences,
    needs: [`link ${name}`, ...ports],
    moves: chosen.map(([field, to]) => move(update(name, { [field]: to }), update(name, { [field]: null }))),
  });
}

/** The whole config, in one message; a bridge's own MTU comes after it, as at creation it pins nothing. */
function making(link: DesiredLink, config: Words): Move[] {
  const { mtu, ...rest } = config;
  const { name } = link;
  const undo = request("delete", { name });
  if (link.kind !== "bridge") return [move(request("create", config), undo)];
  const moves = [move(request("create", rest), undo)];
  if (typeof mtu === "number" && link.options["mtu"] !== "auto") {
    if (mtu === KERNEL_MTU) moves.push(move(update(name, { mtu: beside(mtu) })));
    moves.push(move(update(name, { mtu })));
  }
  return moves;
}

/** An MTU next to this one: a bridge's MTU stays where it is put only when that changes it. */
function beside(mtu: number): number {
  return mtu > 68 ? mtu - 1 : mtu + 1;
}

function configOf(planner: Planner, link: DesiredLink): Words {
  const wanted = Object.fromEntries(
    Object.entries(wantedOptions(planner, link)).filter(([field, to]) => !isPortChoice(link, field, to)),
  );
  const defaults = kindNamed(link.kind)?.defaults?.(wanted) ?? {};
  const port = link.port === undefined ? {} : { port: link.port };
  const { up, ...rest } = wanted;
  const implied = Object.entries(defaults).filter(([key]) => rest[key] === undefined);
  return { kind: link.kind, name: link.name, ...rest, ...Object.fromEntries(implied), up, ...port };
}

function create(planner: Planner, link: DesiredLink): void {
  const config = configOf(planner, link);
  const { kind: _, name: __, port = {}, ...shown } = config;
  const named = Object.keys(wantedOptions(planner, link));
  const ofPort = Object.entries(port as Words).map(
    ([key, to]): Difference => ({ field: `port.${key}`, from: undefined, to }),
  );
  planner.add({
    action: "create",
    object: "link",
    subject: link.name,
    path: link.path,
    reason: "not there",
    differences: explained(
      planner,
      link,
      Object.entries(shown)
        .filter(([, to]) => to !== undefined)
        .map(([field, to]): Difference => {
          return { field, from: undefined, to, ...(named.includes(field) ? {} : { implied: true }) };
        })
        .concat(ofPort),
    ),
    needs: needsOf(planner, link),
    moves: making(link, config),
  });
  planFarEnds(planner, link, undefined, []);
  planPortChoice(planner, link);
}

/** What is lost with a link and its other end; what goes with both is told once. */
function lostWith({ before }: Planner, [name = "", other]: readonly string[]): string[] {
  const own = onLink(before, name);
  const beyond = other === undefined ? [] : onLink(before, other);
  return [...own, ...beyond.filter((one) => !own.includes(one))];
}

/** The other end in another namespace: what is on it there nobody puts back. */
function awayWith(observed: Observed, name: string): string[] {
  const end = observed.endsAway?.[name];
  const elsewhere = linkOf(observed, name)?.["peer"] === undefined && linkOf(observed, name)?.kind === "veth";
  const where = end === undefined ? "its other end" : `its other end, ${end.name}`;
  const space = end === undefined ? "another namespace" : end.netns;
  return elsewhere ? [`${where} in ${space}, with what is on it`] : [];
}

function recreate(planner: Planner, link: DesiredLink, seen: ObservedLink, fates: Fates): void {
  const { fixed, changes, fields, unknown } = compareHere(planner, link, seen);
  const known = fields.filter((field) => !unknown.includes(field));
  planner.keepRest("link", link.name, known, [...fixed, ...changes]);
  const names = fixed.map(({ field }) => field);
  const full = names.every((field) => demandsOf(seen, field).includes("empty"));
  const config = fitting(link, {
    ...inherited(planner, link, seen, names),
    ...configOf(planner, link),
    ...peerAgain(planner, link.name),
  });
  // It goes with the link below it.
  const goes = [...fates.recreated].some((below) => standingOn(planner.before, below).includes(link.name));
  const deletion = move(request("delete", { name: link.name }));
  const ends = [link.name, ...[peerOf(planner.before, link.name) ?? []].flat()];
  for (const end of ends) {
    const queue = unrestorable(planner.before, end);
    if (queue !== undefined) planner.say(link.path, queue, "key");
  }
  planner.add({
    action: "recreate",
    object: "link",
    subject: link.name,
    path: fixed[0] === undefined ? link.path : [...link.path, fixed[0].field],
    reason:
      names.length === 0
        ? "stands on a link that is made again"
        : missingEnd(planner, link).length > 0
          ? `its other end is not where the document has it`
          : `${names.join(", ")} cannot change ${full ? "while it has ports" : "on a live link"}`,
    differences: explained(planner, link, [...fixed, ...changes]),
    drops: [...lostWith(planner, ends), ...awayWith(planner.before, link.name)],
    needs: needsOf(planner, link),
    moves: [...(goes ? [] : [deletion]), ...remaking(planner, link, config)],
  });
  planFarEnds(planner, link, undefined, []);
  planPortChoice(planner, link);
}

/** What a link has back that the document says nothing of, before it is switched on. */
function settingsAgain({ before, desired }: Planner, { name, qdisc }: DesiredLink): readonly Request[] {
  const named = new Set(desired.sysctls.map(({ key }) => key));
  return [
    ...sysctlsAgain(before, name, named),
    ...ethtoolAgain(before, name),
    ...(qdisc === undefined ? qdiscAgain(before, name) : []),
  ];
}

function remaking(planner: Planner, link: DesiredLink, config: Words): Move[] {
  const { made, back: secret } = withSecret(planner.before, config);
  const back = [...secret, ...settingsAgain(planner, link)];
  if (back.length === 0) return making(link, config);
  const { name } = link;
  return [
    ...making(link, { ...made, up: false }),
    // With the link goes what was put back on it.
    ...back.map((one) => move(one)),
    ...(config["up"] === true ? [move(update(name, { up: true }))] : []),
  ];
}

/** Without what the link was told in another mode. */
function fitting(link: DesiredLink, config: Words): Words {
  const options = kindNamed(link.kind)?.options ?? {};
  return Object.fromEntries(Object.entries(config).filter(([key]) => options[key]?.unfit(config) === undefined));
}

/** What a link that is made again keeps although the document does not name it. */
function inherited(planner: Planner, link: DesiredLink, seen: ObservedLink, fixed: readonly string[]): Words {
  const family = fixed.includes("remote") || fixed.includes("local");
  const left = ["mtu", ...(family ? ["remote", "local"] : []), ...(link.remotes === undefined ? [] : ["remote"])];
  return Object.fromEntries(Object.entries(settable(seen, planner.before)).filter(([key]) => !left.includes(key)));
}

/** Whether ports come, go, or change their MTU in this plan: a bridge that nobody pinned would follow. */
function disturbed(planner: Planner, world: Observed, bridge: string): boolean {
  const now = planner.before.links.filter((link) => link["master"] === bridge).map(({ name }) => name);
  const then = portsOf(planner.desired, planner.before, bridge);
  const changes = (port: string): boolean => {
    const seen = linkOf(world, port);
    return seen?.["master"] !== bridge || seen["mtu"] !== planner.mtus.of(port)?.value;
  };
  return now.some((port) => !then.includes(port)) || then.some(changes);
}

function change(planner: Planner, link: DesiredLink, seen: ObservedLink, world: Observed): void {
  const { name, path } = link;
  const { changes, fields, unknown } = compareHere(planner, link, seen);
  for (const field of unknown) planner.warn(`link ${name}: this kernel does not tell ${field}; it is left as it is`);
  const bridge = seen.kind === "bridge";
  const late = changes.filter(
    ({ field, to }) => (bridge && link.options["mtu"] === "auto" && field === "mtu") || isPortChoice(link, field, to),
  );
  const now = changes.filter((one) => !late.includes(one));
  const mtu = link.options["mtu"];
  const pinned = bridge && typeof mtu === "number" && disturbed(planner, world, name) ? mtu : undefined;
  const way = wayOf(planner, seen, now);
  const ordered = inTurn(seen, now).filter(({ field }) => way !== "off" || field !== "up");
  const changed = ordered.map((one) => puttingBack(world, name, one, changingFrom(planner, seen, one)));
  const moves = movesOn(planner, link, way, changed);
  // Ports that come and go may have brought it to this value meanwhile: set alone, it would pin nothing.
  if (pinned !== undefined) {
    moves.unshift(move(update(name, { mtu: beside(pinned) }), update(name, { mtu: seen["mtu"] })));
    if (!now.some(({ field }) => field === "mtu")) moves.push(move(update(name, { mtu: pinned })));
  }
  const common = { action: "change", object: "link", subject: name, path } as const;
  if (moves.length > 0)
    planner.add({
      ...common,
      reason: now.length > 0 ? DIFFERS : "its ports would change the MTU; it is pinned",
      differences: explained(planner, link, now),
      drops: [...costOf(planner, link, way), ...interrupted(now)],
      needs: needsOf(planner, link),
      moves,
    });
  const ports = portsOf(planner.desired, planner.before, name).map((port) => `link ${port}`);
  if (late.length > 0)
    planner.add({
      ...common,
      id: `link ${name} once it has ports`,
      reason: DIFFERS,
      differences: explained(planner, link, late),
      needs: [`link ${name}`, ...ports],
      moves: late.map((one) => changingFrom(planner, seen, one)),
    });
  const known = fields.filter((field) => !unknown.includes(field));
  if (changes.length === 0) planner.keep("link", name, known, unknown);
  else planner.keepRest("link", name, known, changes);
  planFarEnds(planner, link, seen, world.fdb ?? []);
}

/** Whether an option names a port, which has to be one first. */
function isPortChoice(link: DesiredLink, field: string, to: unknown): boolean {
  return typeof to === "string" && kindNamed(link.kind)?.options[field]?.refers === "port";
}

/**
 * `remote` before `dev`: the kernel looks for the entry of the former remote by the output link of the moment. Options
 * of the kind in the order of their declaration, as a bond's mode decides about others; `up` last.
 */
function inTurn(seen: ObservedLink, changes: readonly Difference[]): readonly Difference[] {
  const declared = ["remote", ...Object.keys(kindNamed(seen.kind)?.options ?? {})];
  const place = ({ field, to }: Difference): number =>
    field === "up" && to === true ? declared.length : declared.indexOf(field);
  return [...changes].sort((a, b) => place(a) - place(b));
}

/** A master as it will be, for the options of its ports. */
export function masterThen(planner: Planner, name: unknown): Words {
  const wanted = planner.desired.links.find((link) => link.name === name)?.options;
  return { ...planner.seen(String(name)), ...wanted };
}

/** One property, and back with what the kernel changes along with it. */
function changingFrom(planner: Planner, seen: ObservedLink, difference: Difference): Move {
  const { name } = seen;
  const { field, from, to } = difference;
  const former = planner.seen(name);
  // Its master is made again.
  const again = former !== undefined && field === "master" && to !== null && former["master"] === to;
  const made = changing(name, difference);
  const before = settable(seen, planner.before);
  // A link that leaves its master loses its options as a port; a bond in another mode those of the former one.
  const port = field === "master" && from !== undefined ? before["port"] : undefined;
  const along = decides(seen, difference) ? own(before, field) : {};
  return {
    request: again ? update(name, rejoining(former, masterThen(planner, to))) : made.request,
    undo: [
      ...made.undo,
      ...(port === undefined ? [] : [update(name, { port })]),
      ...(Object.keys(along).length === 0 ? [] : [update(name, along)]),
    ],
  };
}

/** Whether a change, as that of a mode, decides which other options the link can have: the kernel changes them too. */
function decides(seen: ObservedLink, { field, to }: Difference): boolean {
  const after = { ...seen, [field]: to };
  return Object.values(kindNamed(seen.kind)?.options ?? {}).some((one) => one.unfit(seen) !== one.unfit(after));
}

/** The options of the link's kind but for one. */
function own(settable: Words, but: string): Words {
  const options = kindNamed(String(settable["kind"]))?.options ?? {};
  return Object.fromEntries(Object.entries(settable).filter(([key]) => key !== but && Object.hasOwn(options, key)));
}

/** One property, and back. */
function changing(name: string, { field, from, to }: Difference): Move {
  const [first = "", key] = field.split(".");
  const as = (value: unknown): Words => (key === undefined ? { [first]: value } : { [first]: { [key]: value } });
  const back = from === undefined ? unset(field, to) : from;
  return move(update(name, as(to)), ...(back === undefined ? [] : [update(name, as(back))]));
}

/**
 * What the kernel changes along. `remote` is a forwarding entry: taking it back takes the entry along, which may have been
 * there before. With another `dev` a VXLAN gets the MTU that fits it, and keeps that when it gets the old one back.
 */
function puttingBack(world: Observed, name: string, { field, to }: Difference, made: Move): Move {
  const seen = linkOf(world, name);
  if (seen?.kind !== "vxlan") return made;
  const entry = { mac: ZERO_MAC, dev: name, dst: to };
  const isThere = (one: Words): boolean => Object.entries(entry).every(([key, part]) => one[key] === part);
  const also: Request[] = [];
  if (field === "remote" && world.fdb?.some(isThere) === true)
    also.push({ object: "fdb", verb: "append", words: entry });
  if (field === "dev") also.push(update(name, { mtu: seen["mtu"] }));
  return { ...made, undo: [...made.undo, ...also] };
}

/** What it takes to have a property not set, where there is such a value. */
function unset(field: string, to: unknown): unknown {
  if (field === "master") return null;
  if (field === "remote" || field === "local") return String(to).includes(":") ? "::" : "0.0.0.0";
  return field === "alias" ? "" : undefined;
}

function interrupted(changes: readonly Difference[]): string[] {
  return changes.flatMap(({ field, from }) => {
    if (field === "master" && from !== undefined) return [`traffic through ${String(from)}`];
    return [];
  });
}
