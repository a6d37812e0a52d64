/** What holds for the plan of every case in `test/plans`, whatever it is about. */
import { deepEqual, ok, throws } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { derive } from "../../lib/fabric/fabric.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { valueAt } from "../../lib/state/document.ts";
import { ConfigError, type Path } from "../../lib/state/error.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource, type Source } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";

interface Case {
  readonly observed: Observed;
  readonly source: Source;
  readonly found: Plan;
}

const FOLDER = "test/plans";

/** A case. @throws {ConfigError} where the document is refused. */
function read(name: string): Case {
  const text = (file: string): string => readFileSync(`${FOLDER}/${name}/${file}`, "utf8");
  const {
    for: host,
    remove,
    ...observed
  } = parse(text("current.yaml")) as Observed & { for?: string; remove?: boolean };
  const source = derive(parseSource(text("desired.yaml")), host);
  const desired = desiredOf(source);
  return { observed, source, found: remove === true ? planRemoval(observed, desired) : plan(observed, desired) };
}

/** Whether the case is about a document that is refused. */
function isRefused(name: string): boolean {
  return "error" in parse(readFileSync(`${FOLDER}/${name}/plan.yaml`, "utf8"));
}

/** What a step needs are steps that were made before it, or what is there already. */
function checkNeeds({ found }: Case): void {
  const made = new Set<string>();
  for (const { id, needs } of found.steps) {
    for (const need of needs) {
      ok(made.has(need) || found.steps.every((one) => one.id !== need), `${id} before ${need}`);
      ok(/^[a-z]+ \S/.test(need), `${id} needs ${JSON.stringify(need)}`);
    }
    ok(!made.has(id), `${id} twice`);
    made.add(id);
  }
}

/** A step comes from a place in the document; one for what that names no more, from the list that it was in. */
function checkPaths({ source, found }: Case): void {
  const isThere = (path: Path): boolean => path.length > 0 && valueAt(source.value, path) !== undefined;
  for (const { id, path, action } of found.steps)
    ok(isThere(path) || (action === "remove" && isThere(path.slice(0, -1))), `${id} at ${path.join(".")}`);
}

function checkReasons({ found }: Case): void {
  for (const { id, reason, differences, moves } of found.steps) {
    ok(reason.length > 3 && moves.length > 0, `${id}: ${reason}`);
    for (const { field } of differences) ok(/^[a-z]/i.test(field), `${id}: ${field}`);
  }
}

const keyOf = ({ object, subject }: { readonly object: string; readonly subject: string }): string =>
  `${object} ${subject}`;

/** No property is kept twice, or kept and changed. */
function checkKept({ found }: Case): void {
  const kept = new Map<string, readonly string[]>();
  for (const one of found.kept) {
    const fields = kept.get(keyOf(one)) ?? [];
    deepEqual(
      fields.filter((field) => one.fields.includes(field)),
      [],
      keyOf(one),
    );
    kept.set(keyOf(one), [...fields, ...one.fields]);
  }
  // A far end is an entry by itself, and a port that comes back a step of its own.
  const own = found.steps.filter(
    ({ restores, object, id }) => restores !== true && object !== "fdb" && !/ master$/.test(id),
  );
  for (const step of own)
    for (const { field } of step.differences) {
      const isKept = kept.get(keyOf(step))?.includes(field) === true;
      ok(!isKept, `${step.id} has ${field} kept and changed`);
    }
}

describe("a plan needs what is there, knows why and where from, and counts each property once:", () => {
  for (const name of readdirSync(FOLDER))
    it(name.replaceAll("-", " "), () => {
      if (isRefused(name)) throws(() => read(name), ConfigError);
      else {
        const one = read(name);
        for (const check of [checkNeeds, checkPaths, checkReasons, checkKept]) check(one);
      }
    });
});
