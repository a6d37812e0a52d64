/** Changes our nftables table only where it is still the one that the plan was made from. */
import type { Host } from "../host.ts";
import { type ChangeOptions, NftablesError, StaleGenerationError, sameTable, type Table } from "../nftables/index.ts";
import type { Observed } from "./observed.ts";
import { TABLE } from "./policy.ts";
import type { Words } from "./step.ts";

/** How often others may change tables of their own while ours is changed. */
const ATTEMPTS = 5;

/** What a request for our table expects to find; nothing where nobody could look. */
export function expectation({ table, generation }: Observed): Words {
  return generation === undefined ? {} : { instead: table ?? null, generation };
}

function isAsBefore(before: Table, seen: Table): boolean {
  try {
    return sameTable(before, seen);
  } catch (error) {
    // It held what only somebody else could write.
    if (error instanceof NftablesError) return false;
    throw error;
  }
}

/** The generation in which our table is still as the plan knew it; undefined where it is another one. */
async function stillAt({ nftables }: Host, before: Table | null): Promise<number | undefined> {
  const { id } = await nftables.generation();
  const seen = await nftables.get(TABLE.family, TABLE.name);
  if (seen === undefined || before === null) return seen === undefined && before === null ? id : undefined;
  return seen.consistent && isAsBefore(before, seen) ? seen.generation : undefined;
}

/**
 * Makes a change to our table, unless somebody else changed that table after the plan was made. The kernel refuses it
 * where any table is another one by now; others' tables are none of our business.
 *
 * @throws {StaleGenerationError} where our table is not what the plan was made from; nothing was done.
 */
export async function swapTable(
  host: Host,
  { instead, generation }: Words,
  change: (options: ChangeOptions) => Promise<unknown>,
): Promise<void> {
  let expected = generation as number | undefined;
  for (let attempt = 1; ; attempt++)
    try {
      await change(expected === undefined ? {} : { generation: expected });
      return;
    } catch (error) {
      if (!(error instanceof StaleGenerationError) || generation === undefined || attempt === ATTEMPTS) throw error;
      expected = await stillAt(host, instead as Table | null);
      if (expected === undefined) throw error;
    }
}
