/** A new state that was not good, and what is said of the old one. */
import { ApplyError } from "../state/apply.ts";
import type { Verification } from "../state/verify.ts";
import { isExact, type WayBack } from "./back.ts";
import type { Check } from "./checks.ts";
import { TransactionError } from "./error.ts";

/** The new state was not good, and the old one was put back. */
export class RevertedError extends TransactionError {
  readonly wayBack: WayBack;
  readonly verification: Verification | undefined;
  /** What the checks found, and what they found after the old state was back. */
  readonly checks: readonly Check[];
  readonly checksAfter: readonly Check[];

  constructor(
    message: string,
    parts: Pick<RevertedError, "wayBack" | "verification" | "checks" | "checksAfter"> & { readonly cause?: unknown },
  ) {
    super("ERR_REVERTED", message, { cause: parts.cause });
    this.wayBack = parts.wayBack;
    this.verification = parts.verification;
    this.checks = parts.checks;
    this.checksAfter = parts.checksAfter;
  }

  /** What it found, as data. */
  get details(): object {
    const { verification, checks, checksAfter, wayBack } = this;
    return {
      differences: verification?.differences ?? [],
      checks,
      checksAfter,
      exact: isExact(wayBack),
      failed: wayBack.failed.map(({ request, cause }) => ({ request, message: messageOf(cause) })),
    };
  }
}

/** A step was refused, and what had been done before was undone: an {@link ApplyError}, and how the host is then. */
export class RefusedError extends ApplyError {
  /** What the checks found after what was done had been undone; empty where nothing had been done. */
  readonly checksAfter: readonly Check[];

  constructor(refused: ApplyError, checksAfter: readonly Check[]) {
    super(refused.code, refused.message, refused);
    this.checksAfter = checksAfter;
  }

  /** What it found, as data. */
  get details(): object {
    return { checksAfter: this.checksAfter };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line on how well the old state was put back. */
export function describeWayBack(wayBack: WayBack): string {
  const { failed, differing, unread } = wayBack;
  if (isExact(wayBack)) return "the old state was put back";
  const [first] = failed;
  if (first !== undefined)
    return `the old state could not be put back: ${messageOf(first.cause)}; try again with linkwright recover`;
  if (unread !== undefined) return `the old state was put back, but could not be read again: ${messageOf(unread)}`;
  return `the old state was put back, except for ${differing.map(({ object, subject }) => `${object} ${subject}`).join(", ")}`;
}
