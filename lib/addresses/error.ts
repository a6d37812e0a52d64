/** Errors of addresses. */

/** Duplicate address detection did not end well. */
export class DadError extends Error {
  override readonly name = "DadError";
  /**
   * - `ERR_DAD_FAILED`: another host has the address. It stays on the link, unusable, as `dadfailed`.
   * - `ERR_DAD_REMOVED`: the address was removed meanwhile; so the kernel does with one that has a lifetime.
   * - `ERR_DAD_TIMEOUT`: the detection did not end in time, as on a link without carrier.
   */
  readonly code: "ERR_DAD_FAILED" | "ERR_DAD_REMOVED" | "ERR_DAD_TIMEOUT";

  constructor(code: DadError["code"], subject: string, reason: string) {
    super(`${subject}: ${reason} (${code})`);
    this.code = code;
  }
}
