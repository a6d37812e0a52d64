/**
 * Finds the commands in what somebody pasted: an article with code fences, a terminal with prompts, or plain lines.
 * What is no command is kept as prose, which may say things that the commands contradict.
 */
import type { Line } from "./lexer.ts";

/** Lines of commands, and the host that a heading before them names. */
export interface Block {
  readonly label?: string;
  readonly lines: readonly Line[];
}
/** A text taken apart. */
export interface Pasted {
  readonly blocks: readonly Block[];
  readonly prose: readonly Line[];
  /** Lines that look like commands behind a comment sign. */
  readonly commented: readonly Line[];
}

const KNOWN = [
  "ip",
  "bridge",
  "brctl",
  "iptables",
  "ip6tables",
  "nft",
  "sysctl",
  "echo",
  "cat",
  "sudo",
  "modprobe",
  "tee",
];
const PATHS = "(?:/usr)?(?:/s?bin/)?";
const COMMAND = new RegExp(`^${PATHS}(?:${KNOWN.join("|")})(?:\\s|$)`);
const FENCE = /^\s*(~~~+|```+)/;
/** `# `, `$ `, `root@bm1:~# `, `[root@bm1 ~]# `. */
const PROMPT = /^\s*(?:(?:[\w.-]+@[\w.-]+:[^\s#$]*|\[[\w.-]+@[\w.-]+ [^\]]*\])\s*)?([#$>])\s+(?=\S)/;
/** A heading that may name a host: `**Baremetal 1 :**`, `## bm1`, `On bm2:`. */
const HEADING = /^\s*(?:#{1,6}\s+|[*_]{2})?(?:on\s+)?([\p{L}][\p{L}\p{N} ._-]{0,40}?)\s*:?\s*[*_]{0,2}\s*:?\s*$/iu;

function promptOf(text: string): { readonly sign: string; readonly rest: string } | undefined {
  const found = PROMPT.exec(text);
  if (found === null) return undefined;
  return { sign: found[1] ?? "", rest: text.slice(found[0].length) };
}

/** Lines that continue the one before: after a backslash, and in here-documents. */
function continued(lines: readonly Line[]): boolean[] {
  let open = false;
  let tag: string | undefined;
  return lines.map(({ text }) => {
    const was = open || tag !== undefined;
    if (tag !== undefined) {
      if (text.trim() === tag) tag = undefined;
      return was;
    }
    open = /\\\r?$/.test(text);
    tag = /<<-?\s*(['"]?)(\w+)\1/.exec(text)?.[2];
    return was;
  });
}

/** Takes prompts away where the lines have them; what has none is then output, or prose. */
function withoutPrompts(lines: readonly Line[]): { commands: Line[]; others: Line[]; commented: Line[] } {
  const goesOn = continued(lines);
  const begins = lines.filter((_, i) => !goesOn[i]);
  const isCommand = ({ text }: Line): boolean => COMMAND.test(text.trimStart());
  const behind = (line: Line): boolean => COMMAND.test(promptOf(line.text)?.rest ?? "");
  const plain = begins.some(isCommand);
  const prompted = !plain && begins.some(behind);
  const commands: Line[] = [];
  const others: Line[] = [];
  const commented: Line[] = [];
  let taken = true;
  for (const [i, line] of lines.entries()) {
    const prompt = goesOn[i] ? undefined : promptOf(line.text);
    if (goesOn[i]) (taken ? commands : others).push(line);
    else if (prompt !== undefined && (prompted || (prompt.sign !== "#" && behind(line)))) {
      taken = true;
      commands.push({ ...line, text: prompt.rest });
    } else if (plain && prompt?.sign === "#" && behind(line)) {
      taken = false;
      commented.push(line);
    } else {
      taken = !prompted;
      (taken ? commands : others).push(line);
    }
  }
  return { commands, others, commented };
}

/** Whether a text has fences, and what stands between them. */
function fenced(lines: readonly Line[]): { blocks: Block[]; prose: Line[] } | undefined {
  if (!lines.some(({ text }) => FENCE.test(text))) return undefined;
  const blocks: Block[] = [];
  const prose: Line[] = [];
  let inside: Line[] | undefined;
  let mark = "";
  let heading: string | undefined;
  for (const line of lines) {
    const fence = FENCE.exec(line.text)?.[1];
    if (inside === undefined && fence !== undefined) {
      inside = [];
      mark = fence;
      blocks.push({ ...(heading !== undefined && { label: heading }), lines: inside });
      heading = undefined;
    } else if (inside !== undefined && fence?.startsWith(mark) === true) inside = undefined;
    else if (inside !== undefined) inside.push(line);
    else {
      prose.push(line);
      if (line.text.trim() !== "") heading = HEADING.exec(line.text)?.[1];
    }
  }
  return { blocks, prose };
}

/** Splits a paste into what is to be read as commands, and the rest. */
export function takeApart(text: string): Pasted {
  const lines = text.split("\n").map((one, i): Line => ({ number: i + 1, text: one }));
  const { blocks, prose } = fenced(lines) ?? { blocks: [{ lines }], prose: [] };
  const found: Block[] = [];
  const commented: Line[] = [];
  for (const block of blocks) {
    const split = withoutPrompts(block.lines);
    prose.push(...split.others);
    commented.push(...split.commented);
    // A fence without any command shows something else.
    if (blocks.length > 1 && !split.commands.some(({ text: one }) => COMMAND.test(one.trimStart())))
      prose.push(...block.lines);
    else found.push({ ...block, lines: split.commands });
  }
  return { blocks: found, prose, commented };
}

/** A name for a host out of a heading: `Baremetal 1` is baremetal1. */
export function hostName(label: string): string {
  return label
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "")
    .slice(0, 60);
}
