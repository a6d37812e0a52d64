/**
 * The first process of a sandbox: covers /run, starts the program, passes signals on, and takes the sandbox down with
 * it when the program ends or when whoever asked for the sandbox is gone. Started by `runInSandbox` only.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { constants } from "node:os";

/** Hides the machine's /run, so that named namespaces made in here are nobody else's. */
function coverRun(): string | undefined {
  const path = `${process.env["PATH"] ?? ""}:/usr/bin:/bin`;
  const args = ["-t", "tmpfs", "-o", "mode=0755,nosuid,nodev", "linkwright-sandbox", "/run"];
  const { error, status, stderr } = spawnSync("mount", args, { env: { ...process.env, PATH: path }, encoding: "utf8" });
  if (error) return `cannot cover /run: ${error.message}`;
  if (status !== 0) return `cannot cover /run: ${stderr.trim()}`;
  mkdirSync("/run/netns", { mode: 0o755 });
  return undefined;
}

/** The last message must be on its way before the process ends, as nothing survives the first process. */
function end(code: number, failure?: string): void {
  if (failure === undefined || !process.send) process.exit(code);
  process.send({ failure }, () => process.exit(code));
}

function main(): void {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined || !process.send) {
    console.error("this is the inner part of `linkwright sandbox`, and of no use on its own");
    process.exit(2);
  }
  process.on("disconnect", () => process.exit(1));
  const waiting: NodeJS.Signals[] = [];
  let deliver = (signal: NodeJS.Signals): void => void waiting.push(signal);
  process.on("message", (signal: NodeJS.Signals) => deliver(signal));
  // The terminal tells the whole group; the program decides what that means, this process stays until it has.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => undefined);
  process.send({ started: true });

  const failure = coverRun();
  if (failure !== undefined) {
    end(1, failure);
    return;
  }
  // The sandbox can only be asked to go away through the channel, so the program must not have it.
  const child = spawn(file, args, { stdio: [0, 1, 4] });
  child.on("error", (error: NodeJS.ErrnoException) => {
    end(127, error.code === "ENOENT" ? `command not found: ${file}` : `cannot start ${file}: ${error.message}`);
  });
  child.on("exit", (code, signal) => end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  deliver = (signal) => void child.kill(signal);
  for (const signal of waiting) deliver(signal);
}

main();
