/** A worker that listens on a port and tells where it lives. */
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { parentPort } from "node:worker_threads";

const server = createServer();
server.listen(0, () => {
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  parentPort?.postMessage({ port, inode: statSync("/proc/thread-self/ns/net").ino });
});
