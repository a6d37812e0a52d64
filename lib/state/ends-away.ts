/** Other ends of links that a document has in other namespaces: read, compared, and made what they shall be. */
import { Host } from "../host.ts";
import type { CallOptions } from "../socket/index.ts";
import type { Desired, DesiredLink } from "./desired.ts";
import { move, type Planner } from "./planner.ts";
import { DIFFERS, type Difference, pick, type Request, sameValue, type Words } from "./step.ts";

/** An other end in its namespace; without `link` it is not there, and with `problem` nothing is known of it. */
export interface EndAway {
  readonly name: string;
  readonly netns: string;
  readonly link?: Words;
  readonly problem?: string;
}

/** The other end of a link, where the document has it in another namespace. */
function awayOf({ absent, options }: DesiredLink): { readonly netns: string; readonly peer: Words } | undefined {
  const { netns, ...peer } = (options["peer"] ?? {}) as Words;
  return absent || typeof netns !== "string" ? undefined : { netns, peer };
}

/** What is compared of it. Where nobody wants another MTU it has that of its making, and who uses it may change that. */
const PROPERTIES = ["mtu", "mac"];

/** Reads the other ends of links that are there. */
export async function endsAwayOf(
  host: Host,
  { links: desired }: Pick<Desired, "links">,
  links: readonly Words[],
  call: CallOptions,
): Promise<Readonly<Record<string, EndAway>>> {
  const found: Record<string, EndAway> = {};
  for (const link of desired) {
    const away = awayOf(link);
    const near = links.find(({ name }) => name === link.name);
    if (away === undefined || near === undefined) continue;
    const place = { name: String(away.peer["name"]), netns: away.netns };
    found[link.name] = { ...place, ...(await endAway(host, place, near, call)) };
  }
  return found;
}

async function endAway(
  here: Host,
  { name, netns }: Pick<EndAway, "name" | "netns">,
  near: Words,
  call: CallOptions,
): Promise<Pick<EndAway, "link" | "problem">> {
  try {
    await using there = await Host.open({ netns });
    const far = (await there.links.get(name, call)) as Words | undefined;
    const isIt = far !== undefined && (await isOtherEnd(here, near, there, far, call));
    return isIt ? { link: pick(far, PROPERTIES) } : {};
  } catch (error) {
    call.signal?.throwIfAborted();
    return { problem: (error as Error).message };
  }
}

/** Whether two links are the ends of one. Each namespace counts its links from one: an index alone says nothing. */
async function isOtherEnd(here: Host, near: Words, there: Host, far: Words, call: CallOptions): Promise<boolean> {
  const numbers = near["index"] === far["parentIndex"] && far["index"] === near["parentIndex"];
  if (!numbers || near["kind"] !== far["kind"]) return false;
  const space = near["parentNsid"];
  if (space === undefined) return here.netns.equals(there.netns);
  return (await here.nsids.get(there.netns, call)) === space;
}

/**
 * Changes the other end of the link `of`, which somebody may have moved since it was looked at.
 *
 * @throws {Error} where another link has its name by now.
 */
export async function updateAway(here: Host, { of, netns, name, change }: Words): Promise<void> {
  await using there = await Host.open({ netns: String(netns) });
  const near = (await here.links.get(String(of))) as Words | undefined;
  const far = (await there.links.get(String(name))) as Words | undefined;
  const isIt = near !== undefined && far !== undefined && (await isOtherEnd(here, near, there, far, {}));
  if (!isIt) throw new Error(`${String(name)} in ${String(netns)} is not the other end of ${String(of)} any more`);
  await there.links.update(String(name), change as object);
}

/** That the other end is not where it shall be; nothing changes that but a new link. */
export function missingEnd({ before }: Planner, link: DesiredLink): readonly Difference[] {
  const end = before.endsAway?.[link.name];
  if (end === undefined || end.link !== undefined || end.problem !== undefined) return [];
  return [{ field: "peer", from: undefined, to: link.options["peer"] }];
}

/** Makes the other ends of links that stay what the document says, and says of which nothing is known. */
export function planEndsAway(planner: Planner): void {
  for (const link of planner.desired.links) {
    const away = awayOf(link);
    const end = planner.before.endsAway?.[link.name];
    if (away === undefined || end === undefined) continue;
    const subject = `${String(away.peer["name"])} in ${away.netns}`;
    const fields = PROPERTIES.filter((key) => away.peer[key] !== undefined);
    if (end.problem !== undefined) {
      const problem = `the other end of ${link.name}, ${subject}, is not verified: ${end.problem}`;
      planner.warn(problem);
      planner.kept.push({ object: "link", subject, fields: [], untold: ["name", ...fields], problem });
    }
    if (end.link === undefined) continue;
    const differences = fields
      .filter((field) => !sameValue(end.link?.[field], away.peer[field]))
      .map((field) => ({ field, from: end.link?.[field], to: away.peer[field] }));
    planner.keepRest("link", subject, ["name", ...fields], differences);
    const update = (field: string, value: unknown): Request => ({
      object: "link",
      verb: "update",
      words: { of: link.name, name: away.peer["name"], netns: away.netns, change: { [field]: value } },
    });
    if (differences.length > 0)
      planner.add({
        action: "change",
        object: "link",
        subject,
        path: [...link.path, "peer"],
        reason: DIFFERS,
        differences,
        needs: [`link ${link.name}`],
        moves: differences.map(({ field, from, to }) => move(update(field, to), update(field, from))),
      });
  }
}
