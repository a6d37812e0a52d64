/**
 * mocha's own listing, then every skipped test with its reason and every test that failed or was tried again, then one
 * plain line: `N passed, N failed, N skipped`. `LINKWRIGHT_TALLY` names a file to which the three numbers are appended,
 * `LINKWRIGHT_TITLES` the beginning of two, `….skipped` and `….passed`, to which the full titles of such tests are added,
 * each as JSON on a line (`--only` of run.ts).
 */
import { appendFileSync } from "node:fs";
import mocha from "mocha";
import { reasonOf } from "./needs.ts";

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** mocha finds a reporter by the default export of its module, in CommonJS as in ESM. */
class Reporter extends mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const skipped: Mocha.Test[] = [];
    const passed: Mocha.Test[] = [];
    const failed: string[] = [];
    const again: string[] = [];
    runner.on("pending", (test) => skipped.push(test));
    runner.on("pass", (test) => passed.push(test));
    runner.on("fail", (test, error) => failed.push(`${test.fullTitle()}: ${String(error)}`));
    runner.on("retry", (test, error) => again.push(`${test.fullTitle()}: ${String(error)}`));
    runner.once("end", () => {
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      for (const test of skipped) console.log(`  skipped: ${test.fullTitle()}: ${reasonOf(test) ?? "no reason given"}`);
      for (const line of again) console.log(`  tried again: ${firstLine(line)}`);
      for (const line of failed) console.log(`  failed: ${firstLine(line)}`);
      const [missed = "0", ...why] = (process.env["LINKWRIGHT_MISSED"] ?? "0").split(" ");
      const all = skipped.length + Number(missed);
      if (why.length > 0) console.log(`  skipped: ${missed} files of integration tests: ${why.join(" ")}`);
      console.log(`\n${passes} passed, ${failures} failed, ${all} skipped`);
      const tally = process.env["LINKWRIGHT_TALLY"];
      if (tally !== undefined) appendFileSync(tally, `${passes} ${failures} ${all}\n`);
      const titles = process.env["LINKWRIGHT_TITLES"];
      for (const [list, tests] of Object.entries({ skipped, passed }))
        if (titles !== undefined)
          appendFileSync(`${titles}.${list}`, tests.map((test) => `${JSON.stringify(test.fullTitle())}\n`).join(""));
    });
  }
}
// biome-ignore lint/style/noDefaultExport: the way mocha loads a reporter
export default Reporter;
