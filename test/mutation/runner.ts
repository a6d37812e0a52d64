/**
 * Runs compiled tests for Stryker, again and again in one process: Stryker's own runner knows no mocha as new as ours.
 * Loaded by Stryker, from the copy of the project that it does not change.
 */
import type { MutantCoverage, StrykerOptions } from "@stryker-mutator/api/core";
import { commonTokens, declareClassPlugin, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import fc from "fast-check";
import Mocha from "mocha";

/** What instrumented code looks at, and writes to. */
interface Context {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: MutantCoverage;
  /** Whether it is told which test runs. */
  told?: boolean;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}
declare global {
  var __stryker__: Context | undefined;
}

function bail(suite: Mocha.Suite, first: boolean): void {
  suite.bail(first);
  for (const one of suite.suites) bail(one, first);
}

/** Stryker is told of the tests; a person is not. */
class Silent extends Mocha.reporters.Base {
  override epilogue(): void {}
}

class MochaRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options);
  readonly #mocha: Mocha;
  #context: Context = {};
  #loaded = false;
  /** Whether what is made once is there. */
  #warm = false;

  constructor(options: StrykerOptions) {
    this.#mocha = new Mocha({ timeout: 0, reporter: Silent });
    this.#mocha.cleanReferencesAfterRun(false);
    for (const file of options["compiledTests"] as readonly string[]) this.#mocha.addFile(file);
  }

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: false };
  }

  async init(): Promise<void> {
    const context = globalThis.__stryker__ ?? {};
    globalThis.__stryker__ = context;
    this.#context = context;
    // The same cases for each mutant, and the first that fails is enough.
    fc.configureGlobal({ seed: 1, endOnFailure: true });
    this.#mocha.suite.beforeEach("which test it is", function () {
      if (context.told === true) context.currentTestId = this.currentTest?.fullTitle();
    });
    this.#mocha.suite.afterEach("no test any more", () => {
      context.currentTestId = undefined;
    });
  }

  async dryRun(): Promise<DryRunResult> {
    const cover: MutantCoverage = { static: {}, perTest: {} };
    this.#context.mutantCoverage = cover;
    await this.#load();
    const loaded = { ...cover.static };
    await this.#run(false);
    const first = { ...cover.static };
    for (const id of Object.keys(cover.static)) delete cover.static[id];
    // A second time, as they are run once more for each mutant: what is not reached any more was kept from the first.
    this.#context.told = true;
    const tests = await this.#run(false);
    this.#context.told = false;
    const again = new Set(Object.values(cover.perTest).flatMap((hits) => Object.keys(hits)));
    for (const [id, hits] of Object.entries(first)) if (id in loaded || !again.has(id)) cover.static[id] = hits;
    return { status: DryRunStatus.Complete, tests, mutantCoverage: cover };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, disableBail, hitLimit, mutantActivation, testFilter } = options;
    const context = this.#context;
    if (mutantActivation === "static") context.activeMutant = activeMutant.id;
    await this.#load();
    // What is made once is made without the mutant.
    if (mutantActivation === "runtime" && !this.#warm) await this.#run(false);
    Object.assign(context, { hitLimit, hitCount: hitLimit === undefined ? undefined : 0 });
    context.activeMutant = activeMutant.id;
    const tests = await this.#run(!disableBail, testFilter);
    context.activeMutant = undefined;
    const reached = determineHitLimitReached(context.hitCount, context.hitLimit);
    return toMutantRunResult(reached ?? { status: DryRunStatus.Complete, tests });
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    await this.#mocha.loadFilesAsync();
    this.#loaded = true;
  }

  async #run(first: boolean, only?: readonly string[]): Promise<TestResult[]> {
    bail(this.#mocha.suite, first);
    const wanted = only?.map((title) => title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
    this.#mocha.grep(new RegExp(wanted === undefined ? "" : `^(?:${wanted})$`));
    const tests: TestResult[] = [];
    const told = (test: Mocha.Runnable): Omit<TestResult, "status" | "failureMessage"> => {
      const id = (test.ctx?.currentTest ?? test).fullTitle();
      return { id, name: id, timeSpentMs: test.duration ?? 0 };
    };
    await new Promise<void>((resolve) => {
      this.#mocha
        .run(() => resolve())
        .on("pass", (test) => tests.push({ ...told(test), status: TestStatus.Success }))
        .on("fail", (test, error: Error) =>
          tests.push({ ...told(test), status: TestStatus.Failed, failureMessage: error.message }),
        );
    });
    this.#warm = true;
    return tests;
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "ours", MochaRunner)];
