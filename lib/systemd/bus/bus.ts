/** D-Bus as the clients here use it, whoever speaks it. */
import type { Rule } from "./signals.ts";

/** One method of one object. */
export interface Call {
  /** The name of the service on the bus. */
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of `body`; without one there are none. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
  /** Milliseconds in which there has to be an answer. Default: 30,000. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A connection with the system bus. */
export interface Bus {
  /** What the method gives back, without the wrapping of variants. @throws {Refused} @throws {SystemdError} */
  call(call: Call): Promise<readonly unknown[]>;
  /** Calls `heard` with the values of each signal that fits; absent where signals cannot be heard. Gives what stops it. */
  listen?(rule: Rule, heard: (body: readonly unknown[]) => void): Promise<() => void>;
  /** Aborted, with the reason, when the connection ends. */
  readonly lost: AbortSignal;
  close(): void;
}

/** Milliseconds in which there has to be an answer. */
export const PATIENCE = 30_000;

/** A value without the wrapping of variants: `Variant` of the package, and what busctl prints. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value);
  const [first, second] = Object.keys(value);
  if (entries.length === 2 && ["signature", "type"].includes(first ?? "") && ["value", "data"].includes(second ?? ""))
    return plain(entries[1]?.[1]);
  return Object.fromEntries(entries.map(([key, one]) => [key, plain(one)]));
}
