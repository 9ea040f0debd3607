/** What a server spends on requests. Times in milliseconds. */
export interface ServerLimits {
  /** Bytes of one upload. */
  readonly uploadBytes: number
  /** Bytes of decoded samples of one image. */
  readonly decodedBytes: number
  /** Pixels or voxels of an image times the masks drawn for it. */
  readonly work: number
  /** Jobs that wait beside the one that runs; uploads under way count. */
  readonly queue: number
  /** From the acceptance of a job to its end. */
  readonly deadlineMs: number
  /** Without a byte of an upload. */
  readonly uploadIdleMs: number
  /** How long results are kept, and of how many jobs. */
  readonly keepMs: number
  readonly keepJobs: number
  /** Longest time that `POST /v1/segment` waits for its result. */
  readonly waitMs: number
  /** Event streams open at one time. */
  readonly streams: number
  /** What is running may take so long to end when the server stops. */
  readonly graceMs: number
}

export const defaultLimits: ServerLimits = {
  uploadBytes: 512 * 2 ** 20,
  decodedBytes: 2 ** 31,
  // A CT of 512 x 512 x 1024, or 16 masks of a picture of 4096 x 4096.
  work: 2 ** 28,
  queue: 16,
  deadlineMs: 600_000,
  uploadIdleMs: 20_000,
  keepMs: 900_000,
  keepJobs: 64,
  waitMs: 60_000,
  streams: 64,
  graceMs: 10_000,
}
