/** Where the MTUs of a document and those of its host do not go together. */

import type { Desired, DesiredLink } from "./desired.ts";
import type { Mtus } from "./mtu.ts";
import { linkOf, type Observed } from "./observed.ts";
import { portsOf } from "./ports.ts";
import type { Explained } from "./step.ts";

/** Kinds whose MTU the kernel keeps within that of the device that they name; of a VXLAN the plan itself refuses more. */
const KEPT_WITHIN: readonly string[] = ["vlan", "macvlan", "macvtap"];

function refused(link: DesiredLink, mtus: Mtus): string[] {
  const { name, absent, options } = link;
  const { mtu, dev } = options;
  if (absent || typeof mtu !== "number" || !KEPT_WITHIN.includes(link.kind ?? "")) return [];
  const most = typeof dev === "string" ? mtus.ofAuto(link) : undefined;
  if (most === undefined || mtu <= most.value) return [];
  const cure = `give it mtu: auto, and the guests what comes out`;
  return [
    `${name}: the kernel refuses MTU ${mtu} over ${String(dev)}, which carries ${most.value} (${most.why}); ${cure}`,
  ];
}

function tooLarge(desired: Desired, observed: Observed, on: string, most: Explained): string[] {
  const described = new Set(desired.links.map(({ name }) => name));
  return portsOf(desired, observed, on).flatMap((name) => {
    const mtu = described.has(name) ? undefined : linkOf(observed, name)?.["mtu"];
    if (typeof mtu !== "number" || mtu <= most.value) return [];
    return [
      `guests: ${name} on ${on} has MTU ${mtu}, and only ${most.value} get through: larger packets vanish without a word; ` +
        `give ${most.value} to the guest, and to ${name}`,
    ];
  });
}

/** One line for each MTU that the kernel will refuse, and for each port that lets more in than gets through. */
export function mtuWarnings(desired: Desired, observed: Observed, mtus: Mtus): string[] {
  const on = desired.guests?.on;
  const most = on === undefined ? undefined : mtus.of(on);
  return [
    ...desired.links.flatMap((link) => refused(link, mtus)),
    ...(on === undefined || most === undefined ? [] : tooLarge(desired, observed, on, most)),
  ];
}
