/** What happens next: at the other program's next turn, at the next reboot. */
import type { Finding } from "../finding.ts";
import type { Case } from "./check.ts";

/** VXLANs and their bridges: what somebody made. */
function madeLinks({ view }: Case): string[] {
  return [
    ...new Set(view.tunnels.flatMap(({ link }) => [link.name, ...(link.master === undefined ? [] : [link.master])])),
  ];
}

function forgotten(given: Case): Finding[] {
  const { lasting } = given.view;
  const lost = madeLinks(given).filter((name) => lasting?.files[name]?.length === 0);
  if (lasting === undefined || lost.length === 0) return [];
  return [
    {
      cause: "not-persistent",
      severity: "note",
      subject: lost.join(", "),
      text: `no file of systemd, netplan, ifupdown or NetworkManager speaks of ${lost.join(" and ")}: after a reboot there is nothing`,
      evidence: lost.map(
        (name) => `${name}: not named in /etc/systemd, /etc/netplan, /etc/network, /etc/NetworkManager`,
      ),
      fix: "linkwright import | tee host.yaml, then linkwright systemd install host.yaml",
    },
  ];
}

/** A link that networkd has a file for, and that is part of what somebody else made. */
function managed(given: Case): Finding[] {
  const { lasting } = given.view;
  return madeLinks(given).flatMap((name): Finding[] => {
    const file = lasting?.networkd[name];
    if (file === undefined || lasting?.made.includes(name) === true) return [];
    return [
      {
        cause: "managed-by-other",
        severity: "warning",
        subject: name,
        text: `systemd-networkd did not make ${name} and manages it all the same, by ${file}: with its next restart it takes away addresses and routes that are not in there`,
        evidence: [`/run/systemd/netif/links: ${name} is managed by ${file}`, `no .netdev file speaks of ${name}`],
        fix: `let ${file} match fewer links, or write [Match] Name=${name} [Link] Unmanaged=yes to /etc/systemd/network/00-${name}.network`,
      },
    ];
  });
}

/** A link that NetworkManager has taken over. */
function takenOver(given: Case): Finding[] {
  const { lasting, managers } = given.view;
  const runs = managers.some(({ name }) => name === "NetworkManager");
  return madeLinks(given)
    .filter((name) => lasting?.networkManager.includes(name) === true)
    .map((name): Finding => {
      return {
        cause: "managed-by-other",
        severity: "warning",
        subject: name,
        text: `NetworkManager did not make ${name} and manages it all the same: with its next activation it takes away addresses, routes and the bridge that are not in its profile`,
        evidence: [
          `/run/NetworkManager/devices: ${name} is managed, and is not NetworkManager's own`,
          ...(runs ? ["NetworkManager runs here"] : []),
        ],
        fix: `nmcli device set ${name} managed no; and then linkwright apply, for what it took away; to keep it so, write [keyfile] unmanaged-devices+=interface-name:${name} to /etc/NetworkManager/conf.d/95-${name}.conf`,
      };
    });
}

function ignored({ view }: Case): Finding[] {
  const keys = { 4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding" } as const;
  return (view.lasting?.ignored ?? []).map(({ file, line, families }): Finding => {
    const off = families.some((family) => view.sysctls[keys[family]] === "0");
    return {
      cause: "ipforward-ignored",
      severity: off ? "error" : "warning",
      subject: file,
      text: `${line} means nothing any more: systemd-networkd ignores it since version 256${off ? ", and so this host does not forward" : ""}`,
      evidence: [`${file}: ${line}`, ...families.map((family) => `${keys[family]} = ${view.sysctls[keys[family]]}`)],
      fix: "write IPv4Forwarding=yes and IPv6Forwarding=yes to the [Network] section, or to networkd.conf for all links",
    };
  });
}

/** Causes of tomorrow. */
export const lastingChecks = [managed, takenOver, ignored, forgotten];
