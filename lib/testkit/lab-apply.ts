/** Applies a host's share of a document, as the command `apply` does. */
import type { Host } from "../host.ts";
import { apply, desiredOf, observe, type Plan, plan, type Source, verify } from "../state/index.ts";
import { LabError } from "./lab-topology.ts";

/** What came of it. */
export interface Applied {
  /** The plan that was carried out. */
  readonly plan: Plan;
  /** How many properties were read back, all as the document says. */
  readonly verified: number;
}

/** Plans, applies, reads everything back. @throws {LabError} where the host is not as the document says afterwards. */
export async function applyShare(host: Host, source: Source): Promise<Applied> {
  const desired = desiredOf(source);
  const planned = plan(await observe(host, desired), desired);
  await apply(host, planned, { source });
  const { ok, differences, counts } = await verify(host, desired, { applied: planned });
  if (ok) return { plan: planned, verified: counts.same };
  const [first] = differences;
  throw new LabError(`${first?.object} ${first?.subject}: ${first?.field} is not what the document says`);
}
