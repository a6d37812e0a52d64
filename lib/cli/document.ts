/** What the commands that take a document have in common: reading it, and opening the host that it is for. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { derive, hostsOf } from "../fabric/fabric.ts";
import type { Host } from "../host.ts";
import { type Desired, desiredOf, readSource, type Source } from "../state/index.ts";
import { CommandError } from "./failure.ts";
import type { Given } from "./options.ts";

/** A document for one host, checked. */
export interface HostDocument {
  /** Name of the host in the document; absent where the document is for one host only. */
  readonly host?: string;
  readonly desired: Desired;
}

/** This machine, where the document has a host of its name: with domain or without. */
function thisHost(names: readonly string[]): string | undefined {
  const name = hostname();
  return names.find((one) => one === name) ?? names.find((one) => one === name.split(".")[0]);
}

/** The host of a document that was named, or this machine's; undefined where the document has neither. */
export function hostNamed(source: Source, given: Given): string | undefined {
  return given.host ?? thisHost(hostsOf(source));
}

/** Reads a document's share of one host: the one that was named, or this machine's. @throws {ConfigError} */
export async function readDocument(file: string, given: Given): Promise<HostDocument> {
  const source = await readSource(file);
  const host = hostNamed(source, given);
  return { ...(host === undefined ? {} : { host }), desired: desiredOf(derive(source, host)) };
}

/** Opens the namespace that was named, or this one. What speaks with it is loaded now: a mistake in the document is told sooner. */
export async function openHost(given: Given): Promise<Host> {
  const { Host } = await import("../index.ts");
  return await Host.open({ netns: given.netns, inline: true });
}

const CAP_NET_ADMIN = 12n;

/** Whether this process may change the network. */
export function mayChange(status = readFileSync("/proc/self/status", "utf8")): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** @throws {CommandError} with the ways out where this process may not change the network. */
export function needPrivilege(command: string): void {
  if (mayChange()) return;
  throw new CommandError(
    `${command} needs the right to change the network (CAP_NET_ADMIN): run it as root (sudo linkwright ${command} …), ` +
      `or try it in a network of its own (linkwright sandbox -- linkwright ${command} …)`,
    "EPERM",
  );
}

/** A signal that Ctrl-C and SIGTERM set off while `work` runs. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => controller.abort(new CommandError(`stopped by ${name}`, "ERR_ABORTED"));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
