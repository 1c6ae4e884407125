/** The end of the key of a list: the offsets of the results of a pack that were removed while others remain. */
const REMOVED = '.removed';

/** The key of the list of a pack. */
export const removedList = (pack: string): string => pack + REMOVED;

/** Whether a key is that of a list, the only objects that are replaced. */
export const isRemovedList = (key: string): boolean => key.endsWith(REMOVED);

/** The key of the pack of a list. */
export const packOf = (list: string): string => list.slice(0, -REMOVED.length);
