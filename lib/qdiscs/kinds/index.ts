/** The kinds of qdiscs and classes that can be made. A new one is its file and two lines here. */
import { clsact, ingress, mq, noqueue } from "./bare.ts";
import { bfifo, pfifo } from "./fifo.ts";
import { fq } from "./fq.ts";
import { fqCodel } from "./fq-codel.ts";
import { htb, htbClass } from "./htb.ts";
import { netem } from "./netem.ts";
import { pfifoFast } from "./pfifo-fast.ts";
import { prio } from "./prio.ts";
import { tbf } from "./tbf.ts";

export const qdiscKinds = {
  netem,
  tbf,
  htb,
  fq_codel: fqCodel,
  fq,
  pfifo,
  bfifo,
  pfifo_fast: pfifoFast,
  prio,
  noqueue,
  ingress,
  clsact,
  mq,
};
export const classKinds = { htb: htbClass };
