/** The clock of everything that waits. */

/** Milliseconds since some moment. The same as `performance.now()`, whose first call loads a module for 1 ms. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
