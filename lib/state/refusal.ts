/** How the refusal of a step is told: where in the document, which step, the kernel's words, and who stands in the way. */
import type { Host } from "../host.ts";
import type { FriendlyRule, Table } from "../nftables/index.ts";
import { type ForwardEntry, valueAt } from "./document.ts";
import { escaped, formatPath, type Path } from "./error.ts";
import type { Source } from "./source.ts";
import type { Request, Step, Words } from "./step.ts";

/** A step that was refused, and the call of it that was. */
export interface Refused {
  readonly step: Step;
  /** Absent where it was stopped before any. */
  readonly request: Request | undefined;
  readonly error: unknown;
}

/** The option at fault, in the words of the document: as the kernel or the service names it, or the only one there was. */
function optionAt({ step, request, error }: Refused): readonly string[] {
  const { attribute, path } = (error ?? {}) as { attribute?: unknown; path?: unknown };
  if (typeof attribute === "string") return attribute.split(".");
  if (Array.isArray(path)) return step.object === "link" ? path.slice(1) : path;
  const changed = request?.verb === "update" ? Object.keys((request.words["change"] ?? {}) as Words) : [];
  return changed.length === 1 ? changed : [];
}

/** The entry of the document that a rule comes from; the step's own path where the refusal names none. */
function ruleAt({ step, request, error }: Refused, value: unknown): Path {
  const [, chain, rule] = /^chains\[(\d+)\]\.rules\[(\d+)\]/.exec(String((error as { path?: unknown }).path)) ?? [];
  const { chains } = (request?.words["table"] ?? {}) as Partial<Table>;
  const found = chains?.[Number(chain)];
  if (found === undefined) return step.path;
  if (found.name !== "forward") return ["nat", Number(rule)];
  const { iifname, oifname } = (found.rules?.[Number(rule)] as FriendlyRule | undefined)?.match ?? {};
  const entries = valueAt(value, ["forward"]) as readonly ForwardEntry[] | undefined;
  const at = entries?.findIndex((one) => one.in === iifname && one.out === oifname) ?? -1;
  return at < 0 ? ["forward"] : ["forward", at];
}

/** Where the fault is in the document: the object, and the option where one is known. */
function faultOf(refused: Refused, source: Source | undefined): { readonly object: Path; readonly option: Path } {
  const { step } = refused;
  const object = step.object === "link" ? step.path.slice(0, 2) : step.path;
  const option = optionAt(refused);
  if (step.object === "nftables") {
    const rule = ruleAt(refused, source?.value);
    return { object: rule, option: rule };
  }
  if (step.object === "link") return { object, option: option.length > 0 ? [...object, ...option] : step.path };
  return { object, option: object.length <= 2 ? [...object, ...option] : object };
}

/** `document.yaml:4:25: ` */
function placeOf(refused: Refused, source: Source): string {
  const { file, value, locate, locateKey } = source;
  const { object, option } = faultOf(refused, source);
  const there = option.length > (refused.step.object === "link" ? object.length : 1);
  const { line, column } = there && valueAt(value, option) !== undefined ? locate(option) : locateKey(object);
  return `${escaped(file)}:${line}:${column}: `;
}

/** A message of this library as it is told for a step, with its place where the document is at hand. */
export function placed(refused: Refused, source: Source | undefined, message: string): string {
  return source === undefined ? message : `${placeOf(refused, source)}${message}`;
}

/** The kernel's words, without the request that is named already, and the name of the error. */
function reasonOf(error: unknown): { readonly said: string; readonly code: string | undefined } {
  const { reason, message } = error as { reason?: unknown; message?: unknown };
  const code = /\(([^(),]*)[^()]*\)$/.exec(String(message))?.[1];
  if (typeof reason === "string") return { said: reason, code };
  const said = String(message)
    .replace(/^cannot [^:]*: /, "")
    .replace(/ \([^()]*\)$/, "");
  return { said, code };
}

const VERBS = { create: "create", change: "change", recreate: "make again", remove: "remove" } as const;

/** What a refusal is told as; `fate` is what became of the steps before it, `number` is `step 3 of 5`. */
export function refusal(
  refused: Refused,
  told: {
    readonly number: string;
    readonly fate: string;
    readonly source?: Source | undefined;
    readonly rival?: string | undefined;
  },
): string {
  const { action, object, subject } = refused.step;
  const { source, number, fate, rival } = told;
  const { said, code } = reasonOf(refused.error);
  const { option } = faultOf(refused, source);
  const at = `at ${formatPath(source === undefined ? option : source.origin(option))}`;
  const by = rival === undefined ? "" : `: ${rival}`;
  const where = code === undefined ? at : `${code}, ${at}`;
  const text = `cannot ${VERBS[action]} ${object} ${escaped(subject)} (${number}, ${fate}): ${escaped(said + by)} (${where})`;
  return placed(refused, source, text);
}

/** Options of which the kernel has no two links of a kind with the same. */
const DISTINCT: Readonly<Record<string, readonly string[]>> = {
  vxlan: ["vni", "dstport"],
  vlan: ["dev", "id", "protocol"],
};

const isWide = (words: Words): boolean => String(words["remote"] ?? words["local"]).includes(":");
const first = (address: unknown): string => String(address).split("/", 1)[0] ?? "";

async function rivalLink(host: Host, { words }: Request, code: string): Promise<string | undefined> {
  const links = (await host.links.list()) as unknown as readonly Words[];
  const wanted = { ...links.find(({ name }) => name === words["name"]), ...words, ...(words["change"] as Words) };
  const others = links.filter(({ name }) => name !== wanted["name"]);
  const same = (keys: readonly string[]) => (one: Words) => keys.every((key) => one[key] === wanted[key]);
  const named = (keys: readonly string[], found: Words | undefined): string | undefined =>
    found && `${String(found["name"])} has ${keys.map((key) => `${key} ${String(found[key])}`).join(" ")}`;
  if (code === "EADDRINUSE")
    return named(
      ["dstport"],
      others.find((one) => "dstport" in one && same(["dstport"])(one)),
    );
  const keys = DISTINCT[String(wanted["kind"])];
  const name = others.find(({ altnames }) => Array.isArray(altnames) && altnames.includes(wanted["name"]))?.["name"];
  if (name !== undefined) return `it is another name of ${String(name)}`;
  if (keys === undefined) return undefined;
  const kin = others.filter(({ kind }) => kind === wanted["kind"]).filter(same(keys));
  return named(
    keys,
    kin.find((one) => isWide(one) === isWide(wanted)),
  );
}

async function rivalAddress(host: Host, { words }: Request): Promise<string | undefined> {
  const all = (await host.addresses.list()) as unknown as readonly Words[];
  const found = all.find(({ dev, address }) => dev === words["dev"] && first(address) === first(words["address"]));
  return found && `${String(found["dev"])} has ${String(found["address"])}`;
}

/** Who has already what was refused, where that can be found out: `theirs has vni 39 dstport 4789`. */
export async function rivalOf(host: Host, { request, error }: Refused): Promise<string | undefined> {
  const { code } = error as { code?: unknown };
  if (request === undefined || (code !== "EEXIST" && code !== "EADDRINUSE")) return undefined;
  try {
    if (request.object === "link") return await rivalLink(host, request, code);
    return request.object === "address" ? await rivalAddress(host, request) : undefined;
  } catch {
    // The refusal is what matters.
    return undefined;
  }
}
