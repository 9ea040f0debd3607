// The parts that are used of packages without types of their own.

declare module 'yauzl' {
  interface Entry {
    readonly fileName: string
    readonly uncompressedSize: number
  }
  interface ZipFile {
    on(event: 'entry', listener: (entry: Entry) => void): void
    on(event: 'end', listener: () => void): void
    on(event: 'error', listener: (error: Error) => void): void
    readEntry(): void
    openReadStream(
      entry: Entry,
      callback: (error: Error | null, stream: NodeJS.ReadableStream & { destroy(): unknown }) => void,
    ): void
    close(): void
  }
  const yauzl: {
    open(
      path: string,
      options: { lazyEntries: boolean; autoClose: boolean },
      callback: (error: Error | null, zip: ZipFile) => void,
    ): void
  }
  namespace yauzl {
    export type { Entry, ZipFile }
  }
  export default yauzl
}

declare module 'dcmjs' {
  type Value = string | number | ArrayBuffer | NaturalDataset | readonly Value[]
  interface NaturalDataset {
    [keyword: string]: Value
  }
  interface DicomDict {
    dict: object
    write(options?: object): ArrayBuffer
  }
  const dcmjs: {
    readonly data: {
      readonly DicomDict: new (meta: object) => DicomDict
      readonly DicomMetaDictionary: { denaturalizeDataset(dataset: object): object }
      readonly DicomMessage: {
        readFile(bytes: ArrayBuffer): { readonly dict: Record<string, { readonly Value: unknown[] }> }
      }
    }
    readonly log: { setLevel(level: string): void }
  }
  export default dcmjs
}
