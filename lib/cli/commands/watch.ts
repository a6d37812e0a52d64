/** `linkwright watch FILE` */
import { guard, isPassing, type Report, type Suspect } from "../../drift/index.ts";
import { describeVerification } from "../../state/index.ts";
import { clock } from "../../transaction/index.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { escapeText } from "../escape.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { tellReport } from "../journal.ts";
import { counted, painter } from "../report.ts";
import type { Terminal } from "../terminal.ts";
import { secondsOf } from "../transaction.ts";

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

/** Tells what differs as it happens, and puts it right where that is wanted, until it is interrupted. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { desired } = await readDocument(file, given);
  const reconcile = given.reconcile === true;
  const interval = secondsOf(given, "interval");
  if (reconcile) needPrivilege("watch");
  await using host = await openHost(given);
  const options = { reconcile, interval, directory: given.state, allowRecreate: given["allow-recreate"] === true };
  await interruptible(async (signal) => {
    for await (const report of guard(host, desired, { ...options, signal }))
      if (!(await tellReport(host, file, report)) || given.json === true) print(report, terminal, given.json === true);
  });
  return EXIT.OK;
};
