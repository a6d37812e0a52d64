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
    found[link.name] = { ...place, ...(await endAway(place, near, call)) };
  }
  return found;
}

async function endAway(
  { name, netns }: Pick<EndAway, "name" | "netns">,
  near: Words,
  call: CallOptions,
): Promise<Pick<EndAway, "link" | "problem">> {
  try {
    await using host = await Host.open({ netns });
    const far = (await host.links.get(name, call)) as Words | undefined;
    const isIt = far?.["kind"] === near["kind"] && far?.["index"] === near["parentIndex"];
    return far === undefined || !isIt ? {} : { link: pick(far, PROPERTIES) };
  } catch (error) {
    call.signal?.throwIfAborted();
    return { problem: (error as Error).message };
  }
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
    if (end.problem !== undefined)
      planner.warn(`the other end of ${link.name}, ${subject}, is not verified: ${end.problem}`);
    if (end.link === undefined) continue;
    const fields = PROPERTIES.filter((key) => away.peer[key] !== undefined);
    const differences = fields
      .filter((field) => !sameValue(end.link?.[field], away.peer[field]))
      .map((field) => ({ field, from: end.link?.[field], to: away.peer[field] }));
    planner.keepRest("link", subject, ["name", ...fields], differences);
    const update = (field: string, value: unknown): Request => ({
      object: "link",
      verb: "update",
      words: { name: away.peer["name"], netns: away.netns, change: { [field]: value } },
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
