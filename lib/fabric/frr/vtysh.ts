/** Asks FRR by its own shell: its JSON is what FRR promises to others, its sockets are not. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type AskFrr, FrrError } from "./agreement.ts";

const run = promisify(execFile);
const MOST_BYTES = 256 * 1024 * 1024;

/** `vtysh -c`, of the machine's FRR, or of that whose sockets are in a directory. */
export function vtysh(sockets?: string): AskFrr {
  const where = sockets === undefined ? [] : ["--vty_socket", sockets];
  return async (command) => {
    try {
      return (await run("vtysh", [...where, "-c", command], { maxBuffer: MOST_BYTES })).stdout;
    } catch (error) {
      const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
      if (code === "ENOENT") throw new FrrError("there is no vtysh here: FRR is not installed (apt-get install frr)");
      throw new FrrError(
        `vtysh: ${stderr.trim().split("\n").at(-1) || "it failed"}: does FRR run here, and may this user ask it?`,
      );
    }
  };
}
