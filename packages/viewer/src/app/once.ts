/** Remembers the last result of a function, and repeats it while the arguments are the same. */
export function once<Arguments extends readonly unknown[], Result>(
  compute: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let last: { readonly given: Arguments; readonly result: Result } | undefined
  return (...given) => {
    if (!last || last.given.some((value, index) => value !== given[index])) {
      last = { given, result: compute(...given) }
    }
    return last.result
  }
}
