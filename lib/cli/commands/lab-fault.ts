/** `linkwright lab fault` */
import { FAULTS } from "../../testkit/faults.ts";
import type { Run } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../failure.ts";
import { knock } from "../lab-door.ts";
import { doorOf, findRunning, recordDirectory, recordPath } from "../lab-record.ts";
import { printJson } from "../report.ts";

/** Lets something go wrong in the lab that is up. */
export const run: Run = async ({ operands: [file, fault, host], given, terminal }) => {
  if (given.list === true) {
    if (given.json) printJson(FAULTS, terminal);
    else for (const name of FAULTS) terminal.line(name);
    return EXIT.OK;
  }
  if (file === undefined || fault === undefined)
    throw new UsageError("lab fault needs FILE and NAME; `linkwright lab fault --list` lists the names");
  if (findRunning(file) === undefined)
    throw new CommandError(`there is no lab of ${file}; linkwright lab up ${file} brings it up`, "ERR_LAB_DOWN");
  const injured = await knock(doorOf(recordPath(recordDirectory(), file)), { fault, host });
  if (given.json) printJson(injured, terminal);
  else {
    terminal.line(`${injured.fault} on ${injured.host}; its files are below ${injured.root}`);
    terminal.line(`  linkwright lab run ${file} ${injured.host} -- linkwright doctor --root ${injured.root}`);
  }
  return EXIT.OK;
};
