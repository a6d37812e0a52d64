import type { Run } from "../command.ts";
export const up: Run = () => Promise.reject(new Error("not yet"));
export const run: Run = up;
export const down: Run = up;
