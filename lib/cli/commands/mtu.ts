/** `linkwright mtu [FILE]` */
import { ENCAPSULATIONS, INSIDE, insideParts, LEAST, MOST } from "../../mtu/encapsulation.ts";
import { isPaste, PASTES, type PasteName, type PasteValues, paste, type Snippet } from "../../mtu/paste.ts";
import { imagined, type MtuPath, parseThrough, pathOf, type Remark, type Through } from "../../mtu/plan.ts";
import type { Desired } from "../../state/desired.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { escapeText } from "../escape.ts";
import { CommandError, EXIT, UsageError } from "../failure.ts";
import {
  disagreements,
  emptyDesired,
  endsOf,
  linksOf,
  needUnderlays,
  observedOnPaper,
  observeMtus,
} from "../mtu-source.ts";
import type { Given } from "../options.ts";
import { fitted, printJson } from "../report.ts";
import { didYouMean } from "../spelling.ts";
import { table } from "../table.ts";
import { type Terminal, withProgress } from "../terminal.ts";

interface Found {
  readonly host?: string;
  readonly paths: readonly MtuPath[];
  /** What concerns no single path. */
  readonly remarks: readonly Remark[];
}

function wordsOf(list: string): string[] {
  return list.split(",").map((word) => word.trim());
}

function unknown(option: string, word: string, known: readonly string[]): UsageError {
  return new UsageError(
    `--${option}: there is no ${JSON.stringify(word)}${didYouMean(word, known)}; known are ${known.join(", ")}`,
  );
}

function throughOf(list: string): Through[] {
  return wordsOf(list).map((word) => {
    const found = parseThrough(word);
    if (found === undefined) throw unknown("through", word, Object.keys(ENCAPSULATIONS));
    return found;
  });
}

function insideOf({ inside }: Given): readonly string[] | undefined {
  const words = inside === undefined ? undefined : wordsOf(inside);
  for (const word of words ?? [])
    if (insideParts(word) === undefined) throw unknown("inside", word, Object.keys(INSIDE));
  return words;
}

function underlayOf({ underlay }: Given): number | undefined {
  if (underlay === undefined) return undefined;
  const bytes = /^\d{1,5}$/.test(underlay) ? Number(underlay) : Number.NaN;
  if (!(bytes >= LEAST && bytes <= MOST))
    throw new UsageError(`--underlay is a number of bytes from ${LEAST} to ${MOST}, not ${JSON.stringify(underlay)}`);
  return bytes;
}

function pastesOf({ paste: where }: Given): readonly PasteName[] {
  if (where === undefined) return [];
  if (where === "all") return PASTES;
  return wordsOf(where).map((word) => {
    if (!isPaste(word)) throw unknown("paste", word, [...PASTES, "all"]);
    return word;
  });
}

function guestsOf(on: string | undefined, { guests }: Desired, asked: readonly string[] | undefined) {
  const told = guests?.on === on ? guests : undefined;
  const inside = asked ?? told?.inside;
  return {
    ...(inside === undefined ? {} : { inside }),
    ...(typeof told?.mtu === "number" ? { mtu: told.mtu } : {}),
  };
}

/** Where the path is neither a document's nor a host's. */
function onPaper(underlay: number, given: Given): Found {
  const links = imagined(underlay, throughOf(given.through ?? "vxlan"));
  const inside = insideOf(given);
  const [top] = links.slice(-1);
  const paths = top === undefined ? [] : [pathOf(top, links, inside === undefined ? {} : { inside })];
  return { paths, remarks: [] };
}

async function find(file: string | undefined, given: Given, terminal: Terminal): Promise<Found> {
  const underlay = underlayOf(given);
  const asked = insideOf(given);
  if (file === undefined && given.host !== undefined)
    throw new UsageError("--host chooses of a document: give its FILE");
  if (file === undefined && underlay !== undefined) return onPaper(underlay, given);
  if (given.through !== undefined)
    throw new UsageError("--through is for a plan on paper: give --underlay, and no FILE");
  const document = file === undefined ? undefined : await readDocument(file, given);
  const desired = document?.desired ?? emptyDesired();
  await using host = underlay === undefined ? await openHost(given) : undefined;
  const observed =
    host === undefined
      ? observedOnPaper(desired, underlay ?? 0)
      : await withProgress(terminal, "looking at the host", () => observeMtus(host));
  const links = await linksOf(desired, observed, host);
  needUnderlays(desired, links);
  const paths = endsOf(desired, links).map((top) => {
    const on = top.kind === "bridge" ? top.name : top.master;
    return pathOf(top, links, guestsOf(on, desired, asked));
  });
  const remarks = host === undefined ? [] : disagreements(desired, observed, links);
  return { ...(document?.host === undefined ? {} : { host: document.host }), paths, remarks };
}

const SIGNS = { wrong: "✗", kernel: "!", note: "·" } as const;

function printRemarks(remarks: readonly Remark[], terminal: Terminal): void {
  const { palette } = terminal;
  const paints = { wrong: palette.bad, kernel: palette.notable, note: palette.faint };
  for (const { name, level, text } of remarks) {
    const line = `${SIGNS[level]} ${escapeText(name)}: ${escapeText(text)}`;
    for (const part of fitted(line, terminal.width, "  ")) terminal.line(paints[level](part));
  }
}

function printPath({ hops, guest, inside, remarks }: MtuPath, terminal: Terminal): void {
  const { palette, width } = terminal;
  const all = [...hops, guest, ...inside];
  const deep = (index: number): string =>
    index < hops.length + 1 ? "  ".repeat(index) : `${"  ".repeat(hops.length + 1)}`;
  const rows = all.map(({ name, kind, mtu, why }, index) => [
    `${deep(index)}${palette.strong(escapeText(name))}`,
    name === kind ? "" : palette.faint(escapeText(kind)),
    String(mtu),
    escapeText(why),
  ]);
  for (const line of table(rows, Number.isFinite(width) ? width : 1000)) terminal.line(line);
  const sorted = [...remarks].sort((a, b) => Number(b.level === "wrong") - Number(a.level === "wrong"));
  if (sorted.length > 0) terminal.line();
  printRemarks(sorted, terminal);
}

function valuesOf({ guest, inside }: MtuPath): PasteValues {
  const ovn = inside.find(({ name }) => name.startsWith("ovn-kubernetes"));
  return { mtu: guest.mtu, bridge: guest.on ?? "br-vm", ...(ovn !== undefined && { pods: ovn.mtu }) };
}

/** The smallest fits everywhere. */
function narrowest(paths: readonly MtuPath[]): MtuPath {
  const [first, ...rest] = paths;
  if (first === undefined)
    throw new CommandError(
      "there is no tunnel and no bridge of guests here, so nothing takes bytes away: every hop has the MTU of its device; " +
        "give a FILE, or --underlay for a plan on paper",
      "ERR_MTU",
    );
  return rest.reduce((least, one) => (one.guest.mtu < least.guest.mtu ? one : least), first);
}

function printSnippets(snippets: readonly (Snippet & { readonly for: PasteName })[], terminal: Terminal): void {
  snippets.forEach((one, index) => {
    if (index > 0) terminal.line();
    const head = `# ${one.for}: ${one.where}`;
    // Comments of the format itself: what is printed can be piped into a file.
    terminal.line(
      one.for === "libvirt" ? `<!-- ${head.slice(2)} -->` : one.for === "kea" ? `// ${head.slice(2)}` : head,
    );
    terminal.line(one.text);
  });
}

/** Says which MTU each hop needs, or what to paste. */
export const run: Run = async ({ operands: [file], given, terminal }) => {
  const wanted = pastesOf(given);
  const { host, paths, remarks } = await find(file, given, terminal);
  const least = narrowest(paths);
  const snippets = wanted.flatMap((name) => paste(name, valuesOf(least)).map((one) => ({ for: name, ...one })));
  if (given.json) printJson({ file, host, paths, remarks, paste: snippets }, terminal);
  else if (wanted.length > 0) printSnippets(snippets, terminal);
  else {
    paths.forEach((path, index) => {
      if (index > 0) terminal.line();
      printPath(path, terminal);
    });
    if (remarks.length > 0) terminal.line();
    printRemarks(remarks, terminal);
  }
  const wrong = [...remarks, ...paths.flatMap((path) => path.remarks)].some(({ level }) => level === "wrong");
  return wrong && wanted.length === 0 ? EXIT.DIFFERENT : EXIT.OK;
};
