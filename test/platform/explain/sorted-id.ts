/** SQL for ids that sort by n, as UUIDv7 sorts by time. */
export const SORTED_ID = (n: string): string => `(lpad(to_hex(${n}), 8, '0') || '-0000-7000-8000-000000000000')::uuid`;
