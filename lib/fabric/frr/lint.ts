/** Compares a frr.conf with what the fabric needs there. What it says of other things is left alone. */
import type { Fabric } from "../overlay.ts";
import type { FrrFinding } from "./finding.ts";
import { type Speaker, speakerOf } from "./render.ts";

interface Line {
  readonly number: number;
  /** Its words, without the leading `no`. */
  readonly words: readonly string[];
  readonly negated: boolean;
  /** The words of the section that it is in, and of the address family. */
  readonly section: string;
  readonly family: string;
}

const SECTION = /^(router|vrf|interface|route-map|key|l2vpn|segment-routing|bfd)\b/;

/** Lines with the section each stands in: indentation means nothing to FRR. */
function read(text: string): Line[] {
  let [section, family] = ["", ""];
  return text.split("\n").flatMap((raw, index): Line[] => {
    const line = raw.trim().replace(/\s+/g, " ");
    if (line === "" || line.startsWith("!") || line.startsWith("#")) return [];
    if (/^(exit-address-family|exit)$/.test(line) && family !== "") family = "";
    else if (/^(exit|exit-vrf|end)$/.test(line)) section = "";
    else if (SECTION.test(line)) [section, family] = [line, ""];
    else if (line.startsWith("address-family ")) family = line.slice("address-family ".length);
    const negated = line.startsWith("no ");
    return [{ number: index + 1, words: (negated ? line.slice(3) : line).split(" "), negated, section, family }];
  });
}

/** One router of BGP, as the file has it. */
class Router {
  readonly #lines: readonly Line[];

  constructor(lines: readonly Line[], section: string) {
    this.#lines = lines.filter((line) => line.section === section);
  }

  /** The last line that begins with these words, in this address family. */
  find(family: string, ...words: readonly string[]): Line | undefined {
    return this.#lines.findLast((line) => line.family === family && words.every((word, i) => line.words[i] === word));
  }

  has(family: string, ...words: readonly string[]): boolean {
    return this.find(family, ...words)?.negated === false;
  }

  /** What is said of a neighbor, by itself or by its group. */
  of(address: string, family: string, word: string): Line | undefined {
    const own = this.find(family, "neighbor", address, word);
    const group = this.find("", "neighbor", address, "peer-group")?.words[3];
    return own ?? (group === undefined ? undefined : this.find(family, "neighbor", group, word));
  }

  /** Addresses of all neighbors, with the line that begins each. */
  neighbors(): ReadonlyMap<string, number> {
    const all = this.#lines.filter(
      ({ words, negated }) => words[0] === "neighbor" && !negated && /[.:]/.test(words[1] ?? ""),
    );
    return new Map([...all].reverse().map(({ words, number }) => [words[1] ?? "", number]));
  }
}

const EVPN = "l2vpn evpn";

function lintNeighbors(
  router: Router,
  { asn, neighbors }: Speaker,
  begin: number,
  say: (line: number, message: string, severity?: FrrFinding["severity"]) => void,
): void {
  const known = router.neighbors();
  for (const { address, client } of neighbors) {
    const line = known.get(address);
    if (line === undefined) {
      say(begin, `there is no neighbor ${address}; write neighbor ${address} remote-as internal`);
      continue;
    }
    const as = router.of(address, "", "remote-as");
    if (as === undefined) say(line, `neighbor ${address} has no remote-as; write internal`);
    else if (as.words[3] !== "internal" && as.words[3] !== String(asn))
      say(
        as.number,
        `neighbor ${address} has remote-as ${as.words[3]}, and the fabric is one autonomous system, ${asn}`,
      );
    const active = router.of(address, EVPN, "activate");
    if (active === undefined || active.negated)
      say(
        active?.number ?? line,
        `neighbor ${address} is not activated in address-family ${EVPN}: it tells and hears nothing of VXLANs`,
      );
    const reflected = router.of(address, EVPN, "route-reflector-client");
    if (client && (reflected === undefined || reflected.negated))
      say(
        line,
        `neighbor ${address} is no route-reflector-client in address-family ${EVPN}: the others do not hear of it`,
      );
  }
  for (const [address, line] of known)
    if (neighbors.every((one) => one.address !== address))
      say(line, `neighbor ${address} is no host of the fabric that this one speaks with`, "warning");
}

function lintRouter(
  router: Router,
  speaker: Speaker,
  begin: number,
  say: (line: number, message: string, severity?: FrrFinding["severity"]) => void,
): void {
  const { routerId } = speaker;
  const id = router.find("", "bgp", "router-id");
  if (id === undefined)
    say(
      begin,
      `there is no bgp router-id, and FRR takes one that may change; write bgp router-id ${routerId}`,
      "warning",
    );
  else if (id.words[2] !== routerId)
    say(id.number, `bgp router-id is ${id.words[2]}, and the fabric has ${routerId} for this host`);
  if (!router.has(EVPN, "advertise-all-vni")) {
    const line = router.find(EVPN, "advertise-all-vni")?.number ?? begin;
    say(line, `address-family ${EVPN} has no advertise-all-vni: FRR leaves the kernel's VXLANs alone`);
  }
  lintNeighbors(router, speaker, begin, say);
}

function lintVrfs(lines: readonly Line[], { asn, vrfs }: Speaker, say: (line: number, message: string) => void): void {
  for (const { name, vni } of vrfs) {
    const told = lines.findLast(
      ({ section, words, negated }) => section === `vrf ${name}` && words[0] === "vni" && !negated,
    );
    if (told === undefined)
      say(1, `VRF ${name} has no vni: nothing is routed between its overlays; write vrf ${name}, vni ${vni}, exit-vrf`);
    else if (told.words[1] !== String(vni))
      say(told.number, `VRF ${name} has vni ${told.words[1]}, and the fabric ${vni}`);
    const router = new Router(lines, `router bgp ${asn} vrf ${name}`);
    if (!["ipv4", "ipv6"].some((family) => router.has(EVPN, "advertise", family, "unicast")))
      say(
        1,
        `router bgp ${asn} vrf ${name} has no advertise ipv4 unicast in address-family ${EVPN}: others do not hear of its networks`,
      );
  }
}

/** What is wrong with a frr.conf for a host of a fabric; nothing for a host that has nothing to do with BGP. */
export function lintFrr(fabric: Fabric, host: string, text: string): readonly FrrFinding[] {
  const speaker = speakerOf(fabric, host);
  if (speaker === undefined) return [];
  const found: FrrFinding[] = [];
  const say = (line: number, message: string, severity: FrrFinding["severity"] = "error"): void =>
    void found.push({ severity, line, message });
  const lines = read(text);
  const section = `router bgp ${speaker.asn}`;
  const begin = lines.find(({ words }) => words.join(" ") === section);
  const other = lines.find(({ words }) => /^router bgp \d+$/.test(words.join(" ")));
  if (begin !== undefined) {
    lintRouter(new Router(lines, section), speaker, begin.number, say);
    lintVrfs(lines, speaker, say);
  } else if (other !== undefined)
    say(other.number, `the autonomous system is ${other.words[2]}, and that of the fabric ${speaker.asn}`);
  else say(1, `there is no router bgp ${speaker.asn}; linkwright fabric frr prints it`);
  return found.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
