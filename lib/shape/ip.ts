/** Whether text is an IP address, as `node:net` has it. That takes 2 ms to load and is asked for IPv6 only. */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export const isIPv4 = (value: string): boolean => IPV4.test(value);
/** With a zone or without. */
export const isIPv6 = (value: string): boolean =>
  value.includes(":") && process.getBuiltinModule("node:net").isIPv6(value);
