import { SeptumError } from '@septum/core'

/** Turns what the file system or the decoder said into a sentence that names the file and the remedy. */
export function unreadable(file: string, cause: unknown): SeptumError {
  const code = (cause as NodeJS.ErrnoException).code
  const text = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
  if (code === 'ENOENT' || text.includes('file is missing')) {
    return new SeptumError(
      'picture-missing',
      'The file does not exist',
      'Check the path.',
      { file },
      { cause },
    )
  }
  if (code === 'EISDIR') {
    return new SeptumError(
      'picture-format',
      'This is a folder, not a picture',
      'Give a file.',
      { file },
      { cause },
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new SeptumError(
      'picture-forbidden',
      'The file may not be read',
      'Change its permissions.',
      { file },
      { cause },
    )
  }
  return new SeptumError(
    'picture-broken',
    `The picture is damaged or cut off (${text})`,
    'Copy it again from its source.',
    { file },
    { cause },
  )
}
