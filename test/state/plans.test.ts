/**
 * Plans as files: `test/plans/<case>/current.yaml` is a host, `desired.yaml` a document, `plan.yaml` what is to be
 * done. A new case is a folder; `UPDATE_PLANS=1` writes the plans of new and changed cases, to be read before they are
 * committed.
 */
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { derive } from "../../lib/fabric/fabric.ts";
import { describePlan } from "../../lib/state/describe.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { ConfigError } from "../../lib/state/error.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Request } from "../../lib/state/step.ts";

const FOLDER = "test/plans";

/** A host as a file tells it; `for` is the host of the document, `remove` plans the removal. */
type Current = Observed & { readonly for?: string; readonly remove?: boolean };

function line({ object, verb, words }: Request): string {
  return `${object} ${verb} ${JSON.stringify(words)}`;
}

function told(found: Plan): unknown {
  const requests = found.steps.flatMap(({ moves }) => moves.map(({ request }) => line(request)));
  const undo = found.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo.map(line)));
  return { lines: describePlan(found), requests, undo };
}

function outcome(current: Current, document: string): unknown {
  try {
    const desired = desiredOf(derive(parseSource(document, "desired.yaml"), current.for));
    return told(current.remove === true ? planRemoval(current, desired) : plan(current, desired));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { error: error.message.split("\n") };
  }
}

describe("plans", () => {
  const cases = readdirSync(FOLDER);
  it("has many cases", () => ok(cases.length >= 25, `${cases.length}`));
  for (const name of cases)
    it(name.replaceAll("-", " "), () => {
      const read = (file: string): string => readFileSync(`${FOLDER}/${name}/${file}`, "utf8");
      const found = outcome(parse(read("current.yaml")) as Current, read("desired.yaml"));
      const file = `${FOLDER}/${name}/plan.yaml`;
      if (process.env["UPDATE_PLANS"] === "1" || !existsSync(file))
        writeFileSync(file, stringify(found, { lineWidth: 0 }));
      deepEqual(found, parse(read("plan.yaml")));
    });
});
