/** `linkwright sandbox -- COMMAND…` */
import { runInSandbox } from "../../testkit/sandbox.ts";
import type { Run } from "../command.ts";

/** Runs the program, and hands on its exit code. */
export const run: Run = ({ rest }) => runInSandbox(rest);
