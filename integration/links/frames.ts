/** What passes a link while a command runs, as a socket of its own sees it. */
import type { Scene } from "./kit.ts";

/** The frames of a link in hexadecimal digits, both ways, while a command of the shell runs in the scene. */
export async function framesDuring({ sh }: Scene, dev: string, command: string): Promise<string[]> {
  const said = await sh(`python3 - <<'END'
import socket, subprocess, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) # nothing until it is bound
s.bind(("${dev}", 3))
subprocess.run(["sh", "-ec", """${command}"""], check=True, stdout=sys.stderr)
s.setblocking(False)
try:
    while True:
        print(s.recv(65536).hex())
except BlockingIOError:
    pass
END`);
  return said.split("\n").filter((line) => line !== "");
}
