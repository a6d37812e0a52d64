/** What is told of drift on the terminal and as data. */
import { isPassing, type Report, type Suspect } from "../drift/index.ts";
import type { Host } from "../host.ts";
import { describeVerification } from "../state/index.ts";
import { clock } from "../transaction/index.ts";
import { escapeText } from "./escape.ts";
import { messagesOf } from "./failure.ts";
import { tellReport } from "./journal.ts";
import { counted, painter } from "./report.ts";
import type { Terminal } from "./terminal.ts";

function describeSuspect({ who, because, cure }: Suspect): string {
  const how = because === "seen" ? "changed something just then" : "runs here and is known to change such things";
  return `${who} ${how}${cure === undefined ? "" : `: ${cure}`}`;
}

function describe(report: Report, { palette }: Terminal): readonly string[] {
  switch (report.type) {
    case "ok":
      return [`${palette.good("✓")} as the document says, ${counted(report.verification.counts.same, "property")}`];
    case "drift":
      return [
        ...describeVerification(report.verification, painter(palette)),
        ...report.suspects.map((one) => `    ${escapeText(describeSuspect(one))}`),
      ];
    case "repaired":
      return [
        `${palette.good("✓")} put right, ${counted(report.steps, "step")}` +
          (report.contested ? "; somebody keeps undoing it, so it is done more seldom now" : ""),
      ];
    case "failed":
      return messagesOf(report.error).map(
        (message) => `${isPassing(report.error) ? palette.notable("!") : palette.bad("✗")} ${escapeText(message)}`,
      );
  }
}

/** A report as data, without the plan that it came from. */
function plain(report: Report): object {
  if (report.type === "repaired") return report;
  if (report.type === "failed") return { type: report.type, error: messagesOf(report.error) };
  const { differences, counts } = report.verification;
  return { type: report.type, counts, ...(report.type === "drift" && { differences, suspects: report.suspects }) };
}

function print(report: Report, terminal: Terminal, json: boolean): void {
  const at = new Date();
  if (json) {
    terminal.line(
      JSON.stringify({ at: at.toISOString(), ...plain(report) }, (_, one: unknown) =>
        typeof one === "bigint" ? String(one) : one,
      ),
    );
    return;
  }
  for (const line of describe(report, terminal)) terminal.line(`${terminal.palette.faint(clock(at))} ${line}`);
}

/** Tells a report: to the journal of systemd where that is what listens, else as text with the time of day, or as one line of JSON. */
export async function tellDrift(
  host: Host,
  file: string,
  report: Report,
  terminal: Terminal,
  json: boolean,
): Promise<void> {
  if (!(await tellReport(host, file, report)) || json) print(report, terminal, json);
}
