/** The address that stands for all that have no entry of their own: its entries are where a VXLAN floods to. */
export const ZERO_MAC = "00:00:00:00:00:00";
