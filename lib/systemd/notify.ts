/** What a service tells systemd. Source: sd_notify(3) */

import { errnoName, errnoText } from "../socket/errors.ts";
import { deliverUnix, sendUnix } from "../socket/unix.ts";
import { SystemdError } from "./bus/error.ts";

/** Tells systemd, as `READY=1`; each argument is a line. */
export type Tell = (...lines: readonly string[]) => void;

/** Where systemd listens; undefined where it does not wait for this process. */
function socketOf({ NOTIFY_SOCKET: path }: NodeJS.ProcessEnv): string | undefined {
  return path !== undefined && /^[/@]./.test(path) ? path : undefined;
}

/** A line break in a value would begin another line. */
const messageOf = (lines: readonly string[]): string => lines.map((line) => line.replaceAll(/\s+/g, " ")).join("\n");

/** How systemd wants to be told; one that tells nobody where this process is no service of it, or not of that type. */
export function teller(env: NodeJS.ProcessEnv = process.env): Tell {
  const path = socketOf(env);
  if (path === undefined) return () => undefined;
  return (...lines) => void sendUnix(path, messageOf(lines));
}

/** What a service tells of itself. */
export interface Notice {
  /** It is up, or has read its configuration again. `READY=1` */
  readonly ready?: true | undefined;
  /** It reads its configuration again, until the next `ready`. `RELOADING=1` and `MONOTONIC_USEC=` */
  readonly reloading?: true | undefined;
  /** It is about to end. `STOPPING=1` */
  readonly stopping?: true | undefined;
  /** It is alive: to be told at least once in the time of {@link watchdogSeconds}. `WATCHDOG=1` */
  readonly watchdog?: true | undefined;
  /** One line for `systemctl status`; line breaks become blanks. `STATUS=` */
  readonly status?: string | undefined;
  /** The process that systemd is to watch, where it is another. `MAINPID=` */
  readonly mainPid?: number | undefined;
}

function linesOf({ ready, reloading, stopping, watchdog, status, mainPid }: Notice): readonly string[] {
  const lines: string[] = [];
  if (reloading) lines.push("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  if (ready) lines.push("READY=1");
  if (stopping) lines.push("STOPPING=1");
  if (watchdog) lines.push("WATCHDOG=1");
  if (status !== undefined) lines.push(`STATUS=${status}`);
  if (mainPid !== undefined) lines.push(`MAINPID=${mainPid}`);
  return lines;
}

/**
 * Tells systemd how a service is. Gives false, and does nothing, where it does not wait for this process: the unit is not
 * `Type=notify`, or nobody started it as a unit. Same as: systemd-notify
 *
 * @throws {SystemdError} `ERR_LOST` where systemd's socket does not take it.
 */
export async function notify(notice: Notice, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const path = socketOf(env);
  if (path === undefined) return false;
  const errno = await deliverUnix(path, messageOf(linesOf(notice)));
  if (errno === 0) return true;
  const why = `${errnoText(errno)} (${errnoName(errno)})`;
  throw new SystemdError("ERR_LOST", `cannot notify systemd at ${path}: ${why}; NOTIFY_SOCKET is not to be handed on`);
}

/** Seconds within which systemd wants to hear `WATCHDOG=1`; undefined where it does not wait for it. */
export function watchdogSeconds(env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: of } = env;
  if (microseconds === undefined || !/^[1-9]\d*$/.test(microseconds)) return undefined;
  return of === undefined || of === String(pid) ? Number(microseconds) / 1e6 : undefined;
}
