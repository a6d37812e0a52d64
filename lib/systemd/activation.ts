/** Sockets that systemd opened for a service. Source: sd_listen_fds(3) */

/** The first descriptor that is handed over. */
const FIRST = 3;

/** A socket that is listened on already. */
export interface PassedSocket {
  /** For Node: `server.listen({ fd })`. */
  readonly fd: number;
  /** `FileDescriptorName=` of the socket's unit, by default its name; `unknown` where systemd tells none. */
  readonly name: string;
}

/** Sockets that systemd handed to this process; none where it was not started by one. Same as: sd_listen_fds_with_names(3) */
export function passedSockets(
  env: NodeJS.ProcessEnv = process.env,
  pid: number = process.pid,
): readonly PassedSocket[] {
  const { LISTEN_PID: of, LISTEN_FDS: count, LISTEN_FDNAMES: names = "" } = env;
  if (of !== String(pid) || count === undefined || !/^\d{1,4}$/.test(count)) return [];
  const known = names === "" ? [] : names.split(":");
  return Array.from({ length: Number(count) }, (_, i) => ({ fd: FIRST + i, name: known[i] ?? "unknown" }));
}
