/** From the VXLAN to the ports of its bridge. */

import type { Link } from "../../links/index.ts";
import type { Finding } from "../finding.ts";
import { addressesOf, isExternal, portsOf } from "../view.ts";
import { bridges, type Case } from "./check.ts";

export function unbridged({ view }: Case): Finding[] {
  return view.tunnels.flatMap((tunnel): Finding[] => {
    const { link } = tunnel;
    const routed =
      addressesOf(view, link.name).length > 0 ||
      view.routes.some(({ dev, protocol }) => dev === link.name && protocol !== "kernel");
    // Without VNI it may be steered by programs of tc, as Cilium's is.
    if (link.master !== undefined || routed || isExternal(tunnel)) return [];
    const likely = view.links.filter(({ kind, name }) => kind === "bridge" && portsOf(view, name).length > 0);
    return [
      {
        cause: "vxlan-not-in-bridge",
        severity: "error",
        subject: link.name,
        text: `${link.name} belongs to no bridge and has no address: frames that arrive by it go nowhere`,
        evidence: [
          `${link.name}: no master, no address`,
          `bridges here: ${likely.map(({ name }) => name).join(", ") || "none with ports"}`,
        ],
        fix:
          likely[0] === undefined
            ? `ip link add br-${link.name} type bridge; ip link set dev br-${link.name} up; ip link set dev ${link.name} master br-${link.name}`
            : `ip link set dev ${link.name} master ${likely[0].name}`,
      },
    ];
  });
}

export function downs(given: Case): Finding[] {
  return bridges(given)
    .filter(([, bridge]) => !bridge.up)
    .map(([{ link }, bridge]): Finding => {
      return {
        cause: "bridge-down",
        severity: "error",
        subject: bridge.name,
        text: `${bridge.name} is switched off: it passes nothing from ${link.name} to the guests`,
        evidence: [`${bridge.name}: down`],
        fix: `ip link set dev ${bridge.name} up`,
      };
    });
}

const portWord = (link: Link, key: string): unknown => (link.port as Record<string, unknown> | undefined)?.[key];

export function ports(given: Case): Finding[] {
  return bridges(given).flatMap(([tunnel, bridge]) => {
    const all = portsOf(given.view, bridge.name);
    const blocked = all.filter((port) => {
      const state = portWord(port, "state");
      // A port whose cable is not in is switched off by the bridge itself.
      return port.up && port.carrier && bridge.up && state !== undefined && state !== "forwarding";
    });
    const isolated = all.filter((port) => portWord(port, "isolated") === true);
    const deaf = portWord(tunnel.link, "flood") === false || portWord(tunnel.link, "bcastFlood") === false;
    const findings = blocked.map((port): Finding => {
      const state = String(portWord(port, "state"));
      const stp = bridge["stp"] === true || state !== "disabled";
      return {
        cause: "port-not-forwarding",
        severity: "error",
        subject: port.name,
        text: `${port.name} is ${state} in ${bridge.name}: ${stp ? "spanning tree holds it back" : "somebody switched it off"}, and nothing passes by it`,
        evidence: [
          `bridge link show dev ${port.name}: state ${state}`,
          `${bridge.name}: stp ${bridge["stp"] === true ? "on" : "off"}`,
        ],
        fix:
          stp && bridge["stp"] === true
            ? `ip link set dev ${bridge.name} type bridge stp_state 0, where no loop is possible`
            : `bridge link set dev ${port.name} state 3`,
      };
    });
    if (deaf)
      findings.push({
        cause: "flood-off",
        severity: "error",
        subject: tunnel.link.name,
        text: `${bridge.name} does not flood to ${tunnel.link.name}: ${portWord(tunnel.link, "bcastFlood") === false ? "broadcasts such as ARP" : "frames for addresses it has not learned"} never leave this host`,
        evidence: [
          `bridge -d link show dev ${tunnel.link.name}: flood ${portWord(tunnel.link, "flood")}, bcast_flood ${portWord(tunnel.link, "bcastFlood")}`,
        ],
        fix: `bridge link set dev ${tunnel.link.name} flood on bcast_flood on`,
      });
    if (isolated.length > 1 && isolated.includes(all.find(({ name }) => name === tunnel.link.name) as Link))
      findings.push({
        cause: "ports-isolated",
        severity: "error",
        subject: tunnel.link.name,
        text: `${isolated.map(({ name }) => name).join(" and ")} are isolated ports of ${bridge.name}: a bridge passes nothing from one of these to another`,
        evidence: isolated.map(({ name }) => `bridge -d link show dev ${name}: isolated on`),
        fix: `bridge link set dev ${tunnel.link.name} isolated off`,
      });
    return findings;
  });
}
