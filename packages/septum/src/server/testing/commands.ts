/** Values of the first pixel that the test worker obeys. */
export const commands = { die: 251, dieOnce: 252, slow: 253, block: 254 } as const
