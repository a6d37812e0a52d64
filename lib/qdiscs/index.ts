/** Traffic control: what the host and users use of it. */
export type { TcAction, TcActionConfig } from "./action.ts";
export type { RandomControl } from "./actions/gact.ts";
export type { Classes, TcClassSelection } from "./classes.ts";
export type { TcControl } from "./control.ts";
export type { NetemDistribution } from "./distribution.ts";
export type { MatchedPorts } from "./filters/flower.ts";
export type { MaskedNumber } from "./filters/masked.ts";
export type {
  MatchedErspanOptions,
  MatchedGeneveOption,
  MatchedGtpOptions,
  MatchedMplsLabel,
  MatchedVxlanOptions,
} from "./filters/options.ts";
export type { EtherType, IpProtocol } from "./filters/protocol.ts";
export type { U32Match } from "./filters/u32.ts";
export type { Filters, TcFilterSelection } from "./filters.ts";
export type { NetemLossGemodel, NetemLossState, NetemSlot } from "./kinds/netem.ts";
export type { QdiscSelection, Qdiscs } from "./qdiscs.ts";
export type { Linklayer } from "./rate.ts";
export type { QdiscCounters, QdiscStatistics } from "./statistics.ts";
export type {
  Qdisc,
  QdiscConfig,
  QdiscPlace,
  TcClass,
  TcClassConfig,
  TcClassPlace,
  TcFilter,
  TcFilterConfig,
  TcFilterName,
  TcFilterPlace,
} from "./words.ts";
