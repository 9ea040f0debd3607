/** Gives signals, timers and messages their turn: runtimes may compute on the thread that runs this. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    // Browsers have no setImmediate.
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve)
  })
