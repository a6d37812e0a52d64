/** Errors of devices. */

/** A word that names no feature of the device. */
export class EthtoolError extends Error {
  override readonly name = "EthtoolError";
  readonly code = "ERR_FEATURE_UNKNOWN";
  readonly feature: string;

  constructor(device: string, feature: string) {
    super(`cannot set features of ${device}: it has no feature ${JSON.stringify(feature)} (ERR_FEATURE_UNKNOWN)`);
    this.feature = feature;
  }
}
