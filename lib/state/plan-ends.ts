/** Other ends of links that are made again: they go with these, and come back as they were. */
import type { Gone } from "./entries/sort.ts";
import { free } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import type { Planner } from "./planner.ts";
import { move } from "./planner.ts";
import { peerOf, revived, withPeer } from "./restore.ts";
import type { Words } from "./step.ts";

/** The other end as the document has it made; empty where it says nothing of it. */
function peerNamed({ desired }: Planner, maker: string): Words {
  return (desired.links.find(({ name }) => name === maker)?.options["peer"] ?? {}) as Words;
}

/** The other end that is made again with a link; undefined where that gets another one, or one elsewhere. */
export function endOf(planner: Planner, maker: string): string | undefined {
  const other = peerOf(planner.before, maker);
  const { name = other, netns } = peerNamed(planner, maker);
  return name === other && netns === undefined ? other : undefined;
}

/** The other end as it is made with a link: what the document says, and beyond that what it was. */
export function peerAgain(planner: Planner, maker: string): Words {
  if (endOf(planner, maker) === undefined) return {};
  return { peer: { ...withPeer(planner.before, maker).peer, ...peerNamed(planner, maker) } };
}

/** A host with the other ends that came back, without what was on them. */
export function withEnds(planner: Planner, world: Observed, { links: gone }: Gone): Observed {
  const back = [...planner.ends].flatMap(([name, maker]) => {
    const seen = linkOf(planner.mine, name);
    if (seen === undefined) return [];
    const { mac = seen["mac"], mtu = seen["mtu"] } = peerNamed(planner, maker);
    const link = { ...seen, mac, mtu };
    return [gone.has(String(seen["master"])) ? free(link) : link];
  });
  return back.length === 0 ? world : { ...world, links: [...world.links, ...back] };
}

/** Steps that make other ends what they were, once they are there again. */
export function planEnds(planner: Planner, world: Observed): void {
  const { before, desired, ends } = planner;
  const named = new Set(desired.sysctls.map(({ key }) => key));
  for (const [name, maker] of ends) {
    const requests = revived({ ...before, links: world.links }, name, named);
    planner.add({
      id: planner.again(name).join(),
      action: "change",
      object: "link",
      subject: name,
      path: desired.links.find((link) => link.name === maker)?.path ?? [],
      reason: `goes with ${maker}, and is put back`,
      needs: planner.linkIds(maker, linkOf(world, name)?.["master"]),
      // It goes with the link that was made.
      moves: requests.map((one) => move(one)),
      restores: true,
    });
  }
}
