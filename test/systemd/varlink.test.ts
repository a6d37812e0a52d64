/** networkd over Varlink, against servers that answer as several versions of it do, or badly. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refused } from "../../lib/systemd/bus/error.ts";
import { varlink } from "../../lib/systemd/bus/varlink.ts";
import { Systemd, SystemdError } from "../../lib/systemd/index.ts";

type Parameters = Readonly<Record<string, unknown>>;
/** What a method answers: its parameters, or the name of an error. */
type Methods = Readonly<Record<string, (given: Parameters) => object | string>>;

const NETNS = 4026531840;
const OWN = { "io.systemd.Network.GetNamespaceId": () => ({ NamespaceId: NETNS, NamespaceNSID: null }) };

describe("Varlink", () => {
  let folder: string;
  let socket: string;
  let server: Server | undefined;
  const open = new Set<Socket>();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "linkwright-varlink-"));
    socket = join(folder, "socket");
  });
  after(() => rm(folder, { recursive: true }));
  async function stop(): Promise<void> {
    for (const one of open) one.destroy();
    open.clear();
    await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
    server = undefined;
  }
  afterEach(stop);

  async function listen(connected: (stream: Socket) => void): Promise<void> {
    server = createServer((stream) => {
      open.add(stream);
      stream.on("error", () => undefined);
      connected(stream);
    });
    await new Promise<void>((resolve) => server?.listen(socket, resolve));
  }
  /** Answers calls, byte by byte where that is asked for; gives the calls. */
  async function answer(methods: Methods, pieces = false): Promise<readonly [string, Parameters][]> {
    const calls: [string, Parameters][] = [];
    await listen((stream) =>
      stream.on("data", async (data) => {
        const { method, parameters } = JSON.parse(data.subarray(0, -1).toString()) as {
          method: string;
          parameters: Parameters;
        };
        calls.push([method, parameters]);
        const told = methods[method]?.(parameters) ?? "org.varlink.service.MethodNotFound";
        const reply = typeof told === "string" ? { error: told, parameters: { method } } : { parameters: told };
        const bytes = Buffer.from(`${JSON.stringify(reply)}\0`);
        for (let at = 0; at < bytes.length; at += pieces ? 1 : bytes.length) {
          stream.write(bytes.subarray(at, pieces ? at + 1 : undefined));
          if (pieces) await new Promise(setImmediate);
        }
      }),
    );
    return calls;
  }
  const call = (timeout = 5000, signal?: AbortSignal): Promise<object> =>
    varlink({ socket, method: "a.B", parameters: { x: "ü" }, timeout, signal });

  it("gives what is answered, in whatever pieces it comes", async () => {
    const calls = await answer({ "a.B": () => ({ text: "ü€", list: [1, null] }) }, true);
    deepEqual(await call(), { text: "ü€", list: [1, null] });
    deepEqual(calls, [["a.B", { x: "ü" }]]);
  });

  it("gives errors by their name", async () => {
    await answer({});
    await rejects(call(), (error) => error instanceof Refused && error.reason === "org.varlink.service.MethodNotFound");
  });

  const code = (wanted: string) => (error: unknown) => error instanceof SystemdError && error.code === wanted;
  it("says so where the answer makes no sense, does not come, or nobody is there", async () => {
    await listen((stream) => stream.write("nonsense\0"));
    await rejects(call(), code("ERR_PROTOCOL"));
    await stop();
    await listen((stream) => stream.resume());
    await rejects(call(50), code("ERR_TIMEOUT"));
    await stop();
    await listen((stream) => stream.end("{"));
    await rejects(call(), code("ERR_LOST"));
    await stop();
    await rejects(call(), code("ERR_LOST"));
  });

  it("stops waiting when the signal comes", async () => {
    await listen((stream) => stream.resume());
    const over = new AbortController();
    const waiting = call(5000, over.signal);
    over.abort(new Error("enough"));
    await rejects(waiting, /enough/);
  });

  describe("to networkd", () => {
    /** There is no D-Bus here. */
    const systemd = (): Systemd =>
      new Systemd({ socket, netns: NETNS, address: `unix:path=${folder}/nobody`, speakers: ["package"] });

    it("asks without D-Bus what the version can say over Varlink", async () => {
      const calls = await answer({
        ...OWN,
        "io.systemd.Network.Describe": () => ({ Interfaces: [{ Index: 2, Name: "br-vm", AdministrativeState: "x" }] }),
        "io.systemd.Network.Reload": () => ({}),
        "io.systemd.Network.Link.Reconfigure": () => ({}),
      });
      const { networkd } = systemd();
      equal((await networkd.describe()).Interfaces[0]?.Name, "br-vm");
      await networkd.reload();
      await networkd.reconfigureLink(2);
      deepEqual(
        calls.filter(([method]) => !method.endsWith("GetNamespaceId")),
        [
          ["io.systemd.Network.Describe", {}],
          ["io.systemd.Network.Reload", {}],
          ["io.systemd.Network.Link.Reconfigure", { InterfaceIndex: 2 }],
        ],
      );
    });

    it("goes over to D-Bus for what it cannot", async () => {
      await answer(OWN);
      await rejects(systemd().networkd.reload(), code("ERR_NO_BUS"));
    });

    it("refuses a networkd of another namespace before anything is asked of it", async () => {
      const calls = await answer({ ...OWN, "io.systemd.Network.Reload": () => ({}) });
      const other = new Systemd({ socket, netns: NETNS + 1, address: `unix:path=${folder}/nobody` });
      await rejects(other.networkd.reload(), code("ERR_OTHER_NETNS"));
      deepEqual(
        calls.map(([method]) => method),
        ["io.systemd.Network.GetNamespaceId"],
      );
    });

    it("tells who may not, and what to do", async () => {
      await answer({ ...OWN, "io.systemd.Network.Reload": () => "io.systemd.InteractiveAuthorizationRequired" });
      await rejects(systemd().networkd.reload(), (error) => code("ERR_DENIED")(error) && /root$/.test(String(error)));
    });

    const link = (state: string): object => ({
      Interfaces: [{ Index: 7, Name: "br-vm", AdministrativeState: state, OperationalState: "carrier" }],
    });
    it("waits until links are configured, and stay so", async () => {
      // Right after a reload they look as before.
      const states = ["configured", "configuring", "configuring", "configured"];
      await answer({ ...OWN, "io.systemd.Network.Describe": () => link(states.shift() ?? "configured") });
      const [found] = await systemd().networkd.waitConfigured(["br-vm"], { deadline: 10 });
      deepEqual([found?.ifindex, found?.administrative, found?.operational], [7, "configured", "carrier"]);
      equal(states.length, 0);
    });

    it("does not wait for a link that failed", async () => {
      await answer({ ...OWN, "io.systemd.Network.Describe": () => link("failed") });
      await rejects(systemd().networkd.waitConfigured(["br-vm"]), /networkd failed to configure br-vm; see journalctl/);
    });

    it("ends without an error when the signal comes, and tells only of changes", async () => {
      const states = ["pending", "pending", "configured"];
      await answer({ ...OWN, "io.systemd.Network.Describe": () => link(states.shift() ?? "configured") });
      const over = new AbortController();
      const seen: string[] = [];
      for await (const { administrative } of systemd().networkd.linkStates({ signal: over.signal })) {
        seen.push(administrative);
        if (administrative === "configured") over.abort();
      }
      deepEqual(seen, ["pending", "configured"]);
    });
  });

  it("gives one line for a bus that takes nobody in", async () => {
    await listen((stream) => stream.end());
    const { units } = new Systemd({ address: `unix:path=${socket}`, speakers: ["package"] });
    await rejects(units.unitState("x.service"), (error) => {
      match(
        String(error),
        /^SystemdError: no D-Bus at unix:path=[^\n]*; start it with systemctl start dbus\.socket[^\n]*$/,
      );
      return code("ERR_NO_BUS")(error);
    });
  });

  it("refuses names that are none before anything is asked", async () => {
    const { units, networkd } = new Systemd({ address: `unix:path=${folder}/nobody` });
    for (const name of [
      "",
      "x",
      "x.servic",
      "a b.service",
      "../x.service",
      `${"x".repeat(256)}.service`,
      "x.service\n",
    ])
      await rejects(async () => units.start(name), /^TypeError: unit: expected a name with its kind/);
    for (const ifindex of [0, -1, 1.5, Number.NaN, 2 ** 31])
      await rejects(networkd.reconfigureLink(ifindex), /^TypeError: ifindex: expected the number of a link/);
  });
});
