/** Requests and what is theirs, for a TRUNCATE: no foreign key makes it follow from one to the other. */
export const REQUEST_TABLES = 'requests, callback_deliveries, callback_logs';
