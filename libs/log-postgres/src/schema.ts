/**
 * Version 1. One row per append ("block"), so that a thousand messages cost one insert, one index entry and one
 * compressed value. `data` is stored EXTERNAL: we have compressed it where that was worth it, and the server
 * shall not try again.
 */
export const CREATE_TABLES = `
create schema if not exists changeover_log;

create table if not exists changeover_log.stream (
  id bigint generated always as identity primary key,
  name text not null unique,
  -- The row is updated by each append: room on its page keeps the update off the indexes.
  next_offset bigint not null default 0
) with (fillfactor = 10);

create table if not exists changeover_log.block (
  stream_id bigint not null references changeover_log.stream (id) on delete cascade,
  first_offset bigint not null,
  message_count integer not null check (message_count > 0),
  codec smallint not null,
  data bytea not null,
  primary key (stream_id, first_offset)
);
alter table changeover_log.block alter column data set storage external;
`;

/** Asked before {@link CREATE_TABLES}, which needs privileges that a running migration need not have. */
export const TABLES_EXIST = `
select to_regclass('changeover_log.stream') is not null
   and to_regclass('changeover_log.block') is not null as complete`;

/** Held while tables are made: "if not exists" alone loses the race of two sessions. The number is arbitrary and ours. */
export const LOCK_SCHEMA = 'select pg_advisory_xact_lock(7217403115)';

export const CREATE_STREAM = `
insert into changeover_log.stream (name) values ($1) on conflict (name) do nothing`;

/** With its blocks. */
export const REMOVE_STREAM = 'delete from changeover_log.stream where name = $1';

export const BOUNDS = `
select s.next_offset as stream_end,
       (select b.first_offset from changeover_log.block b
         where b.stream_id = s.id order by b.first_offset limit 1) as stream_start
  from changeover_log.stream s
 where s.name = $1`;

/**
 * One statement, one round trip. The update takes the stream's row lock and keeps it to the commit, so the appends
 * of several processes become visible in the order of their offsets; the readers are told by the same commit.
 */
export const APPEND = `
with taken as (
  update changeover_log.stream set next_offset = next_offset + $2
   where name = $1
  returning id, next_offset - $2 as first_offset
), stored as (
  insert into changeover_log.block (stream_id, first_offset, message_count, codec, data)
  select id, first_offset, $2, $3, $4 from taken
)
select first_offset, pg_catalog.pg_notify('changeover_log_' || id, '') from taken`;

/** Where a reader that wants offset $2 begins: at the block that holds it, or at $2 itself. */
export const LOCATE = `
select s.id,
       s.next_offset as stream_end,
       (select b.first_offset from changeover_log.block b
         where b.stream_id = s.id order by b.first_offset limit 1) as stream_start,
       (select case when b.first_offset + b.message_count > $2 then b.first_offset end
          from changeover_log.block b
         where b.stream_id = s.id and b.first_offset <= $2
         order by b.first_offset desc limit 1) as block_start
  from changeover_log.stream s
 where s.name = $1`;

/**
 * The blocks from offset $2 on that begin before $4, at most $3 stored bytes and the block that passes them, and the stream's end in the
 * same snapshot. No row: the stream is gone. A row without a block: nothing there yet.
 */
export const PAGE = `
select s.next_offset as stream_end, p.first_offset, p.message_count, p.codec, p.data
  from changeover_log.stream s
  left join lateral (
    select q.* from (
      select b.first_offset, b.message_count, b.codec, b.data,
             sum(octet_length(b.data)) over (order by b.first_offset) - octet_length(b.data) as bytes_before
        from changeover_log.block b
       where b.stream_id = s.id and b.first_offset >= $2 and b.first_offset < $4
       order by b.first_offset
       limit 1000
    ) q
    where q.bytes_before < $3
  ) p on true
 where s.id = $1
 order by p.first_offset`;

/** The channel on which {@link APPEND} tells readers. `id` is a number of ours. */
export function channelOf(id: string): string {
  return `changeover_log_${id}`;
}
