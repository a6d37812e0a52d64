/** What systemd gives a service: sockets, and how often it wants to hear of it. */
import { deepEqual, equal } from "node:assert/strict";
import { notify, passedSockets, watchdogSeconds } from "../../lib/systemd/index.ts";

describe("a service of systemd", () => {
  it("knows its sockets by number and name, and takes none of another process", () => {
    const env = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "status:" };
    deepEqual(passedSockets(env, 7), [
      { fd: 3, name: "status" },
      { fd: 4, name: "" },
    ]);
    deepEqual(passedSockets({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7), [{ fd: 3, name: "unknown" }]);
    deepEqual(passedSockets(env, 8), []);
    deepEqual(passedSockets({ ...env, LISTEN_FDS: "-1" }, 7), []);
    deepEqual(passedSockets({}, 7), []);
  });

  it("knows how often it is to be heard of, where it is", () => {
    equal(watchdogSeconds({ WATCHDOG_USEC: "2500000", WATCHDOG_PID: "7" }, 7), 2.5);
    equal(watchdogSeconds({ WATCHDOG_USEC: "2500000" }, 7), 2.5);
    equal(watchdogSeconds({ WATCHDOG_USEC: "2500000", WATCHDOG_PID: "8" }, 7), undefined);
    for (const text of ["0", "", "x", "-1"]) equal(watchdogSeconds({ WATCHDOG_USEC: text }, 7), undefined);
  });

  it("tells nobody where nobody listens", async () => {
    equal(await notify({ ready: true }, {}), false);
    equal(await notify({ ready: true }, { NOTIFY_SOCKET: "vsock:2:1234" }), false);
  });
});
