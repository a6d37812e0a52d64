/**
 * Folders of tests beside each other, each by a program in a process of its own. What one prints comes when it has ended;
 * what it skipped and what failed comes at the end, then the sum of all.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

/** What one folder's tests came to: lines for the end, and how many passed, failed and were skipped. */
interface Outcome {
  readonly ending: readonly string[];
  readonly counts: readonly [passed: number, failed: number, skipped: number];
}

const ENDINGS = ["skipped", "tried again", "failed"] as const;
const place = (line: string): number => ENDINGS.findIndex((word) => line.startsWith(`  ${word}: `));

function run(args: readonly string[]): Promise<{ readonly said: string; readonly code: number | null }> {
  const { LINKWRIGHT_TALLY: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ said, code }));
  });
}

/** Prints what a folder's tests said, but for its ending. */
function tell(folder: string, said: string, code: number | null): Outcome {
  const lines = said.split("\n");
  const total = lines.findLast((line) => /^\d+ passed, \d+ failed, \d+ skipped$/.test(line));
  console.log(lines.filter((line) => line !== total && place(line) < 0).join("\n"));
  const ending = lines.filter((line) => place(line) >= 0);
  const [passed = 0, failed = 0, skipped = 0] = total?.match(/\d+/g)?.map(Number) ?? [];
  if (total !== undefined && (failed > 0 || code === 0)) return { ending, counts: [passed, failed, skipped] };
  const line = `  failed: ${folder}: ended with ${code ?? "a signal"}${total === undefined ? " before its tests did" : ""}`;
  return { ending: [...ending, line], counts: [passed, failed + 1, skipped] };
}

/** Runs `jobs` of the folders at a time, in their order; `program` says with which arguments of Node. Returns an exit code. */
export async function beside(
  folders: readonly string[],
  jobs: number,
  program: (folder: string) => readonly string[],
): Promise<number> {
  const waiting = [...folders];
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
      const { said, code } = await run(program(folder));
      outcomes.push(tell(folder, said, code));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const ending = outcomes.flatMap((outcome) => outcome.ending).sort((a, b) => place(a) - place(b));
  for (const line of ending) console.log(line);
  const sum = [0, 1, 2].map((index) => outcomes.reduce((all, { counts }) => all + (counts[index] ?? 0), 0));
  const [passed = 0, failed = 0, skipped = 0] = sum;
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  const tally = process.env["LINKWRIGHT_TALLY"];
  if (tally !== undefined) appendFileSync(tally, `${passed} ${failed} ${skipped}\n`);
  return failed > 0 ? 1 : 0;
}
