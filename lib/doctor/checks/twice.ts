/** Addresses that are there twice: of bridges, of guests, of Ethernet and of IP. */

import type { Link } from "../../links/index.ts";
import { stableMac } from "../../state/new-mac.ts";
import type { Finding } from "../finding.ts";
import { machineMacs } from "../machine-mac.ts";
import { isManaged, portsOf, type View } from "../view.ts";
import { bridges, type Case } from "./check.ts";

const NEW_ID = "; and on one of the hosts: rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup";

/** Where a bridge's MAC address comes from: whether systemd made it of the machine's id, as far as that is known. */
function originOf({ view }: Case, { name, mac }: Link): Pick<Finding, "text" | "evidence" | "fix"> {
  // The id itself is nobody else's business: what is made of it is shown.
  const id = view.lasting?.machineId ?? "";
  // A bridge that nobody gave an address has that of a port.
  const port = portsOf(view, name).find((one) => one["mac"] === mac)?.name;
  const made = [name, ...(port === undefined ? [] : [port])].flatMap((link) =>
    machineMacs(id, link).map((one) => ({ ...one, link })),
  );
  const own = made.find((one) => one.mac === mac);
  if (own !== undefined)
    return {
      text: `${own.by} made it of this host's /etc/machine-id: the other host has the same id, as hosts of one image do`,
      evidence: [`${own.by} makes ${own.mac} of this host's /etc/machine-id for a link called ${own.link}`],
      fix: NEW_ID,
    };
  const text =
    port === undefined
      ? "Where it comes from is not known: hosts of one image may have the same /etc/machine-id, of which systemd makes such addresses, or somebody gave it to both"
      : `It is that of its port ${port}`;
  const others = made.map((one) => `${one.mac} for ${one.link}`).join(", ");
  const evidence = made.length === 0 ? [] : [`of this host's /etc/machine-id systemd would make ${others}`];
  return { text, evidence, fix: "" };
}

export function twins(given: Case): Finding[] {
  return bridges(given).flatMap(([tunnel, bridge]): Finding[] => {
    // Gateways of EVPN have one MAC address on all hosts, on purpose.
    if (isManaged(given.view, tunnel)) return [];
    const { link, vni, underlay: dev } = tunnel;
    const seen = given.asked.sounds[dev?.name ?? ""]?.seen ?? [];
    const same = seen.find((one) => one.vni === vni && one.mac === bridge["mac"]);
    if (same === undefined) return [];
    const origin = originOf(given, bridge);
    return [
      {
        cause: "duplicate-mac",
        severity: "error",
        subject: bridge.name,
        text: `${bridge.name} has the same MAC address as the bridge at ${same.from}: neither can be reached from the other. ${origin.text}`,
        evidence: [
          `${same.packets} frame${same.packets === 1 ? "" : "s"} from ${same.mac} came through ${link.name} from ${same.from}`,
          `${bridge.name}: ${String(bridge["mac"])}`,
          ...origin.evidence,
        ],
        fix: `ip link set dev ${bridge.name} address ${another(bridge.name, String(dev?.mac))}${origin.fix}`,
      },
    ];
  });
}

/** An address of a link as its owner wrote it, with the length of its prefix. */
function withLength({ addresses }: View, on: string, address: string): string {
  return addresses.find(({ dev, address: full }) => dev === on && full.startsWith(`${address}/`))?.address ?? address;
}

export function duplicates(given: Case): Finding[] {
  const names = new Set(bridges(given).map(([, bridge]) => bridge.name));
  return given.asked.duplicates
    .filter(({ dev }) => names.has(dev))
    .map(({ address, dev, mac }): Finding => {
      return {
        cause: "duplicate-ip",
        severity: "error",
        subject: address,
        text: `${address} is on ${dev} here, and ${mac} has it too: guests that use it as their gateway reach the one or the other`,
        evidence: [`an ARP request for ${address} on ${dev} was answered by ${mac}`],
        fix: `ip address del ${withLength(given.view, dev, address)} dev ${dev}, on one of the two hosts`,
      };
    });
}

/** Two guests that have one Ethernet address: both here, or one of them behind a tunnel. */
export function clones({ asked }: Case): Finding[] {
  return asked.clones.map(({ mac, tunnel, port, from, near, far }): Finding => {
    const frames = (count: number): string => `${count} frame${count === 1 ? "" : "s"} from ${mac} came`;
    const place = tunnel === undefined ? from : `behind ${from}`;
    return {
      cause: "duplicate-mac",
      // One guest may have both ports, and its cards one address.
      severity: tunnel === undefined ? "warning" : "error",
      subject: mac,
      text: `${mac} sends from ${port} here and from ${place} at the same time: two guests have one MAC address, as clones of an image do, and the bridges send each what is for the other`,
      evidence: [
        `${frames(near)} in by ${port}`,
        `${frames(far)} ${tunnel === undefined ? `in by ${from}` : `through ${tunnel} from ${from}`} meanwhile, and others than those`,
      ],
      fix: `ip link set dev eth0 address ${another(mac, port)}, inside the guest at ${port} or in its definition`,
    };
  });
}

/** An address of its own for a machine, locally administered. */
function another(mac: string, salt: string): string {
  return stableMac(mac, salt, "");
}

/** Machines whose addresses one answers for, from which on it answers in their place on purpose. */
const PROXIED = 3;

/** Addresses that more than one machine answers for. */
export function contested({ asked }: Case): Finding[] {
  const others = (mac: string): Set<string> => {
    const contested = asked.claimed.filter(({ by }) => by.some((one) => one.mac === mac));
    return new Set(contested.flatMap(({ by }) => by.map((one) => one.mac)).filter((one) => one !== mac));
  };
  return asked.claimed.flatMap(({ address, dev, by: all }): Finding[] => {
    const by = all.filter(({ mac }) => others(mac).size < PROXIED);
    if (by.length < 2) return [];
    // One machine with several cards on a network may answer by all of them: not so from several hosts.
    const hosts = new Set(by.map(({ port, from }) => (port === undefined ? from : "")));
    const sure = hosts.size > 1 && !hosts.has(undefined);
    const told = by.map(({ mac, port = "", from = "" }) => [mac, port || from] as const);
    const who = told.map(([mac, at]) => (at === "" ? mac : `${mac} (${at})`)).join(" and ");
    const [[, place = ""] = []] = told.filter(([, at]) => at !== "");
    return [
      {
        cause: "duplicate-ip",
        severity: sure ? "error" : "warning",
        subject: address,
        text: `${address} is used ${by.length} times on ${dev}, by ${who}: who talks to it reaches the one or the other${sure ? "" : ". It may be one machine with several cards, which then answers by all of them"}`,
        evidence: told.map(
          ([mac, at]) =>
            `an ARP request for ${address} on ${dev} was answered by ${mac}${at === "" ? "" : `, which is at ${at}`}`,
        ),
        fix: sure
          ? `ip address del ${address} dev eth0, inside the guest at ${place}, which needs an address of its own`
          : "sysctl -w net.ipv4.conf.all.arp_ignore=1, inside the machine with both cards; else give one of the two another address",
      },
    ];
  });
}
