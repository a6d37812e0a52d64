/** `linkwright lab up|run|down` */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Lab, LabOptions } from "../../testkit/lab.ts";
import type { Invocation, Run } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../failure.ts";
import { inside, isInside } from "../inside.ts";
import { injure, openDoor } from "../lab-door.ts";
import {
  alreadyUp,
  doorOf,
  findRunning,
  inOtherUserNamespace,
  type LabRecord,
  labFiles,
  outerPid,
  recordDirectory,
  recordPath,
  removeRecord,
  signal,
  startOf,
  writeRecord,
} from "../lab-record.ts";
import type { Given } from "../options.ts";
import { counted, printJson } from "../report.ts";
import { table } from "../table.ts";
import { type Terminal, withProgress } from "../terminal.ts";

/** Milliseconds for a lab to end. */
const PATIENCE = 10_000;
const LARGEST_MTU = 65_535;
const SMALLEST_MTU = 1280;

function optionsOf(given: Given): LabOptions {
  const written = given["guest-mtu"];
  const guestMtu = Number(written);
  if (written !== undefined && !(Number.isInteger(guestMtu) && guestMtu >= SMALLEST_MTU && guestMtu <= LARGEST_MTU))
    throw new UsageError(
      `--guest-mtu: expected a number of bytes from ${SMALLEST_MTU} to ${LARGEST_MTU}, got ${written}`,
    );
  return { named: true, gso: given["no-gso"] !== true, ...(written === undefined ? {} : { guestMtu }) };
}

/** `HOST:NAME`, or a name alone for the first host. */
async function faultOf(lab: Lab, text: string): Promise<void> {
  const [name = "", host] = text.split(":").reverse();
  await injure(lab, name, host);
}

async function bringUp(file: string, directory: string, { given, terminal }: Invocation): Promise<Lab> {
  const options = { ...optionsOf(given), directory };
  const { Lab } = await import("../../testkit/lab.ts");
  return await withProgress(terminal, "bringing the lab up", async () => {
    const lab = await Lab.up(file, options);
    try {
      for (const fault of given.fault ?? []) await faultOf(lab, fault);
      return lab;
    } catch (error) {
      await lab.down();
      throw error;
    }
  });
}

function record(file: string, lab: Lab): LabRecord {
  const pid = outerPid();
  const nodes = Object.fromEntries(lab.names.map((name) => [name, lab.node(name).netns.fd]));
  return { file, pid, started: startOf(pid) ?? "", nodes };
}

function nodeRows(lab: Lab): string[][] {
  const { hosts, guests, internet, router } = lab.topology;
  return [
    ...hosts.map(({ name, underlay, address }) => [name, "host", `${address} on ${underlay}`]),
    ...guests.map(({ name, host, addresses }) => [name, "guest", `${addresses.join(", ")} on ${host}`]),
    ["underlay", "switch", `router ${router.join(", ")}`],
    ["internet", "server", internet.addresses.join(", ")],
  ];
}

function announce(file: string, lab: Lab, ms: number, terminal: Terminal): void {
  const { palette, width } = terminal;
  terminal.line(`lab of ${file} is up: ${counted(lab.names.length, "namespace")} in ${(ms / 1000).toFixed(1)} s`);
  const rows = nodeRows(lab).map(([name = "", ...rest]) => [palette.strong(name), ...rest]);
  for (const line of table(rows, width - 2)) terminal.line(`  ${line}`);
  const first = lab.guests[0] ?? lab.names[0] ?? "";
  terminal.line("");
  terminal.line("From another terminal:");
  terminal.line(`  linkwright lab run ${file} ${first} -- bash`);
  terminal.line(`  linkwright lab down ${file}   ${palette.faint("(or Ctrl-C here)")}`);
}

/** Resolves when somebody asks this process to end. */
function asked(): Promise<void> {
  return new Promise((resolve) => {
    const hold = setInterval(() => undefined, 0x7fff_ffff);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(name, () => {
        clearInterval(hold);
        resolve();
      });
  });
}

async function holdUp(invocation: Invocation): Promise<number> {
  const {
    operands: [file = ""],
    given,
    terminal,
  } = invocation;
  const path = recordPath(recordDirectory(), file);
  const start = performance.now();
  using files = labFiles(path);
  await using lab = await bringUp(file, files.path, invocation);
  const written = record(file, lab);
  writeRecord(path, written);
  using _door = await openDoor(doorOf(path), lab);
  try {
    const end = asked();
    if (given.json) printJson({ file, pid: written.pid, nodes: lab.names, topology: lab.topology }, terminal);
    else announce(file, lab, performance.now() - start, terminal);
    await end;
    return EXIT.OK;
  } finally {
    removeRecord(path, written.pid);
  }
}

/** Keeps the lab up until Ctrl-C, or `lab down`. */
export const up: Run = async (invocation) => {
  const {
    operands: [file = ""],
    given,
  } = invocation;
  optionsOf(given);
  const running = isInside() ? undefined : findRunning(file);
  if (running !== undefined) throw alreadyUp(running);
  return await inside(holdUp)(invocation);
};

/** Waits for a program that has our standard streams, and hands its signals on. */
function waitFor(child: ReturnType<typeof spawn>, program: string): Promise<number> {
  const forward = (name: NodeJS.Signals): void => void child.kill(name);
  const ignore = (): void => undefined; // the terminal tells the program itself
  process.on("SIGTERM", forward);
  process.on("SIGINT", ignore);
  return new Promise<number>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "there is no such program" : error.message;
      reject(new CommandError(`cannot run ${program}: ${reason}`, error.code));
    });
    child.on("close", (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])));
  }).finally(() => {
    process.off("SIGTERM", forward);
    process.off("SIGINT", ignore);
  });
}

async function runOnce(invocation: Invocation): Promise<number> {
  const {
    operands: [file = "", name = ""],
    rest: [program = "", ...args],
  } = invocation;
  using files = labFiles(recordPath(recordDirectory(), file));
  await using lab = await bringUp(file, files.path, invocation);
  return await waitFor(lab.node(name).netns.run(program, args, { stdio: "inherit" }), program);
}

function join(running: LabRecord, name: string, [program = "", ...args]: readonly string[]): Promise<number> {
  const fd = running.nodes[name];
  if (fd === undefined)
    throw new CommandError(`this lab has no ${name}; it has ${Object.keys(running.nodes).join(", ")}`, "ERR_LAB_NODE");
  const user = inOtherUserNamespace(running.pid) ? ["--user", "--preserve-credentials"] : [];
  const where = ["--target", String(running.pid), ...user, "--mount", `--net=/proc/${running.pid}/fd/${fd}`, "--pid"];
  const wd = ["--wd=."];
  return waitFor(
    spawn("nsenter", [...where, ...wd, "--", program, ...args], { stdio: "inherit" }),
    "nsenter (util-linux)",
  );
}

/** Runs a program in a node of the lab that is up, or of one that is brought up for it. */
export const run: Run = async (invocation) => {
  const {
    operands: [file = "", name = ""],
    rest,
    given,
  } = invocation;
  optionsOf(given);
  const running = isInside() ? undefined : findRunning(file);
  if (running !== undefined) return await join(running, name, rest);
  return await inside(runOnce)(invocation);
};

/** Ends the lab that is up. */
export const down: Run = async ({ operands: [file = ""], given, terminal }) => {
  const running = findRunning(file);
  if (running === undefined) throw new CommandError(`there is no lab of ${file}`, "ERR_LAB_DOWN");
  signal(running.pid, "SIGTERM");
  const end = performance.now() + PATIENCE;
  while (startOf(running.pid) === running.started) {
    if (performance.now() > end)
      throw new CommandError(`process ${running.pid}, which holds the lab, does not end`, "ERR_LAB_DOWN");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  if (given.json) printJson({ file, pid: running.pid }, terminal);
  else terminal.line(`the lab of ${file} has ended`);
  return EXIT.OK;
};
