/** Reading what others may change meanwhile. */

/** A table that kept changing while it was read. */
export class ObserveError extends Error {
  override readonly name = "ObserveError";
  readonly code = "ERR_OBSERVE";
}

/** How often a table is read anew before it is given up. */
const ATTEMPTS = 5;

/** Half a table is no ground for a decision. @throws {ObserveError} */
export async function consistent<T extends { readonly consistent: boolean }>(
  what: string,
  read: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const found = await read();
    if (found.consistent) return found;
    if (attempt === ATTEMPTS)
      throw new ObserveError(`cannot observe ${what}: they changed each of the ${ATTEMPTS} times that they were read`);
  }
}
