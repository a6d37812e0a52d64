/** What is told of FRR. */

/** Something that FRR and the fabric, or FRR and the kernel, do not agree on. */
export interface FrrFinding {
  /** `error` where traffic is or will be lost by it. */
  readonly severity: "error" | "warning";
  /** Line of the file that was looked at; absent where it is not about a file. */
  readonly line?: number;
  /** What it is, and what to do about it, in one line. */
  readonly message: string;
}
