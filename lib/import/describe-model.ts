/** From a host as commands make it to the sections of a document. */
import { canonicalIp } from "../families/lookup.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import type { DraftValue } from "./draft.ts";
import type { Bag, Entry, HostModel, LinkModel } from "./model.ts";
import { groupSysctls } from "./sysctl-keys.ts";

const given = (bag: Bag): Bag => Object.fromEntries(Object.entries(bag).filter(([, one]) => one !== undefined));

/** Links in an order in which each stands after its master and what is below it. */
function inOrder(links: readonly LinkModel[]): LinkModel[] {
  const byName = new Map(links.map((link) => [link.name, link]));
  const done = new Set<string>();
  const order: LinkModel[] = [];
  const visit = (link: LinkModel): void => {
    if (done.has(link.name)) return;
    done.add(link.name);
    for (const key of ["dev", "master"]) {
      const other = byName.get(String(link.options[key]));
      if (other !== undefined) visit(other);
    }
    order.push(link);
  };
  for (const link of links) visit(link);
  return order;
}

/** Far ends that are no more than an address: the whole list of them is one key. */
function farEnds(link: LinkModel): { readonly remotes: string[]; readonly rest: readonly Entry[] } {
  const plain = ({ words }: Entry): boolean =>
    words["mac"] === ZERO_MAC && typeof words["dst"] === "string" && Object.keys(words).length === 2;
  const remotes = link.fdb.filter(plain).map(({ words }) => String(words["dst"]));
  return { remotes, rest: link.fdb.filter((entry) => !plain(entry)) };
}

function entryOf({ words }: Entry): string | Bag {
  const { address, ...more } = words;
  return Object.keys(more).length === 0 && typeof address === "string" ? address : words;
}

const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined);
const said = (entries: readonly Entry[]): readonly Bag[] | undefined => some(entries.map(({ words }) => words));

/** A number or a range, where nothing else is said. */
const numbered =
  (first: string, last: string) =>
  ({ words }: Entry): unknown => {
    const { [first]: from, [last]: to, ...more } = words;
    return Object.keys(more).length > 0 ? words : to === undefined ? from : `${String(from)}-${String(to)}`;
  };

/** MTUs that the kernel works out by itself, and a document can, too. */
function automatic(model: HostModel, link: LinkModel): boolean {
  if (link.options["mtu"] !== undefined) return false;
  if (link.kind === "vxlan") return link.options["dev"] !== undefined;
  const ports = [...model.links.values()].filter(({ options }) => options["master"] === link.name);
  return link.kind === "bridge" && ports.some((port) => port.kind === "vxlan" && automatic(model, port));
}

/** In the order in which people say it: which network, over what, to whom. */
function endsFirst(options: Bag, remote: unknown): Bag {
  const { vni, id, dev, local, ...more } = options;
  return { vni, id, dev, local, remote, ...more };
}

function linkOf(model: HostModel, link: LinkModel): Bag {
  const { master, remote, ...options } = link.options;
  const { remotes, rest } = link.kind === "vxlan" ? farEnds(link) : { remotes: [], rest: link.fdb };
  const all =
    typeof remote === "string" && remotes.length > 0 ? [...new Set([remote, ...remotes].map(canonicalIp))] : remotes;
  return given({
    kind: link.kind,
    ...(link.kind === undefined ? { up: link.up } : { up: link.up === false ? false : undefined }),
    ...endsFirst(options, all.length > 0 ? undefined : remote),
    remotes: all.length > 0 ? all : undefined,
    master,
    mtu: automatic(model, link) ? "auto" : options["mtu"],
    port: Object.keys(link.port).length > 0 ? link.port : undefined,
    addresses: some(link.addresses.map(entryOf)),
    routes: said(link.routes),
    fdb: said(rest),
    vlans: some(link.vlans.map(numbered("vid", "vidEnd"))),
    vnis: some(link.vnis.map(numbered("vni", "vniEnd"))),
    mdb: said(link.mdb),
  });
}

/** The far end of a cable is up where its near end was made by us: a document says so itself. */
function isSaid(link: LinkModel, bag: Bag): boolean {
  return link.deleted === undefined && (link.kind !== undefined || Object.keys(bag).length > 0);
}

function forwardOf(model: HostModel): Bag[] {
  const fits = (rule: Bag, clamp: { readonly in?: string; readonly out?: string }): boolean =>
    (clamp.in === undefined || clamp.in === rule["in"]) && (clamp.out === undefined || clamp.out === rule["out"]);
  for (const clamp of model.clamps)
    if (!model.forward.some(({ words }) => fits(words, clamp)))
      model.findings.say(
        "warning",
        clamp.line,
        "a document clamps the MSS where it accepts, and no forward rule is for these links",
        "accept there, too",
      );
  return model.forward.map(({ words }) =>
    model.clamps.some((clamp) => fits(words, clamp)) ? { ...words, clampMss: true } : words,
  );
}

/** The bridge whose guests have to be told an MTU: one that a VXLAN with its own is a port of. */
function guestsOf(model: HostModel): Bag | undefined {
  const port = [...model.links.values()].find(
    (link) => link.deleted === undefined && link.kind === "vxlan" && typeof link.options["master"] === "string",
  );
  if (port === undefined) return undefined;
  const bridge = String(port.options["master"]);
  model.findings.say(
    "note",
    port.line,
    `${port.name} carries less than its underlay: larger frames of guests on ${bridge} are lost without a word`,
    "the plan of the document says which MTU the guests need",
  );
  return { on: bridge, mtu: "auto" };
}

/** What a document says of a host. */
export function describeModel(model: HostModel): DraftValue {
  const links = inOrder([...model.links.values()]).flatMap((link) => {
    if (link.madeBy !== undefined && link.kind === undefined) link.up ??= true;
    const bag = linkOf(model, link);
    return isSaid(link, bag) ? [[link.name, bag] as const] : [];
  });
  const sysctls = groupSysctls([...model.sysctls.values()]);
  return {
    ...(links.length > 0 && { links: Object.fromEntries(links) }),
    rules: said(model.rules),
    nexthops: said(model.nexthops),
    routes: said(model.routes),
    neighbors: said(model.neighbors),
    ...(Object.keys(sysctls).length > 0 && { sysctls }),
    nat: said(model.nat),
    forward: some(forwardOf(model)),
    guests: guestsOf(model),
  };
}
