/** How links come back that a plan deletes: what each deletion takes along depends on those before it. */
import { goneOf, lost, without } from "./gone.ts";
import type { Observed } from "./observed.ts";
import { remade, standingOn } from "./restore.ts";
import type { Move, Step } from "./step.ts";

/** A link and those that stand on it, in the order in which they can be made again. */
function together(observed: Observed, name: string): readonly string[] {
  return [...new Set([name, ...standingOn(observed, name).flatMap((above) => together(observed, above))])];
}

/** Steps in their order, each deletion of a link with what takes it back. */
export function withUndo(before: Observed, steps: readonly Step[]): readonly Step[] {
  let world = before;
  const undoable = (one: Move): Move => {
    const { object, verb, words } = one.request;
    if (object !== "link" || verb !== "delete") return one;
    const names = together(world, String(words["name"]));
    const gone = goneOf(world, names);
    const undo = [...names.flatMap((name) => remade(world, name)), ...lost(world, gone)];
    world = without(world, gone);
    return { ...one, undo };
  };
  return steps.map((step) => (step.object === "link" ? { ...step, moves: step.moves.map(undoable) } : step));
}
