/** A service that is made with the shipped package, under a real systemd; and its messages, read by another program. */
import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { notify } from "../../lib/systemd/index.ts";
import { needs } from "../../test/needs.ts";
import { directory, eventually } from "../transaction/kit.ts";
import { ROOT, SystemdHost } from "./kit.ts";

const ENTRY = join(ROOT, "dist/lib/systemd/index.js");
/** Says on its socket which sockets it has; is alive as long as nobody tells it to hang. */
const PROGRAM = `
  import { notify, passedSockets, watchdogSeconds } from ${JSON.stringify(ENTRY)};
  import { createServer } from "node:net";
  const [{ fd, name }] = passedSockets();
  createServer((stream) => stream.end("hello from " + name + "\\n")).listen({ fd });
  const feed = setInterval(() => notify({ watchdog: true }), watchdogSeconds() * 500);
  process.on("SIGHUP", async () => {
    process.once("SIGUSR2", () => notify({ ready: true, status: "has read it" }));
    await notify({ reloading: true, status: "reads\\nits document" });
  });
  process.on("SIGUSR1", () => clearInterval(feed));
  await notify({ ready: true, status: "is up" });
`;
const UNIT = `[Service]
Type=notify
ExecStart=${process.execPath} /root/service.mjs
ExecReload=kill -HUP $MAINPID
WatchdogSec=1
WatchdogSignal=SIGKILL
`;
const SOCKET = "[Socket]\nListenStream=/run/try.sock\nFileDescriptorName=door\n";

describe("a service of systemd", function () {
  this.timeout(240_000);

  it("sends what it tells as one message, to a path and to a name", async function () {
    needs(this, "python3");
    await using place = await directory();
    const receive =
      "import socket,sys\n" +
      "s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n" +
      "s.bind(sys.argv[1].replace('@','\\0',1))\nprint('bound',flush=True)\nprint(repr(s.recv(9999).decode()))";
    for (const path of [join(place.path, "notify"), `@linkwright-test-${process.pid}`]) {
      const python = spawn("python3", ["-c", receive, path], { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      python.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      await eventually(async () => said, "bound\n");
      equal(await notify({ ready: true, status: "a\nREADY=0", mainPid: 7 }, { NOTIFY_SOCKET: path }), true);
      await new Promise((resolve) => python.once("close", resolve));
      equal(said, "bound\n'READY=1\\nSTATUS=a READY=0\\nMAINPID=7'\n");
    }
  });

  describe("on a host", () => {
    let host: SystemdHost;
    before(async function () {
      host = await SystemdHost.start(this);
      await host.write("/root/service.mjs", PROGRAM);
      await host.write("/run/systemd/system/try.service", UNIT);
      await host.write("/run/systemd/system/try.socket", SOCKET);
      await host.must("systemctl", "daemon-reload");
    });
    after(async () => await host?.end());

    const show = async (property: string): Promise<string> =>
      (await host.must("systemctl", "show", "try.service", "--value", `--property=${property}`)).trim();

    it("is started by its socket, is up when it says so, and tells how it is", async () => {
      await host.must("systemctl", "start", "try.socket");
      const ask = 'require("node:net").connect("/run/try.sock").pipe(process.stdout)';
      equal(await host.must(process.execPath, "--eval", ask), "hello from door\n");
      await eventually(() => show("ActiveState"), "active");
      equal(await show("StatusText"), "is up");
    });

    it("is reloading until it says that it has read", async () => {
      await host.must("systemctl", "reload", "--no-block", "try.service");
      await eventually(() => show("StatusText"), "reads its document");
      await host.must("systemctl", "kill", "--signal=USR2", "try.service");
      await eventually(() => show("StatusText"), "has read it");
      equal(await show("ActiveState"), "active");
    });

    it("lives as long as it feeds the watchdog, and no longer", async () => {
      const pid = await show("MainPID");
      await new Promise((resolve) => setTimeout(resolve, 2500));
      equal(await show("MainPID"), pid);
      await host.must("systemctl", "kill", "--signal=USR1", "try.service");
      await eventually(() => show("Result"), "watchdog", 10_000);
    });
  });
});
