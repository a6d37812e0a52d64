/** Steps that make a link, also in the place of one that is there. */
import { demandsOf, settable } from "./compare.ts";
import type { DesiredLink } from "./desired.ts";
import { missingEnd } from "./ends-away.ts";
import { KERNEL_MTU } from "./mtu.ts";
import type { ObservedLink } from "./observed.ts";
import { peerAgain } from "./plan-ends.ts";
import { ethtoolAgain } from "./plan-ethtool.ts";
import { awayWith, lostWith } from "./plan-link-losses.ts";
import {
  beside,
  compareHere,
  explained,
  isPortChoice,
  needsOf,
  request,
  update,
  wantedOptions,
} from "./plan-link-wanted.ts";
import type { Fates } from "./plan-links.ts";
import { planFarEnds } from "./plan-remotes.ts";
import { move, type Planner } from "./planner.ts";
import { portsOf } from "./ports.ts";
import { qdiscAgain, unrestorable } from "./queue.ts";
import { peerOf, standingOn, sysctlsAgain, withSecret } from "./restore.ts";
import type { Difference, Move, Request, Words } from "./step.ts";
import { kindNamed } from "./words.ts";

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

export function createLink(planner: Planner, link: DesiredLink): void {
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

export function recreateLink(planner: Planner, link: DesiredLink, seen: ObservedLink, fates: Fates): void {
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
