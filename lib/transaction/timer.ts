/**
 * A timer of systemd behind the guardian: it is left also when everything is killed that the session began, the guardian
 * included. Where there is no systemd, or it takes no orders from here, the guardian has to do.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

/** Seconds that a timer leaves to the guardian. */
const GRACE = 2;
/** Milliseconds in which systemd has to answer. */
const PATIENCE = 5000;

/** Whether the first process is systemd. Source: sd_booted(3) */
const isSystemd = (): boolean => existsSync("/run/systemd/system");

const unitOf = (id: string): string => `linkwright-revert-${id}`;

/** Runs a program of systemd's; how it ends does not matter. */
function ask(file: string, args: readonly string[]): Promise<void> {
  const options = { stdio: "ignore", cwd: "/", timeout: PATIENCE, killSignal: "SIGKILL" } as const;
  const child = spawn(file, ["--quiet", "--no-ask-password", ...args], options);
  return new Promise((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
}

/** Has systemd start this command when an application should long be over. */
export async function armTimer(id: string, seconds: number, command: readonly string[]): Promise<void> {
  if (!isSystemd()) return;
  await ask("systemd-run", [
    ...["--collect", `--unit=${unitOf(id)}`, "--description=linkwright: put back what nobody confirmed"],
    ...[`--on-active=${seconds + GRACE}`, "--timer-property=AccuracySec=100ms"],
    // `systemctl isolate` would take it away.
    ...["--timer-property=IgnoreOnIsolate=yes", "--"],
    // What looks like a variable would be replaced; in a command that systemd has read again it is not.
    ...command.map((word) => word.replaceAll("$", "$$$$")),
  ]);
}

/** Takes the timer away; one that stays finds nothing to do. */
export async function disarmTimer(id: string): Promise<void> {
  if (isSystemd()) await ask("systemctl", ["stop", `${unitOf(id)}.timer`]);
}
