/** Parts of a document in one line, as YAML reads them. */

/** Text that means itself without quotes, also within brackets. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._/-]*(?::{1,2}[A-Za-z0-9._/-]+)*$/;
const WORDS = ["true", "false", "null", "yes", "no", "on", "off"];

function text(value: string): string {
  const plain = PLAIN.test(value) && Number.isNaN(Number(value)) && !WORDS.includes(value.toLowerCase());
  return plain ? value : JSON.stringify(value);
}

/** A value within others: `[10.0.0.1/24]`, `{ dst: default, via: 192.0.2.1 }`. */
export function flow(value: unknown): string {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const given = Object.entries(value).filter(([, one]) => one !== undefined);
  return given.length === 0 ? "{}" : `{ ${given.map(([key, one]) => `${text(key)}: ${flow(one)}`).join(", ")} }`;
}
