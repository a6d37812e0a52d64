/** Carries a plan out, and back where a step is refused. It decides nothing. */
import type { Host } from "../host.ts";
import type { Table } from "../nftables/index.ts";
import { escaped } from "./error.ts";
import { placed, refusal, rivalOf } from "./refusal.ts";
import { type Secrets, secretsOf } from "./secrets.ts";
import type { Source } from "./source.ts";
import { type Plan, type Request, recreates, type Step, type Words } from "./step.ts";

/** What happened to a step. */
export interface Progress {
  readonly step: Step;
  /** From 1. */
  readonly number: number;
  readonly of: number;
  readonly state: "begin" | "done" | "undone" | "undo failed";
}
/** Options of an application. */
export interface ApplyOptions {
  /** Stops before the next request, and undoes what was done. */
  readonly signal?: AbortSignal | undefined;
  /** Links may be deleted and made again. */
  readonly allowRecreate?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Awaited before each request, by the numbers of its step and move: whoever keeps a journal writes it there. */
  readonly onRequest?: ((step: number, move: number) => Promise<void>) | undefined;
  /** Awaited before anything is undone; `done` says whether the request that failed may have done something. */
  readonly onUndo?: ((why: unknown, done: boolean) => Promise<void>) | undefined;
  /** Keeps the keys that are replaced; by default in memory, as long as the host is open. */
  readonly secrets?: Secrets | undefined;
  /** The document that the plan was made from: a refusal is told with its place there. */
  readonly source?: Source | undefined;
}
/** What was done. */
export interface Applied {
  readonly steps: readonly Step[];
  /** Number of requests that were made. */
  readonly requests: number;
}
/** An undoing that was refused too. */
export interface UndoFailure {
  readonly request: Request;
  readonly cause: unknown;
}

/** A step was refused. What had been done before was undone, as far as `undoFailed` does not say otherwise. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
  readonly code: "ERR_APPLY" | "ERR_RECREATE" | "ERR_ABORTED";
  readonly step: Step;
  /** Steps that had been done. */
  readonly done: readonly Step[];
  readonly undone: readonly Step[];
  readonly undoFailed: readonly UndoFailure[];

  constructor(
    code: ApplyError["code"],
    message: string,
    parts: Pick<ApplyError, "step" | "done" | "undone" | "undoFailed"> & { readonly cause?: unknown },
  ) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.step = parts.step;
    this.done = parts.done;
    this.undone = parts.undone;
    this.undoFailed = parts.undoFailed;
  }
}

type Services = Readonly<Record<Request["object"], Readonly<Record<string, (words: Words) => Promise<unknown>>>>>;

/** Every verb of every service. */
function services(host: Host, secrets: Secrets): Services {
  const { links, addresses, routes, rules, nexthops, fdb, neighbors, vlans, vnis, mdb, nftables, sysctls } = host;
  const as = <T>(words: unknown): T => words as T;
  return {
    link: {
      create: (words) => links.create(as(words)),
      update: ({ name, change }) => links.update(as(name), as(change)),
      delete: ({ name }) => links.delete(as(name)),
    },
    address: {
      create: (words) => addresses.create(as(words)),
      replace: (words) => addresses.replace(as(words)),
      delete: (words) => addresses.delete(as(words)),
    },
    route: {
      create: (words) => routes.create(as(words)),
      replace: (words) => routes.replace(as(words)),
      delete: (words) => routes.delete(as(words)),
    },
    rule: {
      create: (words) => rules.create(as(words)),
      delete: (words) => rules.delete(as(words)),
    },
    nexthop: {
      create: (words) => nexthops.create(as(words)),
      replace: (words) => nexthops.replace(as(words)),
      delete: (words) => nexthops.delete({ id: as(words["id"]) }),
    },
    fdb: {
      create: (words) => fdb.create(as<never>(words)),
      append: (words) => fdb.append(as<never>(words)),
      replace: (words) => fdb.replace(as<never>(words)),
      delete: (words) => fdb.delete(as<never>(words)),
    },
    neighbor: {
      replace: (words) => neighbors.replace(as<never>(words)),
      delete: (words) => neighbors.delete(as<never>(words)),
    },
    vlan: {
      create: (words) => vlans.create(as<never>(words)),
      delete: (words) => vlans.delete(as<never>(words)),
    },
    vni: {
      create: (words) => vnis.create(as<never>(words)),
      delete: (words) => vnis.delete(as<never>(words)),
    },
    mdb: {
      create: (words) => mdb.create(as<never>(words)),
      replace: (words) => mdb.replace(as<never>(words)),
      delete: (words) => mdb.delete(as<never>(words)),
    },
    wireguard: {
      update: async ({ name, config }) => host.wireguard.set(as(name), await secrets.resolve(config as Words)),
    },
    sysctl: {
      set: ({ key, value }) => sysctls.set(as(key), as(value)),
      restore: ({ saved }) => sysctls.restore(as(saved)),
    },
    nftables: {
      replace: ({ table }) => nftables.replace(table as Table),
      delete: ({ family, name }) => nftables.delete(as(family), as(name)),
    },
  };
}

/** Makes one request of a plan. */
export async function perform(host: Host, { object, verb, words }: Request, secrets = secretsOf(host)): Promise<void> {
  const call = services(host, secrets)[object][verb];
  if (call === undefined) throw new TypeError(`a plan cannot ${verb} a ${object}`);
  await call(words);
}

/** Whether it is already as the undoing would have it: gone, or there. */
function isUndone(error: unknown, { verb }: Request): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (verb === "create" || verb === "append") return code === "EEXIST";
  const absent = ["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL"].includes(String(code));
  return verb === "delete" && (absent || /there is no (such )?link/.test(String(message)));
}

/** Undoes requests, each whatever became of the others. */
export async function undo(
  host: Host,
  requests: readonly Request[],
  secrets = secretsOf(host),
): Promise<UndoFailure[]> {
  const failed: UndoFailure[] = [];
  for (const request of requests)
    try {
      await perform(host, request, secrets);
    } catch (cause) {
      if (!isUndone(cause, request)) failed.push({ request, cause });
    }
  return failed;
}

function fateOf(failed: readonly UndoFailure[]): string {
  return failed.length === 0 ? "undone" : `${failed.length} ${failed.length === 1 ? "undoing" : "undoings"} refused`;
}

/** What was done so far, and how to take it back. */
class Log {
  readonly done: Step[] = [];
  requests = 0;
  readonly #undo: { readonly step: Step; readonly requests: readonly Request[] }[] = [];

  made(step: Step, undo: readonly Request[]): void {
    this.requests++;
    this.#undo.push({ step, requests: undo });
  }

  async back(
    host: Host,
    secrets: Secrets,
    report: (step: Step, failed: boolean) => void,
  ): Promise<{ undone: Step[]; failed: UndoFailure[] }> {
    const undone: Step[] = [];
    const failed: UndoFailure[] = [];
    for (const { step, requests } of this.#undo.reverse()) {
      const now = await undo(host, requests, secrets);
      failed.push(...now);
      if (undone.at(-1) !== step) undone.push(step);
      report(step, now.length > 0);
    }
    return { undone, failed };
  }
}

/**
 * Throws where a plan makes links again and nobody allowed it.
 *
 * @throws {ApplyError} `ERR_RECREATE`
 */
export function refuseRecreation(plan: Plan, source: Source | undefined, allowed: boolean | undefined): void {
  const [again] = recreates(plan);
  if (again === undefined || allowed === true) return;
  const drops = escaped(again.drops.join(", "));
  const text = `link ${escaped(again.subject)} has to be made again: ${escaped(again.reason)}; it drops ${drops}; allow it with allowRecreate (--allow-recreate)`;
  const message = placed({ step: again, request: undefined, error: undefined }, source, text);
  throw new ApplyError("ERR_RECREATE", message, { step: again, done: [], undone: [], undoFailed: [] });
}

/**
 * Carries a plan out, step by step. Where one is refused, all before it are undone in reverse.
 *
 * @throws {ApplyError} with the step at fault, and with `ERR_RECREATE` before anything is done where the plan makes
 * links again and `allowRecreate` is not set.
 */
export async function apply(host: Host, plan: Plan, options: ApplyOptions = {}): Promise<Applied> {
  refuseRecreation(plan, options.source, options.allowRecreate);
  const log = new Log();
  const { secrets = secretsOf(host) } = options;
  for (const [i, step] of plan.steps.entries()) {
    const tell = (state: Progress["state"], what = step): void =>
      options.onProgress?.({ step: what, number: plan.steps.indexOf(what) + 1, of: plan.steps.length, state });
    let request: Request | undefined;
    try {
      tell("begin");
      for (const [number, one] of step.moves.entries()) {
        const { undo: back } = one;
        request = one.request;
        options.signal?.throwIfAborted();
        await secrets.hold(host, back);
        await options.onRequest?.(i, number);
        // Of a change that was refused nothing is known: it may be half done.
        if (request.verb === "update") log.made(step, back);
        await perform(host, request, secrets);
        if (request.verb !== "update") log.made(step, back);
      }
    } catch (cause) {
      await options.onUndo?.(cause, request?.verb === "update");
      const { undone, failed } = await log.back(host, secrets, (what, bad) =>
        tell(bad ? "undo failed" : "undone", what),
      );
      const code = options.signal?.aborted === true ? "ERR_ABORTED" : "ERR_APPLY";
      const done = plan.steps.slice(0, i);
      const refused = { step, request, error: cause };
      const rival = await rivalOf(host, refused);
      const number = `step ${i + 1} of ${plan.steps.length}`;
      const message = refusal(refused, { number, fate: fateOf(failed), source: options.source, rival });
      throw new ApplyError(code, message, { step, done, undone, undoFailed: failed, cause });
    }
    log.done.push(step);
    tell("done");
  }
  return { steps: log.done, requests: log.requests };
}
