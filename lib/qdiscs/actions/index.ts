/** The kinds of actions. A new one is its file and two lines here. */
import { gact } from "./gact.ts";
import { mirred } from "./mirred.ts";
import { police } from "./police.ts";

export const actionKinds = { gact, mirred, police };
