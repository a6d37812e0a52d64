/** A running host to a document that changes nothing when it is applied there. */

import type { Host } from "../host.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import { ConfigError, type Path } from "../state/error.ts";
import { observe } from "../state/observe.ts";
import type { Observed } from "../state/observed.ts";
import { plan } from "../state/plan.ts";
import { parseSource } from "../state/source.ts";
import type { Step } from "../state/step.ts";
import type { Imported } from "./commands.ts";
import { at, type Draft, type DraftValue, writeDraft } from "./draft.ts";
import { Findings } from "./finding.ts";
import { devicesOf, type HostDevices, queuesOfHost } from "./host-devices.ts";
import { entriesOfHost, type HostEntries } from "./host-entries.ts";
import { type HostLink, linksOf } from "./host-links.ts";
import { type RulesOfHost, rulesOf } from "./host-rules.ts";
import { sysctlsOf } from "./host-sysctls.ts";
import type { Bag } from "./model.ts";
import { leftOut, partOf, settle, takenOut } from "./settle.ts";
import { groupSysctls } from "./sysctl-keys.ts";

/** A host that keeps changing is not waited for. */
const MOST_REPAIRS = 50;

/** Far ends that are no more than an address are one list, that of `remote` included. */
function withRemotes(
  { bag }: HostLink,
  observed: Observed,
  name: string,
  lists: Readonly<Record<string, readonly unknown[]>>,
): Bag {
  if (bag["kind"] !== "vxlan") return { ...bag, ...lists };
  const all = (lists["fdb"] ?? []) as readonly Bag[];
  const plain = all.filter(
    (one) => one["mac"] === ZERO_MAC && typeof one["dst"] === "string" && Object.keys(one).length === 2,
  );
  if (plain.length === 0) return { ...bag, ...lists };
  const rest = all.filter((one) => !plain.includes(one));
  const { remote, ...others } = bag;
  const own = (observed.fdb ?? []).some(({ dev, mac, dst }) => dev === name && mac === ZERO_MAC && dst === remote);
  const remotes = [...(own ? [remote] : []), ...plain.map(({ dst }) => dst)];
  const { fdb: _, ...more } = lists;
  return { ...others, remotes, ...more, ...(rest.length > 0 && { fdb: rest }) };
}

function linksSection(
  observed: Observed,
  { onLinks }: HostEntries,
  devices: HostDevices,
): { links: Record<string, Bag>; remarks: Map<string, string[]> } {
  const remarks = new Map<string, string[]>();
  const links: Record<string, Bag> = {};
  for (const link of linksOf(observed)) {
    const lists = withRemotes(link, observed, link.name, onLinks.get(link.name) ?? {});
    const bag = { ...lists, ...devices.bags.get(link.name) };
    if (Object.keys(bag).length === 0) continue;
    Object.defineProperty(links, link.name, { value: bag, enumerable: true, configurable: true, writable: true });
    const said = [link.remark, devices.remarks.get(link.name)].filter((text) => text !== undefined);
    if (said.length > 0) remarks.set(at("links", link.name), [said.join(" ")]);
  }
  return { links, remarks };
}

async function firewall(host: Host): Promise<RulesOfHost> {
  try {
    return await rulesOf(host);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "EPERM")
      return { foot: [], left: ["firewall rules are not known: nf_tables shows them to root only"] };
    if (["EOPNOTSUPP", "EPROTONOSUPPORT", "EINVAL"].includes(String(code))) return { foot: [], left: [] };
    throw error;
  }
}

/** A document that names nothing. */
const nothing = (): Desired => desiredOf(parseSource("linkwright: 1\n"));

/** Where in the document a step comes from: the property that it would change, else the whole entry. */
function culprit({ path, differences }: Step): Path {
  const [first] = differences;
  return first === undefined || path[0] !== "links" ? path : [...path, ...first.field.split(".")];
}

/** Takes out what would still be changed: it cannot be said exactly. */
async function agree(host: Host, draft: Draft, findings: Findings): Promise<Draft> {
  let now = draft;
  for (let repair = 0; repair < MOST_REPAIRS; repair++) {
    const found = await firstDifference(host, now);
    if (found === undefined) return now;
    const taken = takenOut(now.value, found.path);
    if (taken === undefined) break;
    now = leftOut(now, taken, found.reason, findings);
  }
  findings.say(
    "error",
    undefined,
    "the host is not as the document says, however often it is looked at",
    "is something changing it just now?",
  );
  return now;
}

async function firstDifference(host: Host, draft: Draft): Promise<{ path: Path; reason: string } | undefined> {
  try {
    const desired = desiredOf(parseSource(writeDraft(draft)));
    const { steps } = plan(await observe(host, desired), desired);
    const [step] = steps;
    if (step === undefined) return undefined;
    const what = step.differences
      .map(({ field, from, to }) => `${field} ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
      .join(", ");
    return {
      path: culprit(step),
      reason: `it would ${step.action} ${step.object} ${step.subject}${what === "" ? "" : ` (${what})`}`,
    };
  } catch (error) {
    const [issue] = error instanceof ConfigError ? error.issues : [];
    if (issue === undefined) throw error;
    return { path: partOf(issue), reason: issue.message };
  }
}

/**
 * Reads a host and writes a document of it. What the kernel, routing daemons and DHCP make, and what every new link has,
 * is left out; what cannot be said stands in comments and findings. Applied to the host it was made of, the document
 * changes nothing.
 */
export async function importHost(host: Host): Promise<Imported> {
  const findings = new Findings();
  const observed = await observe(host, nothing());
  const queues = await queuesOfHost(host);
  const entries = entriesOfHost({ ...observed, ...queues });
  const devices = await devicesOf(host, observed, queues);
  const { links, remarks } = linksSection(observed, entries, devices);
  const sysctls = groupSysctls(
    await sysctlsOf(
      host,
      observed.links.map(({ name }) => name),
    ),
  );
  const { nat, forward, foot, left } = await firewall(host);
  for (const line of [...left, ...devices.left]) findings.say("warning", undefined, line);
  for (const line of entries.left) findings.say("note", undefined, `left out: ${line}`);
  for (const [key, [text = ""]] of remarks)
    findings.say("note", undefined, `${(JSON.parse(key) as string[])[1]}: ${text}`);
  const value: DraftValue = {
    ...(Object.keys(links).length > 0 && { links }),
    ...entries.beside,
    ...(Object.keys(sysctls).length > 0 && { sysctls }),
    ...(nat !== undefined && { nat }),
    ...(forward !== undefined && { forward }),
  };
  const draft = settle(
    { value, remarks, head: ["Made of a running host. What is not in it is left alone."], foot },
    findings,
  );
  return { draft: await agree(host, draft, findings), findings: findings.sorted() };
}
