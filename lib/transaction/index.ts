/** Applications that are all or nothing: journal, guardian, confirmation, recovery. */
export { isExact, type WayBack } from "./back.ts";
export {
  type Committed,
  confirm,
  discard,
  type Ended,
  type Found,
  type RecoverOptions,
  type Reverted,
  recover,
  recoverAll,
  revert,
  untilEnded,
} from "./ending.ts";
export { type TransactionCode, TransactionError } from "./error.ts";
export { clock, pendingRemark, type StoreOptions } from "./store.ts";
export {
  type Check,
  describeWayBack,
  LONGEST_CONFIRM,
  RevertedError,
  type Transacted,
  type TransactOptions,
  transact,
} from "./transaction.ts";
export type { Mode, Planned } from "./wanted.ts";
