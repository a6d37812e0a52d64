/** What a link of the document contradicts on this host. */
import type { DesiredLink } from "./desired.ts";
import type { ObservedLink } from "./observed.ts";
import type { Planner } from "./planner.ts";
import { masterOf } from "./ports.ts";
import { peerOf } from "./restore.ts";
import type { Words } from "./step.ts";
import { kindNamed } from "./words.ts";

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

function checkPort(planner: Planner, link: DesiredLink): void {
  const { name, port, path } = link;
  if (port === undefined || masterOf(link, planner.seen(name)) !== undefined) return;
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

/** A link of this name has to be of the kind that the document says. */
export function isOfItsKind(planner: Planner, link: DesiredLink, seen: ObservedLink): boolean {
  if (link.kind === undefined || link.kind === seen.kind) return true;
  const is = seen.kind === undefined ? "hardware or loopback" : `a ${seen.kind}`;
  const way = `give this one another name, or remove the other one first (ip link delete ${seen.name})`;
  planner.say([...link.path, "kind"], `${link.name} is there already, and is ${is}, not a ${link.kind}; ${way}`);
  return false;
}

/** The name of an other end that is made with its link may not be that of another link, unless that goes. */
function checkPeer(planner: Planner, { name, options, path }: DesiredLink, gone: ReadonlySet<string>): void {
  const { name: other, netns } = (options["peer"] ?? {}) as Words;
  if (typeof other !== "string" || netns !== undefined || peerOf(planner.before, name) === other) return;
  if (planner.seen(other) === undefined || gone.has(other)) return;
  // The other end of a link that goes, goes with it.
  const holder = peerOf(planner.before, other);
  if (holder !== undefined && gone.has(holder)) return;
  const way = `give the other end another name, or remove ${other} first (ip link delete ${other})`;
  planner.say([...path, "peer", "name"], `${other} is there already, and is not the other end of ${name}; ${way}`);
}

/** Says all that is wrong with a link that shall be there; `seen` is the link where it is there already. */
export function checkLink(
  planner: Planner,
  link: DesiredLink,
  seen: ObservedLink | undefined,
  gone: ReadonlySet<string>,
): void {
  checkReferences(planner, link);
  checkMtu(planner, link);
  checkPort(planner, link);
  checkModes(planner, link, seen);
  checkPeer(planner, link, gone);
}
