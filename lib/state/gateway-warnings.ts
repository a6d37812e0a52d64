/** Where a route leads through a gateway that nobody can reach: the kernel refuses it. */
import { maskedAddress } from "../families/prefix.ts";
import type { DesiredEntry } from "./desired.ts";
import { addresses as addressSort } from "./entries/addresses.ts";
import { goneOf, without } from "./gone.ts";
import type { Observed } from "./observed.ts";
import type { Planner } from "./planner.ts";
import type { Step, Words } from "./step.ts";

/** A network that packets reach without a gateway, and the link that it is on. */
interface Network {
  readonly network: string;
  readonly dev: unknown;
}

/** The network of an address: that of its peer where it has one, none where it makes no route. */
function ofAddress({ address, peer, dev, noprefixroute }: Words): Network[] {
  return noprefixroute === true ? [] : [{ network: String(peer ?? address), dev }];
}

/** What a route itself reaches on a link. */
function ofRoute({ dst, via, dev, nexthops, nhid, type = "unicast", family }: Words): Network[] {
  if ((via ?? nexthops ?? nhid) !== undefined || dev === undefined || type !== "unicast") return [];
  return [{ network: dst === "default" ? (family === "inet6" ? "::/0" : "0.0.0.0/0") : String(dst), dev }];
}

/** Networks that stay on the host, and those that the document adds. */
function networksOf(world: Observed, { desired: { addresses, routes } }: Planner): readonly Network[] {
  const wanted = (entries: readonly DesiredEntry[]): Words[] =>
    entries.flatMap(({ words, absent }) => (absent ? [] : [words]));
  const goes = (seen: Words): boolean => addresses.some(({ words, absent }) => absent && addressSort.same(words, seen));
  const stay = (world.addresses ?? []).filter((seen) => !goes(seen));
  return [
    ...[...stay, ...wanted(addresses)].flatMap(ofAddress),
    ...[...(world.routes ?? []), ...wanted(routes)].flatMap(ofRoute),
  ];
}

function holds(network: string, ip: string): boolean {
  const [address = "", text] = network.split("/");
  const length = Number(text ?? (address.includes(":") ? 128 : 32));
  return address.includes(":") === ip.includes(":") && maskedAddress(address, length) === maskedAddress(ip, length);
}

/** The ways through a gateway that a step makes. */
function waysOf({ object, moves, restores }: Step): readonly Words[] {
  // What is put back the kernel took before.
  if (restores === true || (object !== "route" && object !== "nexthop")) return [];
  const words = moves.map(({ request }) => request).filter(({ verb }) => verb === "create" || verb === "replace");
  return words.flatMap(({ words: one }) =>
    ((one["nexthops"] ?? [one]) as readonly Words[]).filter(
      ({ via, onlink, fdb }) => via !== undefined && onlink !== true && fdb !== true,
    ),
  );
}

function isReached({ via, dev }: Words, networks: readonly Network[]): boolean {
  const gateway = String(via);
  // Every link has a network of these.
  if (/^fe[89ab]/i.test(gateway)) return true;
  return networks.some((one) => (dev === undefined || one.dev === dev) && holds(one.network, gateway));
}

/** One line for each gateway of a new route that is on no network; `removed` are the links that go. */
export function gatewayWarnings(planner: Planner, removed: ReadonlySet<string>): string[] {
  const steps = planner.steps.filter(({ object }) => object === "route" || object === "nexthop");
  if (steps.length === 0) return [];
  const networks = networksOf(without(planner.before, goneOf(planner.before, removed)), planner);
  return steps.flatMap((step) =>
    waysOf(step)
      .filter((way) => !isReached(way, networks))
      .map(({ via, dev }) => {
        const of = dev === undefined ? "this host" : String(dev);
        const what = `${step.object} ${step.subject}: ${String(via)} is on no network of ${of}, nor of the document`;
        const cure = dev === undefined ? "" : ", or write onlink: true";
        return `${what}; the kernel refuses such a gateway: give a link an address of its network${cure}`;
      }),
  );
}
