/** The thread of a guest: servers and clients in the network namespace that the thread was born in. */
import { X509Certificate } from "node:crypto";
import dgram from "node:dgram";
import { statSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { parentPort } from "node:worker_threads";
import type { GuestCalls, Listening, Outcome, Question, Reply } from "./guest-call.ts";

/** Node 22 compares IPv6 addresses as text, and finds none of those that are written short. */
function checkServerIdentity(host: string, peer: tls.PeerCertificate): Error | undefined {
  if (net.isIP(host) !== 0 && new X509Certificate(peer.raw).checkIP(host) !== undefined) return undefined;
  return tls.checkServerIdentity(host, peer);
}

type Handlers = { [M in keyof GuestCalls]: (...args: Parameters<GuestCalls[M]>) => Promise<ReturnType<GuestCalls[M]>> };
interface Server {
  close(): void;
}

const servers = new Set<Server>();
const clients = new Set<net.Socket>();
const exchanges = new Set<(error: string) => void>();

function listen(server: net.Server, port: number): Promise<Listening> {
  server.on("connection", (socket) => {
    clients.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => clients.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => {
      servers.add(server);
      const address = server.address();
      resolve({ port: address !== null && typeof address === "object" ? address.port : 0 });
    });
  });
}

/** Watches over one exchange of a client: `step` starts it, and calls `done` when it has all it wants. */
function exchange(
  timeout: number,
  step: (done: () => void) => {
    readonly socket: Server;
    received(): number;
    onError(fail: (error: Error) => void): void;
  },
): Promise<Outcome> {
  const start = performance.now();
  return new Promise((resolve) => {
    let over = false;
    const end = (error?: string): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      exchanges.delete(end);
      const received = client.received();
      client.socket.close();
      const ms = performance.now() - start;
      resolve({ ok: error === undefined, ms, received, ...(error === undefined ? {} : { error }) });
    };
    const timer = setTimeout(() => end("ETIMEDOUT"), timeout);
    exchanges.add(end);
    const client = step(() => end());
    client.onError((error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function overTcp(host: string, port: number, size: number, timeout: number, request: Buffer): Promise<Outcome> {
  return exchange(timeout, (done) => {
    const socket = net.connect({ host, port, noDelay: true }, () => socket.write(request));
    let received = 0;
    socket.on("data", (data) => {
      received += data.length;
      if (received >= size) done();
    });
    return {
      socket: { close: () => socket.destroy() },
      received: () => received,
      onError: (fail) => {
        socket.on("error", fail);
        socket.on("end", () => fail(Object.assign(new Error("closed early"), { code: "ECONNRESET" })));
      },
    };
  });
}

const handlers: Handlers = {
  listenTls: ({ chain, key }, port) => {
    const server = tls.createServer({ cert: chain, key, minVersion: "TLSv1.2" }, (socket) => {
      socket.on("error", () => undefined);
      socket.end("hello");
    });
    server.on("tlsClientError", () => undefined);
    return listen(server, port);
  },
  tls: (host, port, timeout, root) =>
    exchange(timeout, (done) => {
      // Session tickets come after the handshake: done is when the greeting, which follows them, is here.
      const raw = net.connect({ host, port });
      const socket = tls.connect({
        ...{ host, socket: raw, rejectUnauthorized: root !== undefined },
        ...(root === undefined ? {} : { ca: root }),
        checkServerIdentity,
      });
      socket.on("data", done);
      return {
        socket: { close: () => socket.destroy() },
        received: () => raw.bytesRead,
        onError: (fail) => {
          raw.on("error", fail);
          socket.on("error", fail);
        },
      };
    }),
  serve: (port, sizes) => {
    let count = 0;
    const server = net.createServer((socket) => {
      const size = sizes.length > 0 ? sizes[count++ % sizes.length] : undefined;
      // One write, so that its bytes leave in as few segments as they fit.
      socket.once("data", (data) =>
        socket.write(Buffer.alloc(size ?? Number.parseInt(data.toString("latin1"), 10), 120)),
      );
    });
    return listen(server, port);
  },
  fetch: (host, port, size, timeout) => overTcp(host, port, size, timeout, Buffer.from(`${size}\n`)),
  echoTcp: (port) =>
    listen(
      net.createServer((socket) => socket.pipe(socket)),
      port,
    ),
  sendTcp: (host, port, size, timeout) => overTcp(host, port, size, timeout, Buffer.alloc(size, 120)),
  listenUdp: (port, family) =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket(family === 4 ? "udp4" : "udp6");
      socket.once("error", reject);
      socket.on("message", (data, from) => socket.send(data, from.port, from.address, () => undefined));
      socket.bind(port, () => {
        servers.add(socket);
        resolve({ port: socket.address().port });
      });
    }),
  udp: (host, port, size, timeout) =>
    exchange(timeout, (done) => {
      const socket = dgram.createSocket(net.isIPv6(host) ? "udp6" : "udp4");
      let received = 0;
      socket.on("message", (data) => {
        received = data.length;
        if (received === size) done();
      });
      return {
        socket,
        received: () => received,
        onError: (fail) => {
          socket.on("error", fail);
          socket.send(Buffer.alloc(size, 120), port, host, (error) => {
            if (error) fail(error);
          });
        },
      };
    }),
  // stat asks from this very thread; a promise would ask from one of the process
  identity: async () => ({ inode: statSync("/proc/thread-self/ns/net").ino }),
  end: async () => {
    for (const server of servers) server.close();
    for (const client of clients) client.destroy();
    for (const stop of exchanges) stop("ECANCELED");
    return { ended: true };
  },
};

const port = parentPort;
port?.on("message", ({ id, method, args }: Question) => {
  const handler = handlers[method] as (...given: readonly unknown[]) => Promise<unknown>;
  const answer = async (): Promise<unknown> => handler(...args); // what it throws at once becomes a rejection too
  answer().then(
    (value) => {
      port.postMessage({ id, value } satisfies Reply);
      if (method === "end") port.close();
    },
    (error: NodeJS.ErrnoException) => {
      const failure = { code: error.code ?? "ERR_GUEST", message: error.message };
      port.postMessage({ id, failure } satisfies Reply);
    },
  );
});
