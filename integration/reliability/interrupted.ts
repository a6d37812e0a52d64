/** An application that was interrupted when all was done, as its journal and the host tell of it: what there is most of to take back. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../lib/host.ts";
import type { Desired } from "../../lib/state/desired.ts";
import { transact } from "../../lib/transaction/transaction.ts";

/** Applies, and leaves the journal as it was right before or right after the line that says that all is done. */
export async function interrupt(
  host: Host,
  wanted: Desired,
  directory: string,
  moment: "before" | "after",
): Promise<void> {
  const journal = join(directory, `netns-${host.netns.identity.inode}`, "journal");
  let kept: Buffer | undefined;
  await transact(host, wanted, {
    directory,
    witness: (now, { type }) => {
      if (now === moment && type === "done") kept = readFileSync(journal);
    },
  });
  if (kept === undefined) throw new Error("there was nothing to be done");
  writeFileSync(journal, kept, { mode: 0o600 });
}
