/**
 * How a PostgreSQL session that reads or writes row text is set: without it the same row would come out differently by role, database or
 * server. All that is in a log was written under these.
 */
export const ROW_TEXT_SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  client_encoding: 'UTF8',
} as const;
