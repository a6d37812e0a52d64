/** How links come back that a plan deletes: what each deletion takes along depends on those before it. */
import type { Gone } from "./entries/sort.ts";
import { globalsAgain } from "./entries/vlan-globals.ts";
import { free, goneOf, lost, without } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import { directlyOn, entriesOn, peerOf, remade, revived, standingOn } from "./restore.ts";
import { neighborsOn, shakenBy } from "./shaken.ts";
import type { Move, Request, Step, Words } from "./step.ts";

/** Kinds whose MTU follows that of the link below, downwards only. */
const NARROWED = ["macvlan", "macvtap", "vlan"];
/** Bytes that no tunnel adds. */
const HEADERS = 200;

const isWide = (words: Words): boolean => String(words["address"]).includes(":");
function isMtuOf(name: string, { object, verb, words }: Request): boolean {
  const change = Object.keys((words["change"] ?? {}) as Words);
  return object === "link" && verb === "update" && words["name"] === name && change.join() === "mtu";
}
/** It may still be there. */
const again = (one: Request): Request => ({ ...one, verb: "replace" });

/** A link and those that stand on it, in the order in which they can be made again. */
function together(observed: Observed, name: string): readonly string[] {
  return [...new Set([name, ...standingOn(observed, name).flatMap((above) => together(observed, above))])];
}

/** A host, as moves of a plan change which links and entries it has. */
class Course {
  readonly #before: Observed;
  /** Links whose MTU comes back with that of the link below. */
  readonly #raised = new Set<string>();
  /** Links that get their neighbors back by what is undone last of all that changes their ports. */
  readonly #shaken = new Set<string>();
  #world: Observed;

  constructor(before: Observed) {
    this.#before = before;
    this.#world = before;
  }

  /** The move, with what puts back what goes because of it. */
  undoable(one: Move): Move {
    if (one.request.object !== "link") return this.#byItself(one);
    const shaken = shakenBy(this.#world, one.request).filter((name) => !this.#shaken.has(name));
    const made = this.#byItself(one);
    for (const name of shaken) this.#shaken.add(name);
    const neighbors = shaken.flatMap((name) => neighborsOn(this.#before, name));
    return neighbors.length === 0 ? made : { ...made, undo: [...made.undo, ...neighbors] };
  }

  /** The move, with what puts back what goes from the link itself, and from those that stand on it. */
  #byItself(one: Move): Move {
    const { object, verb, words } = one.request;
    if (object === "address" && verb === "create") return this.#firstAddress(one);
    if (object === "vlan" && verb === "delete") return this.#lastVlan(one);
    if (object !== "link" || words["netns"] !== undefined) return one;
    const name = String(words["name"]);
    if (verb === "delete") return { ...one, undo: this.#deletion(name) };
    if (verb !== "update") return one;
    const change = (words["change"] ?? {}) as Words;
    // It would not fit over the link below, which is made larger later on, and then this one too.
    const own = this.#raised.has(name) ? one.undo.filter((back) => !isMtuOf(name, back)) : one.undo;
    const undo = [...own, ...this.#alongside(name, change), ...this.#leaving(name, change)];
    this.#note(name, change);
    return { ...one, undo };
  }

  /** With the last IPv4 address of a link go its IPv4 routes and neighbors, also those that were there before the first. */
  #firstAddress(one: Move): Move {
    const dev = String(one.request.words["dev"]);
    const has = (this.#before.addresses ?? []).some((each) => each["dev"] === dev && !isWide(each));
    if (has || isWide(one.request.words)) return one;
    const gone = entriesOn(this.#before, dev).filter(({ object, words }) =>
      object === "route"
        ? words["family"] !== "inet6" && words["nhid"] === undefined
        : object === "neighbor" && !isWide(words),
    );
    return { ...one, undo: [...one.undo, ...gone.map(again)] };
  }

  /** With the last of a VLAN on a bridge go its options for the whole bridge. */
  #lastVlan(one: Move): Move {
    const link = linkOf(this.#before, String(one.request.words["dev"]));
    const back = globalsAgain(this.#before, link?.kind === "bridge" ? link.name : link?.["master"], one.request.words);
    return back.length === 0 ? one : { ...one, undo: [...one.undo, ...back] };
  }

  /** What a port has of its bridge, and loses where it leaves it. */
  #leaving(name: string, change: Words): Request[] {
    const master = linkOf(this.#world, name)?.["master"];
    if (!("master" in change) || master === undefined || change["master"] === master) return [];
    const back = this.#take(goneOf(this.#world, [], [name]));
    this.#world = {
      ...this.#world,
      links: this.#world.links.map((link) => (link.name === name ? free(link) : link)),
    };
    return back;
  }

  /** What the kernel changes or drops by itself with a change, or with what undoes it. */
  #alongside(name: string, { up, mac, mtu }: Words): Request[] {
    const link = linkOf(this.#world, name);
    if (link === undefined) return [];
    const lost = entriesOn(this.#world, name);
    // Where it was on before, whoever switches it off says what goes.
    const off = up === true && linkOf(this.#before, name)?.["up"] !== true;
    const moved = mac !== undefined && mac !== link["mac"];
    return [
      // A link that is off may have IPv6 addresses, until it is switched off again.
      ...(off ? lost.filter(({ object, words }) => object === "address" && isWide(words)).map(again) : []),
      ...(off || moved ? lost.filter(({ object }) => object === "neighbor").map(again) : []),
      ...(typeof mtu === "number" && mtu < Number(link["mtu"]) ? this.#narrowed(name, mtu) : []),
    ];
  }

  /**
   * Links that stand on one with a smaller MTU have less, too, at once or when they are made again, and do not grow again
   * with it.
   */
  #narrowed(name: string, mtu: number): Request[] {
    return directlyOn(this.#world, name).flatMap((above): Request[] => {
      const link = linkOf(this.#world, above);
      if (typeof link?.["mtu"] !== "number" || link["mtu"] + HEADERS <= mtu) return [];
      return [
        { object: "link", verb: "update", words: { name: above, change: { mtu: link["mtu"] } } },
        ...this.#narrowed(above, mtu),
      ];
    });
  }

  #follows(name: unknown, mtu: unknown): boolean {
    const link = linkOf(this.#world, String(name));
    return link?.kind !== undefined && NARROWED.includes(link.kind) && Number(link["mtu"]) > Number(mtu);
  }

  #note(name: string, { mac, mtu, dev }: Words): void {
    const changed = Object.fromEntries(Object.entries({ mac, mtu, dev }).filter(([, value]) => value !== undefined));
    const lowered = typeof mtu === "number" && mtu < Number(linkOf(this.#world, name)?.["mtu"]);
    const narrowed = lowered ? this.#narrowed(name, mtu).map(({ words }) => String(words["name"])) : [];
    for (const above of narrowed) this.#raised.add(above);
    const follow = narrowed.filter((above) => this.#follows(above, mtu));
    const links = this.#world.links.map((link) =>
      link.name === name ? { ...link, ...changed } : follow.includes(link.name) ? { ...link, mtu } : link,
    );
    this.#world = { ...this.#world, links };
  }

  #deletion(name: string): Request[] {
    const names = together(this.#world, name);
    const peers = names.flatMap((each) => peerOf(this.#world, each) ?? []).filter((peer) => !names.includes(peer));
    const links = names.flatMap((each) => remade(this.#world, each));
    const others = peers.flatMap((peer) => revived(this.#world, peer));
    return [...links, ...others, ...this.#take(goneOf(this.#world, [...names, ...peers]))];
  }

  #take(gone: Gone): Request[] {
    const back = lost(this.#world, gone);
    this.#world = without(this.#world, gone);
    return back;
  }
}

/** Steps in their order, each deletion of a link, and each port that leaves, with what takes it back. */
export function withUndo(before: Observed, steps: readonly Step[]): readonly Step[] {
  const course = new Course(before);
  return steps.map((step) => {
    const first = step.moves[0];
    // Of hundreds of thousands of entries each has one, and needs no other list of them.
    const only = step.moves.length === 1 && first !== undefined ? course.undoable(first) : undefined;
    if (only !== undefined && only === first) return step;
    const moves = only === undefined ? step.moves.map((one) => course.undoable(one)) : [only];
    return moves.every((one, i) => one === step.moves[i]) ? step : { ...step, moves };
  });
}
