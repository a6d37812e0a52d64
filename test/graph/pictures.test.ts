/** The pictures of the pages are what the command draws. */
import { ok } from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { betweenOf, marksOf, ofDesired, ofDocument, planRemarks, sickOf } from "../../lib/cli/graph-source.ts";
import type { Finding } from "../../lib/doctor/index.ts";
import { derive } from "../../lib/fabric/fabric.ts";
import { type Graph, type GraphLink, graphOf } from "../../lib/graph/graph.ts";
import { svg } from "../../lib/graph/svg.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource, type Source } from "../../lib/state/source.ts";

const FOLDER = "docs/pictures";
const read = (file: string): string => readFileSync(file, "utf8");
const example = (name: string): Source => parseSource(read(`examples/${name}.yaml`), `${name}.yaml`);

function fabric(): Graph {
  const source = example("stacked-overlays");
  return graphOf(ofDocument(source), betweenOf(source));
}

function planned(): Graph {
  const current = parse(read("test/plans/founding-story-on-an-empty-host/current.yaml")) as Observed;
  const desired = desiredOf(derive(example("two-hosts"), "bm1"));
  const found = plan(current, desired);
  const links = ofDesired(desired);
  const names = links.map(({ name }) => name);
  return graphOf([{ name: "bm1", links, marks: marksOf(found, names), remarks: planRemarks(found, names) }]);
}

/** A guest that was told nothing of the VXLAN, and another table that drops what is forwarded. */
function sick(): Graph {
  const guest: GraphLink = { name: "vnet0", kind: "tun", mtu: 1500, addresses: [], master: "br-vm" };
  const links = [guest, ...ofDesired(desiredOf(derive(example("two-hosts"), "bm1")))];
  const finding = (cause: Finding["cause"], severity: Finding["severity"], subject: string): Finding => {
    return { cause, severity, subject, text: "", evidence: [], fix: "" };
  };
  const found = [finding("guest-mtu", "error", "vnet0"), finding("forward-dropped", "warning", "ip filter FORWARD")];
  const { marks, remarks, between } = sickOf(found, links);
  return graphOf([{ name: "bm1", links, marks, remarks }], between);
}

describe("pictures of the pages", () => {
  for (const [name, make] of Object.entries({ fabric, plan: planned, doctor: sick }))
    it(`${name}.svg is as it is drawn`, () => {
      const file = `${FOLDER}/${name}.svg`;
      const made = `${svg(make()).trimEnd()}\n`;
      if (process.env["UPDATE_DOCS"] !== undefined) {
        mkdirSync(FOLDER, { recursive: true });
        writeFileSync(file, made);
      }
      ok(existsSync(file) && read(file) === made, `${file} is out of date: UPDATE_DOCS=1 npm test -- test/graph`);
    });
});
