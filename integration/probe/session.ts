/** A connection between two hosts, such as an SSH client has. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { SshClient } from "../../lib/probe/index.ts";
import { type Machine, type Scene, scene } from "../state/kit.ts";

/** Runs a program of Node in a namespace until `end`; `line` is the first that it prints. */
async function program({ namespace }: Machine, code: string) {
  const child = namespace.run(process.execPath, ["-e", code], { stdio: ["pipe", "pipe", "inherit"] });
  const [first] = (await once(child.stdout as Readable, "data")) as [Buffer];
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await once(child, "close");
  };
  return { line: first.toString().trim(), say: () => child.stdin?.write("hello\n"), end };
}

/** A connection from bm2 to bm1, as a client's to sshd; `say` writes a line to it, as a program of the session does. */
export async function session(
  step: (scene: Scene, client: SshClient, say: () => void) => Promise<void>,
): Promise<void> {
  await using hosts = await scene();
  const { bm1, bm2 } = hosts;
  const server = await program(
    bm1,
    `require("net").createServer((s) => process.stdin.pipe(s)).listen(0, function () { console.log(this.address().port) })`,
  );
  const client = await program(
    bm2,
    `require("net").connect(${server.line}, "192.168.0.23", function () { console.log(this.localPort); this.resume() })`,
  );
  try {
    const ends = { address: "192.168.0.24", port: Number(client.line), local: "192.168.0.23" };
    await step(hosts, { ...ends, localPort: Number(server.line) }, server.say);
  } finally {
    await client.end();
    await server.end();
  }
}
