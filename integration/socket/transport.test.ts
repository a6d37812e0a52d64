import { FaultyTransport } from "../../lib/socket/faulty.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { Studio } from "../../test/socket/recordings.ts";
import { transportSuite } from "../../test/socket/transport.suite.ts";

const studio = new Studio("transport");

describe("socket: a real kernel", () => {
  before(() => assertSandboxed());
  after(() => studio.save());
  transportSuite("kernel", (title) => studio.record(title, KernelTransport.open({ protocol: 0 })));
  transportSuite(
    "faulty without faults, over the kernel",
    () => new FaultyTransport(KernelTransport.open({ protocol: 0 }), []),
  );
});
