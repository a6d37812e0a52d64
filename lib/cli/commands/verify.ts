import type { Run } from "../command.ts";
export const run: Run = () => Promise.reject(new Error("not yet"));
