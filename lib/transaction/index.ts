/** Applications that are all or nothing: journal, guardian, confirmation, recovery. */
export { isExact, type WayBack } from "./back.ts";
export { type Check, checksOf } from "./checks.ts";
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
export { describeReport, takeReport } from "./report.ts";
export { describeWayBack, RefusedError, RevertedError } from "./reverted.ts";
export {
  clock,
  describePending,
  madeRoot,
  type Pending,
  pendingOf,
  pendingRemark,
  rootOf,
  type StoreOptions,
} from "./store.ts";
export {
  LONGEST_CONFIRM,
  type Transacted,
  type TransactOptions,
  transact,
} from "./transaction.ts";
export type { Mode, Planned } from "./wanted.ts";
