/** Where the queue board is served. */
export const BOARD_PATH = '/admin/queues';
