/**
 * Runs the tests: unit tests as they are, integration tests in a throw-away sandbox. Arguments are folders of tests, such
 * as `integration/links` (without any, all), and whatever mocha takes.
 * Without a sandbox the integration tests cannot run: it says why, and counts each of their files as skipped.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInSandbox, SandboxError } from "../lib/testkit/sandbox.ts";

const build = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(build);
const mocha = join(dirname(createRequire(import.meta.url).resolve("mocha/package.json")), "bin/mocha.js");
const reporter = ["--reporter", join(build, "test/reporter.js")];
const files = (folder: string): string => join(build, folder, "**/*.test.js");

const isUnit = (folder: string): boolean => folder.startsWith("test");
const testFiles = (folder: string): string[] =>
  readdirSync(join(build, folder), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.js"));

const isFolder = (argument: string): boolean => /^(test|integration)(\/|$)/.test(argument);

/** `--only FILE` in mocha's words. */
function only(given: readonly string[]): string[] {
  const at = given.indexOf("--only");
  if (at < 0) return [...given];
  const titles = readFileSync(given[at + 1] ?? "", "utf8")
    .split("\n")
    .filter(Boolean);
  const exact = titles.map((title) => String(JSON.parse(title)).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return [...given.slice(0, at), ...given.slice(at + 2), "--grep", `^(?:${exact.join("|")})$`];
}

async function main(given: readonly string[]): Promise<number> {
  process.chdir(root);
  const extra = only(given.filter((argument) => !isFolder(argument)));
  const asked = given.filter(isFolder);
  const folders = asked.length > 0 ? asked : ["test", "integration"];
  // On a machine that does other work a deadline may pass; a test that was tried again is told at the end.
  const retries = process.env["CI"] === undefined ? [] : ["--retries", "2"];
  try {
    return await runInSandbox([process.execPath, mocha, ...reporter, ...retries, ...folders.map(files), ...extra]);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    const [units, missed] = [folders.filter(isUnit), folders.filter((folder) => !isUnit(folder)).flatMap(testFiles)];
    if (units.length === 0) throw error;
    const env = { ...process.env, LINKWRIGHT_MISSED: `${missed.length} ${error.message}` };
    const args = [mocha, ...reporter, ...units.map(files), ...extra];
    return spawnSync(process.execPath, args, { stdio: "inherit", env }).status ?? 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
