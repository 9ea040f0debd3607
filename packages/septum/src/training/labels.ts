/** Label of samples that no loss and no score may count. */
export const IGNORED = 255
