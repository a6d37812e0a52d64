/** What a refusal of the kernel means: nf_tables gives an error number and an attribute, and no words. */
import { errnoText, NetlinkError } from "../socket/index.ts";
import type { Step } from "./commands.ts";
import { NftablesError, StaleGenerationError } from "./error.ts";

type Reason = readonly [request: RegExp, code: string, attribute: RegExp, words: string];

/** In this order; the first that fits. Source: net/netfilter/nf_tables_api.c and the *_init and *_validate functions of its expressions. */
const reasons: readonly Reason[] = [
  [
    /./,
    "EPERM",
    /./,
    "this needs CAP_NET_ADMIN in the network namespace, and the table must not belong to another program",
  ],
  [/./, "EAFNOSUPPORT", /./, "this kernel has no nf_tables for the family"],
  [/TABLE/, "EOPNOTSUPP", /./, "this kernel has no nf_tables for the family"],
  [/RULE/, "ENOENT", /^chain/, "the chain does not exist"],
  [
    /RULE/,
    "ENOENT",
    /^expressions/,
    "it refers to something that does not exist: a chain, a counter, or an expression that this kernel does not have as a module",
  ],
  [
    /RULE/,
    "EOPNOTSUPP",
    /^expressions|^$/,
    "one of its expressions does not work in this family, or in a chain of this type at this hook",
  ],
  [/RULE/, "EMLINK", /./, "the jumps make a circle, or are nested too deep"],
  [/RULE/, "EINVAL", /^expressions|^$/, "the kernel does not accept one of its expressions"],
  [/RULE/, "ELOOP", /./, "the jumps make a circle"],
  [/CHAIN/, "ENOENT", /^type|^hook|^$/, "this kernel has no chains of the type for the family"],
  [/CHAIN/, "EOPNOTSUPP", /./, "a chain of the type cannot stand at this hook with this priority"],
  [/CHAIN/, "EEXIST", /./, "a chain of that name exists and is of another type"],
  [/DEL/, "EBUSY", /./, "it is still in use"],
  [/DEL/, "ENOENT", /./, "it does not exist"],
  [/./, "ENOENT", /^table/, "the table does not exist"],
  [/./, "EBUSY", /./, "it is in use, or another chain of type nat stands in the way"],
  [/./, "ENOMEM", /./, "the kernel has no memory for it"],
];

/** Where in our words an attribute stands. */
const places: readonly (readonly [RegExp, string])[] = [
  [/^hook.*priority/, "priority"],
  [/^hook/, "hook"],
  [/^type/, "type"],
  [/^policy/, "policy"],
  [/^name/, "name"],
];

/** The error that callers see instead of the kernel's. Others pass as they are. */
export function explain(error: unknown, verb: string, table: string, steps: readonly Step[]): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const { code, errno, attribute = "", request, index } = error;
  if (code === "ERESTART") {
    const words = `cannot ${verb} ${table}: the ruleset was changed by somebody else meanwhile; nothing was applied (ERESTART)`;
    return new StaleGenerationError(code, words, "", errno, error);
  }
  const step = index === undefined ? undefined : steps[index];
  const hit = reasons.find(
    ([of, number, where]) => of.test(request) && number === code && where.test(attribute || "?"),
  );
  const meaning = error.reason ?? hit?.[3] ?? reasonsWithout(request, code) ?? errnoText(errno);
  const field = places.find(([pattern]) => pattern.test(attribute))?.[1];
  const path = [step?.path, field].filter(Boolean).join(".");
  const at = path || attribute;
  const what = step === undefined || step.what === table ? "" : `${step.what}: `;
  return new NftablesError(
    code,
    `cannot ${verb} ${table}: ${what}${meaning} (${code}${at ? `, at ${at}` : ""})`,
    path,
    errno,
    error,
  );
}

/** The meaning where the kernel names no attribute. */
const reasonsWithout = (request: string, code: string): string | undefined =>
  reasons.find(([of, number]) => of.test(request) && number === code)?.[3];
