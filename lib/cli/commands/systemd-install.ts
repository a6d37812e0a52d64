/** `linkwright systemd install FILE`, `linkwright systemd uninstall` */
import { readFileSync } from "node:fs";
import type { Host } from "../../host.ts";
import { describeResult, runProbes } from "../../probe/index.ts";
import { type Desired, probesOf } from "../../state/index.ts";
import {
  detectVersion,
  type FileChange,
  filesInCharge,
  type Installation,
  InstallError,
  type Installed,
  install,
  type Owner,
  surveyInstallation,
  surveyRemoval,
  type Unsaid,
  uninstall,
} from "../../systemd/index.ts";
import { unmanagedNames } from "../../systemd/unmanaged.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { printDiff } from "../file-changes.ts";
import { remarkOnInstallation, takeInstallationsBack } from "../installations.ts";
import { tellInstalled, tellNotInstalled, tellWaiting } from "../journal.ts";
import { askOwners } from "../owners.ts";
import { counted, printJson } from "../report.ts";
import { type Terminal, withProgress } from "../terminal.ts";
import { secondsOf, storeOptions } from "../transaction.ts";
import { version } from "../version.ts";

const BY: Readonly<Record<Unsaid["by"], string>> = {
  nftables: "by linkwright-nftables.service",
  apply: "by linkwright-apply.service",
  nothing: "note",
};

function printInstalled(
  { changes }: Installation,
  { links, rest, verification, checks }: Installed,
  terminal: Terminal,
): void {
  const { good, bad } = terminal.palette;
  terminal.line(
    changes.length === 0 ? "all files were as they should be" : `${counted(changes.length, "file")} changed`,
  );
  for (const name of leftOver(changes))
    terminal.line(`${name} is no more made at boot; it is there until then: ip link delete ${name}`);
  for (const { name, operational } of links)
    terminal.line(`${good("✓")} ${name} is configured by networkd, ${operational}`);
  if (rest.length > 0) terminal.line(`${counted(rest.length, "step")} that networkd does not do`);
  terminal.line(`${good("✓")} as the document says, ${counted(verification.counts.same, "property")}`);
  for (const { ok, text } of checks) terminal.line(`${ok ? good("✓") : bad("✗")} ${text}`);
}

/** Links that networkd made and will no more. */
function leftOver(changes: readonly FileChange[]): readonly string[] {
  return changes.flatMap(({ path, after }) =>
    after === undefined ? (/\/\d\d-linkwright-(.+)\.netdev$/.exec(path)?.slice(1) ?? []) : [],
  );
}

/**
 * Whose links stand in the way: those of NetworkManager, as networkd is about to have the others. Without networkd also those
 * of networkd, but for what it is told to leave alone.
 */
function mattersTo(desired: Desired, direct: boolean): (link: string, owner: Owner) => boolean {
  const left = new Set(unmanagedNames(desired));
  return (link, { by }) => by === "NetworkManager" || (direct && !left.has(link));
}

/** Links that networkd is not done with in the time that is given to it: installed is all the same. */
async function warnOfLate(host: Host, file: string, { late }: Installed, terminal: Terminal): Promise<void> {
  if (late === undefined)
    return terminal.remark("networkd could not be asked at the end whether it is done; see networkctl", "warning");
  for (const { name, administrative, operational } of late) {
    const text = `networkd has not configured ${name} yet (${administrative}, ${operational}): installed all the same; see networkctl status ${name}`;
    if (!(await tellWaiting(host, file, text, [name]))) terminal.remark(text, "warning");
  }
}

/** Installs a document as files for networkd, or shows what that would change. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  const text = readFileSync(file, "utf8");
  const dry = given["dry-run"] === true;
  if (!dry) needPrivilege("systemd install");
  await using host = await openHost(given);
  if (dry) await remarkOnInstallation(terminal);
  else await takeInstallationsBack(host, given, terminal);
  const of = name === undefined ? {} : { host: name };
  const survey = {
    desired,
    text,
    version: detectVersion(),
    tool: version(),
    runtime: given.runtime === true,
    direct: given.direct === true,
    allowManaged: given["allow-managed"] === true,
    ...(given.direct === true ? {} : { inCharge: await filesInCharge() }),
    ...of,
  };
  const installation = await surveyInstallation(survey);
  const { unsaid, changes } = installation;
  if (!given.json)
    for (const { path, reason, by } of unsaid) terminal.remark(`${BY[by]}: ${path.join(".")}: ${reason}`);
  if (dry) {
    if (given.json) printJson({ file, host: name, changes, unsaid }, terminal);
    else printDiff(changes, terminal);
    return changes.length === 0 ? EXIT.OK : EXIT.DIFFERENT;
  }
  const matters = mattersTo(desired, given.direct === true);
  const checkOwners = await askOwners(host, desired, { given, terminal, matters, atBoot: given.direct === true });
  const done = await interruptible((signal) =>
    withProgress(terminal, "looking at the host", (say) =>
      install(host, desired, installation, {
        ...storeOptions(given),
        signal,
        deadline: secondsOf(given, "deadline"),
        allowRecreate: given["allow-recreate"] === true,
        onPlan: (plan) => {
          checkOwners(plan);
          if (!given.json) for (const warning of plan.warnings) terminal.remark(warning);
        },
        onProgress: say,
        probe: async ({ plan, observed }) => {
          const results = await runProbes(host, probesOf(desired, plan, observed, {}));
          return results.map((result) => ({ ok: result.ok, text: describeResult(result) }));
        },
      }),
    ),
  ).catch(async (error: unknown) => {
    if (error instanceof InstallError) await tellNotInstalled(host, file, error, error.code === "ERR_INSTALL");
    throw error;
  });
  const { plan, ...told } = done;
  const { steps, warnings } = plan;
  await tellInstalled(host, { file, files: changes.length, steps: steps.length });
  await warnOfLate(host, file, done, terminal);
  if (given.json) printJson({ file, host: name, changes, unsaid, steps, warnings, ...told }, terminal);
  else printInstalled(installation, done, terminal);
  return EXIT.OK;
};

/** Takes away all files that were installed, or shows them. */
export const back: Run = async ({ given, terminal }) => {
  if (given["dry-run"] === true) {
    await remarkOnInstallation(terminal);
    const changes = await surveyRemoval();
    if (given.json) printJson({ changes }, terminal);
    else printDiff(changes, terminal);
    return changes.length === 0 ? EXIT.OK : EXIT.DIFFERENT;
  }
  needPrivilege("systemd uninstall");
  await using host = await openHost(given);
  await takeInstallationsBack(host, given, terminal);
  const changes = await surveyRemoval();
  const { warnings } = await uninstall(changes);
  await tellInstalled(host, { files: changes.length });
  if (given.json) printJson({ changes, warnings }, terminal);
  else {
    for (const { path } of changes) terminal.line(`removed ${path}`);
    for (const warning of warnings) terminal.remark(warning);
    terminal.line(
      changes.length === 0
        ? "nothing was installed"
        : "links, addresses and sysctls stay until the next boot; linkwright remove FILE takes them away now",
    );
  }
  return EXIT.OK;
};
