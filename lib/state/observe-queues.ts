/** Reads the queues of all links, and what is in them. */
import type { Host } from "../host.ts";
import type { CallOptions } from "../socket/index.ts";
import { consistent } from "./consistent.ts";
import { FILTER_PLACE, isOwnTable, withoutTable } from "./entries/filters.ts";
import { INGRESS } from "./entries/inside.ts";
import type { Observed } from "./observed.ts";
import { type ObservedQdisc, OWN } from "./queue.ts";
import { pick, type Words } from "./step.ts";
import { classKindShapes, innerShapes, isToldWhole, toldClass, toldFilter, toldQdisc } from "./words.ts";

/** All queues of a host. */
export type ObservedQueues = Required<Pick<Observed, "qdiscs" | "queues" | "classes" | "filters">> &
  Pick<Observed, "untoldFilters">;

/** Whether a filter sees what comes in, or what leaves, whatever the queues are. */
const isAtEnd = ({ parent }: Words): boolean => parent === INGRESS || parent === "egress";
/** Others share its filters. */
const hasBlock = ({ ingressBlock, egressBlock }: Words): boolean => (ingressBlock ?? egressBlock) !== undefined;

/** Queues at the roots of links, by the name of the link, and all that is in them or beside them. */
export async function observeQueues(host: Host, call: CallOptions): Promise<ObservedQueues> {
  const { qdiscs } = host;
  const listed = await consistent("qdiscs", () => qdiscs.list({ invisible: true }, call));
  const classes = await consistent("classes", () => qdiscs.classes.list({}, call));
  const filters = await consistent("filters", () => qdiscs.filters.list({}, call));
  const all = listed as unknown as readonly Words[];
  const told = (filters as unknown as readonly Words[]).filter(({ dev }) => dev !== undefined);
  const whole = new Set(told.filter(isToldWhole));
  const untold = told.filter((one) => !whole.has(one)).map((one) => pick(one, FILTER_PLACE));
  const beside = all.filter(({ parent, handle }) => parent !== "root" && handle !== OWN);
  const isOdd = (one: Words): boolean => !Object.hasOwn(innerShapes, String(one["kind"])) || hasBlock(one);
  const strange = (dev: unknown, atEnds: boolean): boolean =>
    beside.some((one) => one["dev"] === dev && (one["parent"] === INGRESS) === atEnds && isOdd(one)) ||
    untold.some((one) => one["dev"] === dev && isAtEnd(one) === atEnds);
  const words = (one: Words): ObservedQdisc => {
    const { dev, parent: _, ...own } = toldQdisc(one) as ObservedQdisc;
    return {
      ...own,
      handle: String(one["handle"]),
      kind: String(one["kind"]),
      ...(strange(dev, true) && { ingress: true as const }),
      ...(strange(dev, false) && { inner: true as const }),
    };
  };
  return {
    qdiscs: Object.fromEntries(
      all.filter(({ parent }) => parent === "root").map((one) => [String(one["dev"]), words(one)]),
    ),
    queues: beside.filter((one) => !isOdd(one)).map(toldQdisc),
    classes: (classes as unknown as readonly Words[])
      .filter(({ kind }) => Object.hasOwn(classKindShapes, String(kind)))
      .map(toldClass),
    filters: [...whole].filter((one) => !isOwnTable(one)).map((one) => withoutTable(toldFilter(one))),
    ...(untold.length > 0 && { untoldFilters: untold }),
  };
}
