/** What a guest can be asked, and how question and answer look on their way between the threads. */

/** How a transfer or handshake went. */
export interface Outcome {
  readonly ok: boolean;
  /** Milliseconds until it was over. */
  readonly ms: number;
  /** Bytes that arrived; of TLS all of them, with handshake and frames. */
  readonly received: number;
  /** Why not: `ETIMEDOUT` where nothing came in time, else the error's code. */
  readonly error?: string;
}

/** Where a server listens. */
export interface Listening {
  readonly port: number;
}

/** What a TLS server needs, in PEM. */
export interface TlsServer {
  readonly chain: string;
  readonly key: string;
}

/** Each question with its arguments and its answer. */
export interface GuestCalls {
  listenTls(server: TlsServer, port: number): Listening;
  tls(host: string, port: number, timeout: number, root: string | undefined): Outcome;
  serve(port: number, sizes: readonly number[]): Listening;
  fetch(host: string, port: number, size: number, timeout: number): Outcome;
  echoTcp(port: number): Listening;
  sendTcp(host: string, port: number, size: number, timeout: number): Outcome;
  listenUdp(port: number, family: 4 | 6): Listening;
  udp(host: string, port: number, size: number, timeout: number): Outcome;
  /** Network namespace of the thread. */
  identity(): { readonly inode: number };
  /** Closes all servers and lets the thread end. */
  end(): { readonly ended: true };
}

export type GuestMethod = keyof GuestCalls;
export type GuestArguments<M extends GuestMethod> = Parameters<GuestCalls[M]>;
export type GuestAnswer<M extends GuestMethod> = ReturnType<GuestCalls[M]>;

/** A question on its way to the guest. */
export interface Question {
  readonly id: number;
  readonly method: GuestMethod;
  readonly args: readonly unknown[];
}

/** An answer on its way back. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { readonly code: string; readonly message: string } };
