/** What the commands that change a host have in common: time to confirm, probes, and what is said of how it ended. */
import type { Host } from "../host.ts";
import { describeResult, type Probe, runProbes, type SshClient, sshClientOn } from "../probe/index.ts";
import { type Desired, probesOf } from "../state/index.ts";
import {
  type Check,
  clock,
  confirm,
  LONGEST_CONFIRM,
  type Mode,
  type Planned,
  RevertedError,
  revert,
  type StoreOptions,
  type Transacted,
  transact,
  untilEnded,
} from "../transaction/index.ts";
import type { Invocation } from "./command.ts";
import { interruptible } from "./document.ts";
import { EXIT, UsageError } from "./failure.ts";
import type { Given } from "./options.ts";
import { printPlan, printVerification } from "./report.ts";
import { type Terminal, withProgress } from "./terminal.ts";

/** Seconds to confirm in where the program was started over SSH and nothing else is said. */
const OVER_SSH = 120;

/** @throws {UsageError} */
export function secondsOf(given: Given, name: "confirm" | "wait" | "interval"): number | undefined {
  const text = given[name];
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= LONGEST_CONFIRM) return Number(text);
  throw new UsageError(`--${name} takes whole seconds from 0 to ${LONGEST_CONFIRM}, got ${JSON.stringify(text)}`);
}

/** Options for everything about journals. @throws {UsageError} */
export function storeOptions(given: Given): StoreOptions {
  return { directory: given.state, wait: secondsOf(given, "wait") };
}

/** How long somebody has to confirm, and why that long. */
function confirmation(
  given: Given,
  desired: Desired,
  client: SshClient | undefined,
): { seconds: number; why?: string } {
  const seconds = secondsOf(given, "confirm") ?? desired.confirm;
  if (seconds !== undefined || client === undefined) return { seconds: seconds ?? 0 };
  return { seconds: OVER_SSH, why: `started over SSH from ${client.address}; --confirm 0 waits for nobody` };
}

/** The document's probes, and with a client its own: whoever sits there must not be cut off. */
function probesFor(desired: Desired, { plan, observed }: Planned, client: SshClient | undefined): readonly Probe[] {
  const probes = probesOf(desired, plan, observed, { sshClient: client });
  if (client === undefined || probes.some((one) => "sshClient" in one)) return probes;
  return [...probes, { sshClient: client }];
}

async function checksOf(host: Host, probes: readonly Probe[]): Promise<readonly Check[]> {
  // What is written to the session lets its client show that it hears.
  const starting = (probe: Probe): void => {
    if ("sshClient" in probe && process.stderr.isTTY) process.stderr.write("\r");
  };
  const results = await runProbes(host, probes, { starting });
  return results.map((result) => ({ ok: result.ok, text: describeResult(result) }));
}

function printChecks(checks: readonly Check[], terminal: Terminal): void {
  const { good, bad } = terminal.palette;
  for (const { ok, text } of checks) terminal.line(`${ok ? good("✓") : bad("✗")} ${text}`);
}

/** Applies or removes with journal and guardian, and prints what happens on the way. */
export async function carryOut(
  { given, terminal }: Invocation,
  host: Host,
  desired: Desired,
  mode: Mode,
): Promise<Transacted> {
  const client = await sshClientOn(host);
  const { seconds, why } = confirmation(given, desired, client);
  let shown = false;
  const onPlan = (planned: Planned): void => {
    if (mode === "apply") probesFor(desired, planned, client); // what is wrong with a probe is told before anything is done
    if (given.json) return;
    if (shown) terminal.remark("the host changed meanwhile; planned again");
    if (mode === "apply" || planned.plan.steps.length > 0) printPlan(planned.plan, terminal, given.explain === true);
    shown = true;
    if (planned.plan.steps.length > 0 && why !== undefined)
      terminal.line(`to be confirmed within ${seconds} s (${why})`);
  };
  try {
    return await interruptible((signal) =>
      withProgress(terminal, "looking at the host", (say) =>
        transact(host, desired, {
          ...storeOptions(given),
          mode,
          signal,
          confirm: seconds,
          allowRecreate: given["allow-recreate"] === true,
          onPlan,
          onProgress: ({ step, number, of }) => say(`step ${number} of ${of}: ${step.object} ${step.subject}`),
          ...(mode === "apply" && {
            probe: (planned) => {
              say("probing");
              return checksOf(host, probesFor(desired, planned, client));
            },
          }),
        }),
      ),
    );
  } catch (error) {
    if (error instanceof RevertedError && !given.json) {
      if (error.verification?.ok === false) printVerification(error.verification, terminal);
      printChecks(error.checks, terminal);
      if (error.checksAfter.length > 0) terminal.line("after the old state was put back:");
      printChecks(error.checksAfter, terminal);
    }
    throw error;
  }
}

/** What is said of checks that were passed. */
export function printPassed({ checks }: Transacted, terminal: Terminal): void {
  printChecks(checks, terminal);
}

/** A line that somebody types; undefined when the signal comes first, or the input ends. */
function typed(signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { stdin } = process;
    const done = (text: string | undefined): void => {
      stdin.off("data", take).pause();
      resolve(text);
    };
    const take = (data: Buffer): void => done(data.toString("utf8").trim());
    stdin.on("data", take).once("end", () => done(undefined));
    signal.addEventListener("abort", () => done(undefined), { once: true });
  });
}

async function answer(host: Host, options: StoreOptions, ended: AbortSignal): Promise<void> {
  try {
    const line = await interruptible((stopped) =>
      typed(AbortSignal.any([ended, stopped])).then((text) => (stopped.aborted ? "r" : text)),
    );
    if (line === undefined) return;
    await (/^r/i.test(line) ? revert(host, options) : confirm(host, options));
  } catch (error) {
    // Somebody else was quicker: the end of it is told below.
    if ((error as { code?: unknown }).code !== "ERR_NOT_PENDING") throw error;
  }
}

/**
 * Waits for an answer where somebody sits at a terminal; elsewhere says how to give one, and leaves. Returns the exit
 * code.
 */
export async function awaitAnswer(
  { given, terminal }: Invocation,
  host: Host,
  { id = "", deadline = new Date() }: Transacted,
): Promise<number> {
  const until = clock(deadline);
  const options = storeOptions(given);
  if (given.json || process.stdin.isTTY !== true || !terminal.watched) {
    if (!given.json)
      terminal.line(
        `the old state is put back at ${until} unless somebody runs: linkwright confirm (now: linkwright revert)`,
      );
    return EXIT.OK;
  }
  terminal.line(`press Enter to keep it, r and Enter to put the old state back; that happens by itself at ${until}`);
  const over = new AbortController();
  const asked = answer(host, options, over.signal);
  const end = await untilEnded(host, id, options);
  over.abort();
  await asked;
  terminal.line(
    end.outcome === "committed" ? "kept" : `the old state is back${end.reason === undefined ? "" : `: ${end.reason}`}`,
  );
  return end.outcome === "committed" ? EXIT.OK : EXIT.DIFFERENT;
}
