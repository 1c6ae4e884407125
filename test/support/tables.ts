/** The tables of requests, for TRUNCATE. No foreign key connects them. */
export const REQUEST_TABLES = 'requests, callback_deliveries, callback_logs';
