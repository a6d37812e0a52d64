/** What a picture is of: a host as it is, a document's hosts, a plan. */
import { derive, hostsOf } from "../fabric/fabric.ts";
import type { GraphLink, Mark, Marks } from "../graph/graph.ts";
import type { Desired } from "../state/desired.ts";
import { desiredOf } from "../state/desired.ts";
import type { Plan, Source } from "../state/index.ts";
import { Mtus } from "../state/mtu.ts";
import { observedOnPaper } from "./mtu-source.ts";
import type { PathLink } from "./path.ts";

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

/** Links of a running host. */
export function ofHost(links: readonly PathLink[]): GraphLink[] {
  return links
    .filter(({ kind }) => kind !== "loopback")
    .map(({ name, kind, mtu, state, addresses, master, dev, tunnel }): GraphLink => {
      return {
        name,
        kind,
        mtu,
        ...(state !== "up" && { state }),
        addresses,
        master,
        dev,
        vni: tunnel?.vni,
        peers: tunnel?.peers,
      };
    });
}

/** Links as a document makes them, with the devices that it takes for granted. */
export function ofDesired(desired: Desired, underlay: number): GraphLink[] {
  const observed = observedOnPaper(desired, underlay);
  const mtus = new Mtus(desired, observed);
  const made = desired.links.filter(({ absent }) => !absent);
  const given = observed.links.filter(({ name }) => made.some(({ options }) => options["dev"] === name));
  const own = made.map(({ name, kind = "device", options, remotes }): GraphLink => {
    const peers = remotes ?? [options["remote"]].filter((one) => typeof one === "string");
    return {
      ...{ name, kind, mtu: mtus.of(name)?.value, addresses: addressesOn(desired, name) },
      ...{ master: text(options["master"]), dev: text(options["dev"]) },
      ...(kind === "vxlan" && { vni: number(options["vni"]), peers }),
    };
  });
  const known = new Set(own.map(({ name }) => name));
  return [
    ...own,
    ...given
      .filter(({ name }) => !known.has(name))
      .map(({ name }): GraphLink => ({ name, kind: "device", mtu: underlay, addresses: addressesOn(desired, name) })),
  ];
}
function addressesOn(desired: Desired, link: string): string[] {
  return desired.addresses
    .filter(({ words, absent }) => !absent && words["dev"] === link)
    .map(({ words }) => String(words["address"]));
}

/** All hosts of a document, or the one it is for. */
export function ofDocument(source: Source, underlay: number): { name: string; links: GraphLink[] }[] {
  const names = hostsOf(source);
  if (names.length === 0) return [{ name: source.file, links: ofDesired(desiredOf(source), underlay) }];
  return names.map((name) => {
    const { vtep, underlay: dev } =
      (source.value as { hosts: Record<string, { vtep?: string; underlay?: string }> }).hosts[name] ?? {};
    const links = ofDesired(desiredOf(derive(source, name)), underlay);
    return {
      name,
      links: links.map((link) =>
        link.name === dev && vtep !== undefined ? { ...link, addresses: [vtep, ...link.addresses] } : link,
      ),
    };
  });
}

const MARKS: Readonly<Record<string, Mark>> = {
  create: "added",
  change: "changed",
  recreate: "changed",
  remove: "removed",
};

/** What a plan does to links: to themselves, or to what is on them. */
export function marksOf({ steps }: Plan, links: readonly string[]): Marks {
  const marks: Record<string, { mark: Mark; note?: string }> = {};
  for (const name of links) {
    const own = steps.find(({ object, subject }) => object === "link" && subject === name);
    const on = steps.filter(({ subject }) => subject.endsWith(` on ${name}`) || subject.endsWith(` dev ${name}`));
    const mark = own === undefined ? (on.length > 0 ? "changed" : undefined) : MARKS[own.action];
    const note = own?.action === "recreate" ? "made again" : own?.differences.map(({ field }) => field).join(", ");
    const notes =
      own?.action === "change" || own?.action === "recreate" ? note : on.map(({ object }) => object).join(", ");
    if (mark !== undefined) marks[name] = { mark, ...(notes !== undefined && notes !== "" && { note: notes }) };
  }
  return marks;
}
