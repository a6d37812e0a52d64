/** A program that installs a document as `systemd install` does, and kills itself on the way. */
import { kill, pid } from "node:process";
import { Host } from "../../lib/host.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";
import { detectVersion, filesInCharge, install, surveyInstallation } from "../../lib/systemd/index.ts";

/** What the program is told. */
export interface Order {
  readonly text: string;
  /** The step before which it ends, from 1; 0 for none. */
  readonly at: number;
}

const { text, at } = JSON.parse(process.argv[2] ?? "") as Order;
await using host = await Host.open({ inline: true });
const desired = desiredOf(parseSource(text, "host.yaml"));
const inCharge = await filesInCharge();
const installation = await surveyInstallation({ desired, text, version: detectVersion(), inCharge });
const steps: string[] = [];
const witness = (next: string): void => {
  steps.push(next);
  if (steps.length === at) kill(pid, "SIGKILL");
};
await install(host, desired, installation, { witness });
console.log(JSON.stringify(steps));
