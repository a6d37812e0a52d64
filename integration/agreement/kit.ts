/** Random objects of some sort: written by us or by iproute2, read by both. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { canonicalIp } from "../../lib/families/lookup.ts";
import { NetlinkError } from "../../lib/socket/index.ts";

/** A sort of object: how objects are drawn, said to either program, compared and taken away. */
export interface Sort<C> {
  /** `routes`. */
  readonly name: string;
  readonly program: "ip" | "bridge";
  /** Objects that may stand side by side. */
  readonly drawn: fc.Arbitrary<readonly C[]>;
  write(config: C): Promise<unknown>;
  /** The same in iproute2's words, a line for each step. */
  lines(config: C): readonly string[];
  /** Reads all there is with both. Throws where they differ, or where one of `made` is not as it was asked for. */
  compare(made: readonly C[]): Promise<void>;
  clear(made: readonly C[]): Promise<void>;
}
type Shell = (script: string) => Promise<string>;

/** How many objects were compared, and what was said of those that were refused, which were not. */
export interface Tally {
  compared: number;
  readonly refused: string[];
}
/** Makes objects, and tells what was said of those that were refused. */
type Maker = <C>(sort: Sort<C>, sh: Shell, configs: readonly C[]) => Promise<Map<C, string>>;

/** Lets iproute2 carry out lines, and go on after a refusal. */
const theirs: Maker = async <C>(sort: Sort<C>, sh: Shell, configs: readonly C[]) => {
  const steps = configs.flatMap((config) => sort.lines(config).map((line) => ({ config, line })));
  const script = steps.map(({ line }) => line).join("\n");
  const said = await sh(`${sort.program} -force -batch - 2>&1 <<'END' || true\n${script}\nEND`);
  const refused = new Map<C, string>();
  let reason = "";
  for (const line of said.split("\n")) {
    const [, number] = /^Command failed -:(\d+)/.exec(line) ?? [];
    const step = steps[Number(number) - 1];
    if (step === undefined) reason = line;
    else if (!refused.has(step.config)) refused.set(step.config, `${step.line}: ${reason}`);
  }
  return refused;
};

/** Throws what is no refusal of the kernel: what is drawn passes our check. */
const ours: Maker = async <C>(sort: Sort<C>, _sh: Shell, configs: readonly C[]) => {
  const refused = new Map<C, string>();
  const refuse = (config: C) => (error: unknown) => {
    if (!(error instanceof NetlinkError)) throw error;
    refused.set(config, error.message);
  };
  const results = await Promise.allSettled(configs.map((config) => sort.write(config).catch(refuse(config))));
  for (const one of results) if (one.status === "rejected") throw one.reason;
  return refused;
};
const MAKERS = { ours, theirs } as const;

/** Makes objects in the words of one of the two. Throws where the other one makes what this one cannot. */
async function make<C>(words: keyof typeof MAKERS, sort: Sort<C>, sh: Shell, configs: readonly C[]): ReturnType<Maker> {
  const [one, other] = words === "ours" ? [ours, theirs] : [theirs, ours];
  const first = await one(sort, sh, configs);
  if (first.size === 0) return first;
  // Some need others, that came after them.
  const refused = await one(sort, sh, [...first.keys()]);
  const again = await other(sort, sh, [...refused.keys()]);
  for (const [config, said] of refused)
    ok(again.has(config), `only the other one than ${words} makes ${JSON.stringify(config)}; here ${said}`);
  return refused;
}

/** The kernel may go on by itself between two readings (a carrier, a second that passes): what differs for good counts. */
async function lasting(compare: () => Promise<void>, tries = 3): Promise<void> {
  try {
    await compare();
  } catch (error) {
    if (tries === 1) throw error;
    await lasting(compare, tries - 1);
  }
}

/** Milliseconds after which the smallest counterexample so far is good enough. */
const SHRINKING = 60_000;

/** Draws objects until as many as wanted were compared without disagreement. */
export async function agreeOn<C>(sort: Sort<C>, sh: Shell, wanted: number): Promise<Tally> {
  const tally: Tally = { compared: 0, refused: [] };
  const agreement = fc.asyncProperty(
    fc.constantFrom("ours" as const, "theirs" as const),
    sort.drawn,
    async (words, configs) => {
      try {
        const refused = await make(words, sort, sh, configs);
        tally.refused.push(...refused.values());
        const made = configs.filter((config) => !refused.has(config));
        await lasting(() => sort.compare(made));
        tally.compared += made.length;
      } finally {
        await sort.clear(configs);
      }
    },
  );
  while (tally.compared < wanted) {
    await fc.assert(agreement, { numRuns: 3, interruptAfterTimeLimit: SHRINKING });
    // Objects that the kernel does not take prove nothing: most are to be good.
    const { compared, refused } = tally;
    ok(
      refused.length <= Math.max(wanted, compared) / 4,
      `only ${compared} ${sort.name} compared, refused: ${refused.join("\n")}`,
    );
  }
  return tally;
}

/** Seconds that have run down since they were asked for. */
const RUNNING = new Set(["expires", "validLifetime", "preferredLifetime"]);
const SLACK = 30;

/** Throws unless all that was asked for is found; what was not asked for may be anything. */
export function asAsked(asked: unknown, found: unknown, what: string): void {
  if (Array.isArray(asked)) {
    equal((found as readonly unknown[] | undefined)?.length, asked.length, what);
    for (const [i, one] of asked.entries()) asAsked(one, (found as readonly unknown[])[i], `${what}.${i}`);
  } else if (typeof asked === "object" && asked !== null) {
    ok(typeof found === "object" && found !== null, `${what} is not there`);
    for (const [key, value] of Object.entries(asked)) {
      const now = (found as Readonly<Record<string, unknown>>)[key];
      const since = RUNNING.has(key) && typeof value === "number" ? value - Number(now) : undefined;
      if (since === undefined) asAsked(value, now, `${what}.${key}`);
      else ok(since >= 0 && since < SLACK, `${what}.${key} is ${now}, not ${value}`);
    }
  } else if (asked !== false || found !== undefined) deepEqual(found, asked, what);
}

/** Objects of which some properties are always drawn, and the others or not. */
export function some<A extends object, B extends object>(
  always: { [K in keyof A]: fc.Arbitrary<A[K]> },
  maybe: { [K in keyof B]: fc.Arbitrary<B[K]> },
): fc.Arbitrary<A & Partial<B>> {
  return fc
    .tuple(fc.record(always), fc.record(maybe, { requiredKeys: [] }))
    .map(([a, b]) => ({ ...a, ...b })) as fc.Arbitrary<A & Partial<B>>;
}
export const upTo = (
  most: number,
): { readonly minLength: number; readonly maxLength: number; readonly size: "max" } => ({
  minLength: 1,
  maxLength: most,
  size: "max",
});
export const whole = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
/** A MAC address that a host may have. */
export const macs: fc.Arbitrary<string> = fc
  .array(whole(0, 255), { minLength: 5, maxLength: 5 })
  .map((bytes) => ["02", ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":"));
/** An IPv4 address that a host may have: of 10.0.0.0/8. */
export const hosts4: fc.Arbitrary<string> = fc
  .tuple(whole(0, 255), whole(0, 255), whole(1, 254))
  .map((bytes) => `10.${bytes.join(".")}`);
/** An IPv6 address that a host may have: of 2001:db8:1000::/36. */
export const hosts6: fc.Arbitrary<string> = fc
  .tuple(whole(0x1000, 0x1fff), whole(0, 0xffff), whole(1, 0xffff))
  .map(([net, subnet, host]) =>
    canonicalIp(`2001:db8:${net.toString(16)}:${subnet.toString(16)}::${host.toString(16)}`),
  );
