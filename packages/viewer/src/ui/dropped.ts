/** Read at most so many files of a folder: a study of several series. */
const mostFiles = 5000

/** What was dropped, with the files in dropped folders. Must be called while the event is handled. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.() ?? null)
  // A file that a script made has no entry.
  if (entries.every((entry) => entry === null)) return [...files]
  const found: File[] = []
  const plain = [...files]
  for (const entry of entries) if (entry) await collect(entry, found)
  return found.length > 0 ? found : plain
}

async function collect(entry: FileSystemEntry, found: File[]): Promise<void> {
  if (found.length >= mostFiles) return
  if (entry.isFile) {
    found.push(
      await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
    )
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // A browser lists a folder in portions.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return
    for (const each of some) await collect(each, found)
  }
}
