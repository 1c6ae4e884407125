/** What a file of a format is sent as. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/jsonl; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  // Registered at IANA since 2024.
  parquet: 'application/vnd.apache.parquet',
  // The file itself is compressed, and not its transfer: its hash and its ranges are those of the compressed bytes.
  gz: 'application/gzip',
};

const EXTENSION = /\.([a-z0-9]+)$/;

/** The end of the name of a report's file: the id of its request, and one extension or two. */
export const FILE_NAME_END = /_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[a-z0-9]+(?:\.gz)?$/;

/** Every media type that a file of a report may have. */
export const FILE_MEDIA_TYPES: readonly string[] = Object.values(MEDIA_TYPES);

/** Returns the extension of a file: `csv`, or `csv.gz` when it is compressed. */
export function extensionOf(format: string, isCompressed: boolean): string {
  return isCompressed ? `${format}.gz` : format;
}

/** Returns the media type of a report's file by its name. */
export function mediaTypeOf(fileName: string): string {
  const extension = EXTENSION.exec(fileName)?.[1] ?? '';
  return Object.hasOwn(MEDIA_TYPES, extension) ? MEDIA_TYPES[extension]! : 'application/octet-stream';
}
