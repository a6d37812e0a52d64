/** Probes as one line each, of a new state and of the old one after it was put back. */
import type { Host } from "../host.ts";
import { describeResult, type Probe, type ProbeOptions, runProbes } from "../probe/index.ts";

/** What a check of a state found. */
export interface Check {
  readonly ok: boolean;
  /** One line for a person. */
  readonly text: string;
}

/** What probes find. */
export async function checksOf(
  host: Host,
  probes: readonly Probe[],
  options: ProbeOptions = {},
): Promise<readonly Check[]> {
  const results = await runProbes(host, probes, options);
  return results.map((result) => ({ ok: result.ok, text: describeResult(result) }));
}

/** What checks find once the old state is back: that they cannot be made does not change that it is. */
export async function checksAfter(checks: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await checks();
  } catch (error) {
    return [
      { ok: false, text: `it could not be probed again: ${error instanceof Error ? error.message : String(error)}` },
    ];
  }
}
