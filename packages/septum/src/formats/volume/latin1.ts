/** Characters taken at once: more arguments than this overflow the stack in some engines. */
const AT_ONCE = 8192

/** Bytes as text, one character each. Needs no Buffer: headers are read in browsers too. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  for (let at = from; at < to; at += AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + AT_ONCE)))
  }
  return text
}
