/** Who asks for memberships on a bridge, in people's words. */
import { type McastQueriers, querierState, queriersFromWire } from "../families/querier.ts";
import type { Out } from "../wire/index.ts";
import { type Status, status } from "./option.ts";

export { querierState };

/** Told by the attribute `key`. */
export const queriersAt = (key: string): Status<McastQueriers> =>
  status<McastQueriers>(key, (wire: Out<typeof querierState>, names) =>
    queriersFromWire(wire, (index) => names.nameOf(index)),
  );
