/**
 * Runs the tests: unit tests as they are, integration tests in throw-away sandboxes. Arguments are folders of tests, such
 * as `integration/links` (without any, all), and whatever mocha takes. Several folders run beside each other, as many as
 * there are processors or `LINKWRIGHT_JOBS` says, each in a sandbox of its own; one prints as it goes.
 * Without a sandbox the integration tests cannot run: it says why, and counts each of their files as skipped.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInSandbox, SandboxError } from "../lib/testkit/sandbox.ts";
import { beside } from "./beside.ts";

const build = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(build);
const mocha = join(dirname(createRequire(import.meta.url).resolve("mocha/package.json")), "bin/mocha.js");
const reporter = ["--reporter", join(build, "test/reporter.js")];
const files = (folder: string): string => join(build, folder, "**/*.test.js");

/** What takes longest begins first, so that nobody waits for it alone at the end. */
const LONGEST = [
  ...["cli", "transaction", "systemd-install", "systemd", "doctor"].map((folder) => `integration/${folder}`),
  "test",
];

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

/** `integration` as the folders in it, and all in the order in which they begin. */
function parts(asked: readonly string[]): string[] {
  const found = asked.flatMap((folder) => {
    if (folder !== "integration") return [folder];
    const inside = readdirSync(join(build, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return inside.map(({ name }) => `${folder}/${name}`).filter((inner) => testFiles(inner).length > 0);
  });
  const place = (folder: string): number => (LONGEST.indexOf(folder) + LONGEST.length + 1) % (LONGEST.length + 1);
  return found.sort((a, b) => place(a) - place(b));
}

/** Whether there can be a sandbox; why not, otherwise. */
async function obstacle(): Promise<SandboxError | undefined> {
  try {
    await runInSandbox([process.execPath, "--eval", ""]);
    return undefined;
  } catch (error) {
    if (error instanceof SandboxError) return error;
    throw error;
  }
}

/** Unit tests alone, where nothing else can run. */
function withoutSandbox(folders: readonly string[], extra: readonly string[], error: SandboxError): number {
  const [units, missed] = [folders.filter(isUnit), folders.filter((folder) => !isUnit(folder)).flatMap(testFiles)];
  if (units.length === 0) throw error;
  const env = { ...process.env, LINKWRIGHT_MISSED: `${missed.length} ${error.message}` };
  const args = [mocha, ...reporter, ...units.map(files), ...extra];
  return spawnSync(process.execPath, args, { stdio: "inherit", env }).status ?? 1;
}

async function main(given: readonly string[]): Promise<number> {
  process.chdir(root);
  const extra = only(given.filter((argument) => !isFolder(argument)));
  const asked = given.filter(isFolder);
  const all = parts(asked.length > 0 ? asked : ["test", "integration"]);
  const error = await obstacle();
  if (error !== undefined) return withoutSandbox(all, extra, error);
  const jobs = Number(process.env["LINKWRIGHT_JOBS"]) || availableParallelism();
  if (all.length > 1 && jobs > 1)
    return await beside(all, jobs, (folder) => [fileURLToPath(import.meta.url), folder, ...extra]);
  // On a machine that does other work a deadline may pass; a test that was tried again is told at the end.
  const retries = process.env["CI"] === undefined ? [] : ["--retries", "2"];
  return await runInSandbox([process.execPath, mocha, ...reporter, ...retries, ...all.map(files), ...extra]);
}

process.exitCode = await main(process.argv.slice(2));
