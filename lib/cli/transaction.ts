/** What the commands that change a host have in common: time to confirm, probes, and what is said of how it ended. */
import { setMaxListeners } from "node:events";
import type { Host } from "../host.ts";
import { type Probe, type SshClient, sshClientOn } from "../probe/index.ts";
import { type Desired, probesOf } from "../state/index.ts";
import {
  type Check,
  checksOf,
  clock,
  confirm,
  describeReport,
  describeWayBack,
  LONGEST_CONFIRM,
  type Mode,
  type Planned,
  RefusedError,
  RevertedError,
  revert,
  type StoreOptions,
  type Transacted,
  takeReport,
  transact,
  untilEnded,
} from "../transaction/index.ts";
import type { Invocation } from "./command.ts";
import { interruptible } from "./document.ts";
import { EXIT, messagesOf, UsageError } from "./failure.ts";
import { tellApplied, tellEnded, tellFailed } from "./journal.ts";
import type { Given } from "./options.ts";
import { askOwners } from "./owners.ts";
import { printPlan, printVerification } from "./report.ts";
import { type Terminal, withProgress } from "./terminal.ts";

/** Seconds to confirm in where the program was started over SSH and nothing else is said. */
const OVER_SSH = 120;

/** @throws {UsageError} */
export function secondsOf(given: Given, name: "confirm" | "wait" | "interval" | "deadline"): number | undefined {
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

/** What is written to the session lets its client show that it hears. */
function starting(probe: Probe): void {
  if ("sshClient" in probe && process.stderr.isTTY) process.stderr.write("\r");
}

function checkLine({ ok, text }: Check, { palette: { good, bad } }: Terminal): string {
  return `${ok ? good("✓") : bad("✗")} ${text}`;
}
function printChecks(checks: readonly Check[], terminal: Terminal): void {
  for (const one of checks) terminal.line(checkLine(one, terminal));
}

const AFTER = "after the old state was put back:";

/** What the document's probes found after the old state was put back. */
export function printChecksAfter(checks: readonly Check[], terminal: Terminal): void {
  if (checks.length > 0) terminal.line(AFTER);
  printChecks(checks, terminal);
}

/** What a guardian did meanwhile, once, beside the output; a report that nobody may believe stops nothing. */
export async function printReport({ given, terminal }: Invocation, host: Host): Promise<void> {
  try {
    const report = await takeReport(host, { directory: given.state });
    if (report === undefined) return;
    terminal.remark(describeReport(report));
    const { checksAfter = [] } = report;
    if (checksAfter.length > 0) terminal.remark(AFTER);
    for (const one of checksAfter) terminal.remark(checkLine(one, terminal));
  } catch (error) {
    for (const line of messagesOf(error)) terminal.remark(line);
  }
}

/** Applies or removes with journal and guardian, and prints what happens on the way. */
export async function carryOut(invocation: Invocation, host: Host, desired: Desired, mode: Mode): Promise<Transacted> {
  const {
    operands: [file = ""],
    given,
    terminal,
  } = invocation;
  await printReport(invocation, host);
  const client = await sshClientOn(host);
  const { seconds, why } = confirmation(given, desired, client);
  // What the document's probes reach may be gone with what is removed.
  const own = client === undefined ? [] : [{ sshClient: client }];
  const probes = (planned: Planned): readonly Probe[] => (mode === "apply" ? probesFor(desired, planned, client) : own);
  const checkOwners = await askOwners(host, desired, { given, terminal });
  let shown = false;
  const onPlan = (planned: Planned): void => {
    checkOwners(planned.plan);
    probes(planned); // what is wrong with one is told before anything is done
    if (given.json) return;
    if (shown) terminal.remark("the host changed meanwhile; planned again");
    if (mode === "apply" || planned.plan.steps.length > 0)
      printPlan(planned.plan, terminal, given.explain && desired.source);
    shown = true;
    if (planned.plan.steps.length > 0 && why !== undefined)
      terminal.line(`to be confirmed within ${seconds} s (${why})`);
  };
  try {
    const done = await interruptible((signal) =>
      withProgress(terminal, "looking at the host", (say) =>
        transact(host, desired, {
          ...storeOptions(given),
          mode,
          signal,
          confirm: seconds,
          allowRecreate: given["allow-recreate"] === true,
          onPlan,
          onProgress: ({ step, number, of }) => say(`step ${number} of ${of}: ${step.object} ${step.subject}`),
          probe: (planned) => {
            say("probing");
            return checksOf(host, probes(planned), { starting });
          },
          probes,
        }),
      ),
    );
    await tellApplied(host, file, mode, done);
    return done;
  } catch (error) {
    await tellFailed(host, file, error);
    if (error instanceof RevertedError && !given.json) {
      if (error.verification?.ok === false) printVerification(error.verification, terminal);
      printChecks(error.checks, terminal);
      printChecksAfter(error.checksAfter, terminal);
    }
    if (error instanceof RefusedError && !given.json) printChecksAfter(error.checksAfter, terminal);
    throw error;
  }
}

/** What is said of checks that were passed. */
export function printPassed({ checks }: Transacted, terminal: Terminal): void {
  printChecks(checks, terminal);
}

/** What is typed, line by line; undefined when the signal comes, or the input ends. */
function typed(signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { stdin } = process;
    const done = (text: string | undefined): void => {
      stdin.off("data", take).off("end", end).pause();
      signal.removeEventListener("abort", end);
      resolve(text);
    };
    const take = (data: Buffer): void => done(data.toString("utf8").trim());
    const end = (): void => done(undefined);
    stdin.on("data", take).once("end", end).resume();
    signal.addEventListener("abort", end, { once: true });
  });
}

/** Milliseconds in which what was typed before the question comes in, and is no answer to it. */
const TYPED_AHEAD = 150;

/** Asks until the answer is one, or the signal comes. */
async function ask(terminal: Terminal, until: string, signal: AbortSignal): Promise<"keep" | "revert" | undefined> {
  await typed(AbortSignal.any([signal, AbortSignal.timeout(TYPED_AHEAD)]));
  for (;;) {
    terminal.line(`press Enter to keep it, r and Enter to put the old state back; that happens by itself at ${until}`);
    const line = await typed(signal);
    if (line === undefined) return undefined;
    if (/^(y(es)?|k(eep)?|confirm)?$/i.test(line)) return "keep";
    if (/^(r(evert)?|n(o)?|u(ndo)?|q(uit)?)$/i.test(line)) return "revert";
  }
}

async function giveAnswer(host: Host, word: "keep" | "revert", options: StoreOptions): Promise<Answered> {
  const ended = await (word === "revert" ? revert : confirm)(host, options);
  await tellEnded(host, ended);
  if (ended.state === "committed") return { text: "kept", code: EXIT.OK };
  const { wayBack, checksAfter } = ended;
  return { text: describeWayBack(wayBack), code: EXIT.DIFFERENT, checksAfter };
}

/** How it ended, and the exit code. */
interface Answered {
  readonly text: string;
  readonly code: number;
  readonly checksAfter?: readonly Check[];
}

/** The end that somebody else gave it. */
async function endOf(host: Host, id: string, options: StoreOptions): Promise<Answered> {
  const { outcome, reason } = await untilEnded(host, id, options);
  if (outcome === "committed") return { text: "kept", code: EXIT.OK };
  return { text: `the old state is back${reason === undefined ? "" : `: ${reason}`}`, code: EXIT.DIFFERENT };
}

/** Asks whoever sits there, until there is an answer or somebody else gave one. */
async function converse(
  host: Host,
  id: string,
  terminal: Terminal,
  until: string,
  options: StoreOptions,
): Promise<Answered> {
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const ended = endOf(host, id, { ...options, signal: over.signal });
  // Its end is of no interest where an answer comes first.
  ended.catch(() => undefined);
  try {
    const word = await interruptible(async (stopped) => {
      const quiet = AbortSignal.any([over.signal, stopped]);
      const first = await Promise.race([ask(terminal, until, quiet), ended.then(() => undefined)]);
      return stopped.aborted ? "revert" : first;
    });
    return word === undefined ? await ended : await giveAnswer(host, word, options);
  } catch (error) {
    // Somebody else was quicker.
    if ((error as { code?: unknown }).code !== "ERR_NOT_PENDING") throw error;
    return await ended;
  } finally {
    over.abort();
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
  if (given.json) return EXIT.OK;
  if (process.stdin.isTTY !== true || !terminal.watched) {
    const ways = "unless somebody runs: linkwright confirm (now: linkwright revert)";
    terminal.line(`the old state is put back at ${until} ${ways}`);
    return EXIT.OK;
  }
  const { text, code, checksAfter = [] } = await converse(host, id, terminal, until, storeOptions(given));
  terminal.line(text);
  printChecksAfter(checksAfter, terminal);
  return code;
}
