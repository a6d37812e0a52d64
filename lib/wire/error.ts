/** A value that does not fit its schema, or a payload that does not. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code = "ERR_WIRE";
  /** Names the attribute, outermost first: `["linkinfo", "info", "vxlan", "port"]`. */
  readonly path: readonly string[];
  /** What is wrong, without the path. */
  readonly reason: string;

  constructor(reason: string, path: readonly string[] = []) {
    super(path.length > 0 ? `${path.join(".")}: ${reason}` : reason);
    this.reason = reason;
    this.path = path;
  }

  /** The same error seen from one level further out. */
  static under(label: string, error: unknown): unknown {
    return error instanceof WireError ? new WireError(error.reason, [label, ...error.path]) : error;
  }
}

/** For an attribute at byte `at` that cannot be as long as it says. */
export const impossible = (at: number, length: number): WireError =>
  new WireError(`attribute at byte ${at} has length ${length}`);
/** For a payload that does not hold the `size` bytes of what it should be. */
export const tooShort = (name: string, size: number, start: number, end: number): WireError =>
  new WireError(`${name} needs ${size} bytes, got ${end - start}`);
