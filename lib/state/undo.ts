/** How links come back that a plan deletes: what each deletion takes along depends on those before it. */
import type { Gone } from "./entries/sort.ts";
import { free, goneOf, lost, without } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import { remade, standingOn } from "./restore.ts";
import type { Move, Request, Step, Words } from "./step.ts";

/** A link and those that stand on it, in the order in which they can be made again. */
function together(observed: Observed, name: string): readonly string[] {
  return [...new Set([name, ...standingOn(observed, name).flatMap((above) => together(observed, above))])];
}

/** A host, as moves of a plan change which links and entries it has. */
class Course {
  #world: Observed;

  constructor(before: Observed) {
    this.#world = before;
  }

  /** The move, with what puts back what goes because of it. */
  undoable(one: Move): Move {
    const { object, verb, words } = one.request;
    if (object !== "link") return one;
    const name = String(words["name"]);
    if (verb === "delete") return { ...one, undo: this.#deletion(name) };
    if (verb !== "update") return one;
    const change = (words["change"] ?? {}) as Words;
    const master = linkOf(this.#world, name)?.["master"];
    if (!("master" in change) || master === undefined || change["master"] === master) return one;
    const back = this.#take(goneOf(this.#world, [], [name]));
    const links = this.#world.links.map((link) => (link.name === name ? free(link) : link));
    this.#world = { ...this.#world, links };
    return { ...one, undo: [...one.undo, ...back] };
  }

  #deletion(name: string): Request[] {
    const names = together(this.#world, name);
    const links = names.flatMap((each) => remade(this.#world, each));
    return [...links, ...this.#take(goneOf(this.#world, names))];
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
  return steps.map((step) => ({ ...step, moves: step.moves.map((one) => course.undoable(one)) }));
}
