/** From what is and what shall be to what is to be done. Pure: nothing is asked and nothing is changed. */
import type { Desired } from "./desired.ts";
import { withGivenVlans } from "./entries/vlans.ts";
import { gatewayWarnings } from "./gateway-warnings.ts";
import { goneOf, without } from "./gone.ts";
import { withoutIgnored } from "./ignore.ts";
import { Mtus } from "./mtu.ts";
import { mtuWarnings } from "./mtu-warnings.ts";
import { linkOf, type Observed } from "./observed.ts";
import { inOrder } from "./order.ts";
import { withEnds } from "./plan-ends.ts";
import { planEntries } from "./plan-entries.ts";
import { planEthtool } from "./plan-ethtool.ts";
import { fatesOf, planLinks } from "./plan-links.ts";
import { planQdiscs, withoutQueues } from "./plan-qdiscs.ts";
import { planSysctls, planTable } from "./plan-settings.ts";
import { planWireguard } from "./plan-wireguard.ts";
import { Planner } from "./planner.ts";
import type { Plan } from "./step.ts";
import { withUndo } from "./undo.ts";

/** What a host's guests have to be told. */
function guestsOf(planner: Planner): Pick<Plan, "guests"> {
  const { guests } = planner.desired;
  if (guests === undefined) return {};
  const { on, mtu = "auto", inside = [] } = guests;
  const most = planner.mtus.of(on);
  if (mtu === "auto")
    return most === undefined ? {} : { guests: { on, inside, value: most.value, why: `that of ${on}` } };
  if (most !== undefined && mtu > most.value)
    planner.warn(`guests: packets of ${mtu} bytes do not fit through ${on}, which takes ${most.value} (${most.why})`);
  return { guests: { on, inside, value: mtu, why: "the document says so" } };
}

/** Ports that go to another master, or to none. */
function leavingPorts(desired: Desired, observed: Observed): string[] {
  const moves = desired.links.filter(({ name, absent, options }) => {
    const now = linkOf(observed, name)?.["master"];
    return !absent && now !== undefined && "master" in options && options["master"] !== now;
  });
  return moves.map(({ name }) => name);
}

/**
 * Plans what takes a host from `observed` to `desired`. What the document does not name is left alone, and a second
 * plan after the first was applied has no steps.
 *
 * @throws {ConfigError} where the document cannot be had on this host.
 */
export function plan(observed: Observed, desired: Desired): Plan {
  const planner = new Planner(desired, observed);
  planner.mine = withoutIgnored(desired.ignored, observed);
  const fates = fatesOf(planner);
  planner.ends = fates.ends;
  const names = [...fates.removed, ...fates.recreated, ...fates.ends.keys()];
  const gone = goneOf(planner.mine, names, leavingPorts(desired, observed));
  const links = withGivenVlans(planner, withEnds(planner, without(planner.mine, gone), gone));
  const world = withoutQueues(planner, links);
  planner.mtus = new Mtus(desired, world, observed);
  planLinks(planner, fates, world);
  planEthtool(planner, world);
  planQdiscs(planner, world);
  planWireguard(planner, world);
  planEntries(planner, fates, world);
  planSysctls(planner, world);
  planTable(planner);
  for (const { name, absent } of desired.links) if (!absent) planner.mtus.of(name);
  const guests = guestsOf(planner);
  for (const warning of mtuWarnings(desired, world, planner.mtus)) planner.warn(warning);
  for (const warning of gatewayWarnings(planner, fates.removed)) planner.warn(warning);
  planner.finish();
  return {
    steps: withUndo(observed, inOrder(planner.steps)),
    kept: planner.kept,
    warnings: planner.warnings,
    mtus: planner.mtus.resolved,
    ...guests,
  };
}
