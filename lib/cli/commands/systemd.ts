/** `linkwright systemd export [FILE]` */
import { resolve } from "node:path";
import { directFiles } from "../../systemd/direct.ts";
import {
  detectVersion,
  type Exported,
  exportFiles,
  parseVersion,
  type Unsaid,
  writeFiles,
} from "../../systemd/index.ts";
import type { Run } from "../command.ts";
import { counted, printJson } from "../report.ts";
import { exitFor, readDocumentOrHost, remarkOn } from "../running.ts";
import type { Terminal } from "../terminal.ts";
import { version as toolVersion } from "../version.ts";

const BY: Readonly<Record<Unsaid["by"], string>> = {
  nftables: "in the nftables file",
  apply: "by linkwright-apply.service",
  nothing: "note",
};

function print({ files }: Exported, terminal: Terminal): void {
  for (const { path, text } of files) {
    terminal.line(`#### ${path}`);
    for (const line of text.trimEnd().split("\n")) terminal.line(line);
    terminal.line();
  }
}

/** Prints files for systemd, or writes them below a directory. */
export const run: Run = async ({ operands: [operand], given, terminal }) => {
  const version = given.systemd === undefined ? detectVersion() : parseVersion(given.systemd);
  const { file, host, desired, text, findings } = await readDocumentOrHost(operand, given, terminal);
  const files = given.direct === true ? directFiles : exportFiles;
  const exported = files({ desired, text, version, tool: toolVersion(), ...(host === undefined ? {} : { host }) });
  if (given.output !== undefined) await writeFiles(resolve(given.output), exported.files);
  if (given.json) printJson({ file, host, systemd: version, ...exported, findings }, terminal);
  else {
    if (given.output === undefined) print(exported, terminal);
    else terminal.line(`wrote ${counted(exported.files.length, "file")} below ${given.output}; nothing was installed`);
    await remarkOn(findings, terminal);
    for (const { path, reason, by } of exported.unsaid) terminal.remark(`${BY[by]}: ${path.join(".")}: ${reason}`);
  }
  return exitFor(findings);
};
