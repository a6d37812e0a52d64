/** Netlink sockets: connections for requests, monitors for events. */
export { type Command, command } from "./answers.ts";
export { type CallOptions, checkCall, signalShape } from "./call.ts";
export { Connection, type ConnectionOptions, type Dump } from "./connection.ts";
export type { Dropped } from "./conversation.ts";
export { errnoName, errnoText, NetlinkError, SocketError, type SocketErrorCode } from "./errors.ts";
export { Change, Monitor, type MonitorEvent, type MonitorOptions, type Resync } from "./monitor.ts";
export type { Datagram, Inbox, Transport } from "./transport.ts";
