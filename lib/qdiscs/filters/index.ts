/** The kinds of filters. A new one is its file and two lines here. */
import { flower } from "./flower.ts";
import { matchall } from "./matchall.ts";
import { u32 } from "./u32.ts";

export const filterKinds = { flower, matchall, u32 };
