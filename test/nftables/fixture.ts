/** Dumps captured from a kernel, message by message. The first line of each file is the command that makes it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";

/** The folder of the sources, also when this runs compiled. */
export const root = (function up(folder: string): string {
  try {
    readFileSync(join(folder, "package.json"));
    return folder;
  } catch {
    return up(dirname(folder));
  }
})(dirname(fileURLToPath(import.meta.url)));

export interface Captured {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export function captured(file: string): readonly Captured[] {
  const lines = readFileSync(join(root, "test/fixtures/nftables", file), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [name = "", hex] = line.split(" ");
    return name === "" || name === "#" || hex === undefined ? [] : [{ name, bytes: Buffer.from(hex, "hex") }];
  });
}

/** The messages of one kind in a file, decoded. */
export function decoded<O>(file: string, kind: Message<never, O>): readonly O[] {
  return captured(file)
    .filter(({ name }) => `NFT_MSG_${name}` === kind.name)
    .map(({ bytes }) => kind.body.read(new Reader(new Uint8Array(bytes)), NLMSG_HDRLEN, bytes.length));
}
