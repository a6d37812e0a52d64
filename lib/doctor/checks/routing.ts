/** From the guests to the world. */
import { type Family, isRaw, type ObservedTable, printRule } from "../../nftables/index.ts";
import { type Finding, forShell } from "../finding.ts";
import { inPrefix } from "../prefix.ts";
import { judge, type Packet, type Verdict } from "../verdict.ts";
import { type Gateway, gatewaysOf, type View } from "../view.ts";
import { acceptance, callOf } from "./acceptance.ts";
import type { Case } from "./check.ts";

const packet = ({ family, bridge, out, address }: Gateway): Packet => {
  return { family, in: bridge, out, saddr: address, protocol: "tcp", ctState: "new" };
};
const reply = ({ family, bridge, out, address }: Gateway): Packet => {
  return { family, in: out, out: bridge, daddr: address, protocol: "tcp", ctState: "established" };
};

const KEY = { ip: "net.ipv4.ip_forward", ip6: "net.ipv6.conf.all.forwarding" } as const;

/** Whether rules here speak of the bridge or translate its network: then somebody wants it to reach the world. */
function isMeant({ tables }: View, way: Gateway): boolean {
  if (tables === undefined) return false;
  if (judge(tables, "postrouting", packet(way), "nat").nat === true) return true;
  return tables.some(({ chains }) =>
    chains.some(
      ({ hook, rules }) =>
        hook === "forward" && rules.some((rule) => !isRaw(rule) && rule.match?.iifname === way.bridge),
    ),
  );
}

function off({ view }: Case): Finding[] {
  return gatewaysOf(view).flatMap((way): Finding[] => {
    const value = view.sysctls[KEY[way.family]];
    if (value !== "0") return [];
    const meant = isMeant(view, way);
    return [
      {
        cause: "forwarding-off",
        severity: meant ? "error" : "note",
        subject: KEY[way.family],
        text: `this host does not forward: guests of ${way.bridge} reach one another, and nothing behind ${way.out}`,
        evidence: [`${KEY[way.family]} = 0`, ...(meant ? [`rules here are made for ${way.bridge}`] : [])],
        fix: `sysctl -w ${KEY[way.family]}=1`,
      },
    ];
  });
}

function dropped({ view }: Case): Finding[] {
  const { tables } = view;
  if (tables === undefined) return [];
  return gatewaysOf(view).flatMap((way): Finding[] => {
    if (view.sysctls[KEY[way.family]] === "0") return [];
    return (
      [
        [packet(way), way.bridge, way.out],
        [reply(way), way.out, way.bridge],
      ] as const
    ).flatMap(([one, from, to]): Finding[] => {
      const { verdict, chain, rule } = judge(tables, "forward", one);
      if (verdict !== "drop") return [];
      return [
        {
          cause: "forward-dropped",
          severity: isMeant(view, way) ? "error" : "note",
          subject: chain ?? "forward",
          text: `chain ${chain} drops ${one.ctState === "new" ? "packets" : "replies"} from ${from} to ${to}. What another table accepts does not help: one drop is enough`,
          evidence: [
            `chain ${chain}: ${rule === undefined ? "its policy drops it" : `rule ${rule} drops it`}`,
            ...view.managers
              .filter(({ changes }) => changes.includes("nftables"))
              .map(({ name }) => `${name} runs here`),
          ],
          fix: acceptance(chain ?? "inet filter forward", one),
        },
      ];
    });
  });
}

/** The network of a gateway's address, as the route to it has it. */
function networkOf({ routes }: View, { bridge, address, network }: Gateway): string {
  const near = routes.find(({ dev, dst, via }) => dev === bridge && via === undefined && inPrefix(address, dst));
  return near?.dst.includes("/") === true ? near.dst : network;
}

/** Nobody answers to a guest's network, though the same router answers to this host's own address. */
function untranslated({ view, asked }: Case): Finding[] {
  const { tables } = view;
  if (tables === undefined) return [];
  return gatewaysOf(view).flatMap((way): Finding[] => {
    const found = asked.ways.find(({ address }) => address === way.address);
    if (view.sysctls[KEY[way.family]] === "0" || found === undefined || found.answers || !found.control) return [];
    const { nat, verdict } = judge(tables, "postrouting", packet(way), "nat");
    if (nat === true || verdict === "unsure") return [];
    const network = networkOf(view, way);
    return [
      {
        cause: "masquerade-missing",
        severity: isMeant(view, way) ? "error" : "warning",
        subject: way.bridge,
        text: `packets from ${network} leave by ${way.out} with their own addresses, and the router there knows no way back to them: no answer comes`,
        evidence: [
          `${found.via} answers an echo request from this host's own address, and none from ${way.address}`,
          `no rule at postrouting translates ${network} on its way out by ${way.out}`,
        ],
        fix: `${way.family === "ip" ? "iptables" : "ip6tables"} -t nat -A POSTROUTING -s ${network} -o ${way.out} -j MASQUERADE, or in a document: nat: [{ masquerade: "${network}", out: ${way.out} }]`,
      },
    ];
  });
}

/** How a rule that translates too much is told by which device packets leave. */
function narrowed(tables: readonly ObservedTable[], said: Verdict, { out }: Gateway): string {
  const { chain = "", rule = 0 } = said;
  const [family, table, name] = chain.split(" ");
  const own = tables
    .find((one) => one.family === family && one.name === table)
    ?.chains.find((one) => one.name === name);
  const wide = own?.rules[rule - 1];
  const otherwise = `say by which device they leave: oifname ${out} before masquerade, in chain ${chain}`;
  if (wide === undefined || isRaw(wide)) return otherwise;
  const { match = {}, handle } = wide;
  if (match.oifname !== undefined) return otherwise;
  const words = printRule(family as Family, { ...wide, match: { ...match, oifname: out } });
  return `nft ${forShell(`replace rule ${chain} handle ${handle} ${words}`)}`;
}

function tooWide({ view }: Case): Finding[] {
  const { tables } = view;
  if (tables === undefined) return [];
  return gatewaysOf(view).flatMap((way): Finding[] => {
    const bridge = view.links.find(({ name }) => name === way.bridge);
    const seen = bridge === undefined ? undefined : callOf(view, bridge, way.family);
    const inside: Packet = { ...packet(way), out: way.bridge, daddr: way.address };
    const said = judge(tables, "postrouting", inside, "nat");
    const { nat, chain } = said;
    if (nat !== true) return [];
    return [
      {
        cause: "masquerade-too-wide",
        severity: seen === undefined ? "warning" : "error",
        subject: chain ?? way.bridge,
        text: `packets between guests of ${way.bridge} are translated too: ${seen !== undefined ? "each sees the other with this host's address" : "as soon as bridged frames pass through the packet filter (br_netfilter), each sees the other with this host's address"}`,
        evidence: [
          `chain ${chain}: a packet from ${way.network} that leaves by ${way.bridge} is translated`,
          ...(seen?.seen ?? [`bridged frames do not pass through the packet filter now`]),
        ],
        fix: narrowed(tables, said, way),
      },
    ];
  });
}

/** Causes on the way out. */
export const routingChecks = [off, dropped, untranslated, tooWide];
