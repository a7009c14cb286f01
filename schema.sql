-- One slabreplay run: a recording as stored by `slabreplay ingest`.
-- Version: PRAGMA user_version (1); PRAGMA application_id marks the file as ours (0x534c5252, "SLRR").
--
-- Small things are ordinary rows. Events are too many for rows: they lie in columnar segments (table
-- `segment`), and `slabreplay sql` shows them as tables that a plain sqlite3 shell does not have:
--   event(seq, ts_ns, cpu, pid, comm, event, site, symbol, ptr, bytes_req, bytes_alloc, gfp_flags,
--         node, cache, stack, flags, accounted)
--   event_range(FROM_NS, TO_NS)   the same, reading only the segments of that time
-- To get real rows for other tools: `slabreplay export RUN.db --to sqlite-rows -o rows.db`.
--
-- Addresses in INTEGER columns are the 64 bits of the address as a signed number, since SQLite has no
-- other: printf('0x%016x', address) prints them. Views and `event` give them as text.

-- What the run is: label, format, kernel_release, cpus, page_size, clock, clock_unit, origin_ns,
-- first_ns, last_ns, …; values as text, JSON where they have parts. snapshot: {path, size, digest} of the
-- memory snapshot that lay beside the recording, which is not taken in (digest: SHA-256 of its first
-- and last MiB).
CREATE TABLE run (
  key   TEXT PRIMARY KEY,
  value TEXT
) STRICT;

-- What went wrong or was passed over while reading.
CREATE TABLE ingest_stat (
  name           TEXT PRIMARY KEY,
  severity       TEXT NOT NULL,   -- info, data_loss, error
  source         TEXT NOT NULL,   -- trace, ingest, replay
  count          INTEGER NOT NULL,
  first_position TEXT NOT NULL
) STRICT;

-- Strings, each once: task names, cache names, symbols as the trace printed them. Id 0 is ''.
CREATE TABLE string (
  id    INTEGER PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- Code addresses, also those in stacks.
CREATE TABLE site (
  id      INTEGER PRIMARY KEY,
  address INTEGER,                -- NULL where the trace printed only a name
  text    INTEGER NOT NULL,       -- string id of the name as printed, 0 for none
  symbol  TEXT,                   -- name+0xoff
  module  TEXT
) STRICT;

-- Distinct calls: an event with everything about it that is the same each time it is made.
CREATE TABLE call (
  id          INTEGER PRIMARY KEY,
  kind        INTEGER NOT NULL,   -- event_kind
  site        INTEGER NOT NULL,   -- site id, 0 unknown
  bytes_req   INTEGER NOT NULL,
  bytes_alloc INTEGER NOT NULL,
  gfp_flags   INTEGER NOT NULL,
  gfp_known   INTEGER NOT NULL,
  node        INTEGER NOT NULL,   -- -1 any, -2 not recorded
  cache       INTEGER NOT NULL,   -- string id of the name in the event, 0 for none
  accounted   INTEGER NOT NULL,   -- 0 not recorded, 1 no, 2 yes
  data        INTEGER NOT NULL,   -- string id: bytes of a write, attributes of a cache_create
  cache_name  TEXT,               -- the cache that the analysis gave it
  inferred    INTEGER NOT NULL    -- 1 where that is a guess
) STRICT;

CREATE TABLE event_kind (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

CREATE TABLE task (
  id   INTEGER PRIMARY KEY,
  pid  INTEGER NOT NULL,
  comm INTEGER NOT NULL           -- string id
) STRICT;

-- Call chains: depth 0 is the innermost frame.
CREATE TABLE stack_frame (
  stack INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  site  INTEGER NOT NULL,
  PRIMARY KEY (stack, depth)
) STRICT, WITHOUT ROWID;

-- Events in the order of the trace. Each column is `length` numbers, little-endian, one behind the
-- other: ts float64 (clock units since run.origin_ns, whole), call, task, ptr_lo, ptr_hi, stack
-- uint32 (ids, and the halves of the pointer), cpu and flags uint16 (flags: bits 0-7 common_flags,
-- 8-11 preempt depth, 12-15 migrate-disable depth; 0xffff not recorded).
CREATE TABLE segment (
  id        INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  length    INTEGER NOT NULL,
  min_ns    INTEGER NOT NULL,     -- of its events, clock units
  max_ns    INTEGER NOT NULL,
  ts        BLOB NOT NULL,
  call      BLOB NOT NULL,
  task      BLOB NOT NULL,
  ptr_lo    BLOB NOT NULL,
  ptr_hi    BLOB NOT NULL,
  cpu       BLOB NOT NULL,
  flags     BLOB NOT NULL,
  stack     BLOB NOT NULL
) STRICT;

-- The files beside the events, packed with gzip, so that the database alone gives every result.
CREATE TABLE sidecar (
  name    TEXT PRIMARY KEY,
  source  TEXT NOT NULL,          -- the path it came from
  content BLOB NOT NULL
) STRICT;

-- Results as rows, as `analyze --json` has them.
CREATE TABLE cache (
  name              TEXT,
  inferred          INTEGER NOT NULL,
  object_size       INTEGER,
  slab_size         INTEGER,
  objs_per_slab     INTEGER,
  "order"           INTEGER,
  allocs            INTEGER NOT NULL,
  frees             INTEGER NOT NULL,
  bytes_req         INTEGER NOT NULL,
  bytes_alloc       INTEGER NOT NULL,
  bytes_wasted      INTEGER NOT NULL,
  live              INTEGER NOT NULL,
  live_uncertain    INTEGER NOT NULL,
  live_bytes_req    INTEGER NOT NULL,
  live_bytes_alloc  INTEGER NOT NULL,
  live_bytes_wasted INTEGER NOT NULL,
  allocs_per_sec    REAL,
  bytes_per_sec     REAL,
  peak_live         INTEGER NOT NULL,
  slabs             INTEGER
) STRICT;

CREATE TABLE call_site (
  site              TEXT,
  symbol            TEXT,
  module            TEXT,
  cache             TEXT,
  allocs            INTEGER NOT NULL,
  frees             INTEGER NOT NULL,
  untraced_frees    INTEGER NOT NULL,
  live              INTEGER NOT NULL,
  live_uncertain    INTEGER NOT NULL,
  bytes_req         INTEGER NOT NULL,
  bytes_alloc       INTEGER NOT NULL,
  bytes_wasted      INTEGER NOT NULL,
  live_bytes_alloc  INTEGER NOT NULL,
  live_bytes_wasted INTEGER NOT NULL,
  oldest_ns         TEXT,
  cross_cpu_frees   INTEGER NOT NULL,
  mean_lifetime_ns  INTEGER,
  peak_live         INTEGER NOT NULL
) STRICT;

-- Who frees: by the call site of the free.
CREATE TABLE free_site (
  site          TEXT,
  symbol        TEXT,
  module        TEXT,
  event         TEXT NOT NULL,
  frees         INTEGER NOT NULL,
  bytes_alloc   INTEGER NOT NULL,
  null_frees    INTEGER NOT NULL, -- kfree(NULL)
  unknown_frees INTEGER NOT NULL  -- of objects whose allocation is not in the trace
) STRICT;

-- Who frees what: objects that one call allocated and another freed.
CREATE TABLE free_pair (
  alloc_call INTEGER NOT NULL,    -- call id
  free_call  INTEGER NOT NULL,    -- call id
  count      INTEGER NOT NULL
) STRICT;

-- What each task allocated.
CREATE TABLE task_total (
  task             INTEGER NOT NULL, -- task id
  allocs           INTEGER NOT NULL,
  bytes_req        INTEGER NOT NULL,
  bytes_alloc      INTEGER NOT NULL,
  frees            INTEGER NOT NULL,
  live             INTEGER NOT NULL,
  live_bytes_alloc INTEGER NOT NULL,
  peak_bytes_alloc INTEGER NOT NULL  -- when the total of all tasks was highest
) STRICT;

-- The recorded kernel's own figures, from sysfs and /proc/slabinfo.
CREATE TABLE kernel_cache (
  name           TEXT NOT NULL,
  aliases        TEXT NOT NULL,   -- names merged into it, with commas between
  object_size    INTEGER,
  slab_size      INTEGER NOT NULL,
  objs_per_slab  INTEGER NOT NULL,
  "order"        INTEGER NOT NULL,
  slabs          INTEGER,         -- counts: NULL where the recording does not tell
  active_objects INTEGER,
  total_objects  INTEGER
) STRICT;

-- Objects allocated at the end of the trace.
CREATE TABLE live_row (
  address      INTEGER NOT NULL,
  cache        TEXT,
  bytes_req    INTEGER NOT NULL,
  bytes_alloc  INTEGER NOT NULL,
  site         INTEGER NOT NULL,  -- site id
  task         INTEGER NOT NULL,  -- task id
  cpu          INTEGER NOT NULL,
  stack        INTEGER NOT NULL,
  allocated_ns INTEGER NOT NULL,
  certain      INTEGER NOT NULL,  -- 0 where it may be freed already
  reason       TEXT               -- why
) STRICT;

CREATE VIEW live_object AS
SELECT printf('0x%016x', l.address) AS address, l.cache, l.bytes_req, l.bytes_alloc,
       CASE WHEN s.address IS NULL THEN NULL ELSE printf('0x%016x', s.address) END AS site,
       s.symbol, t.pid, n.value AS comm, l.cpu, l.allocated_ns, l.certain, l.reason
FROM live_row AS l
LEFT JOIN site AS s ON s.id = l.site
LEFT JOIN task AS t ON t.id = l.task
LEFT JOIN string AS n ON n.id = t.comm;

-- Allocations and frees by call and second (or unit of another clock).
CREATE TABLE rate_bin (
  start_ns INTEGER NOT NULL,
  call     INTEGER NOT NULL,      -- call id
  allocs   INTEGER NOT NULL,
  frees    INTEGER NOT NULL
) STRICT;

CREATE TABLE finding (
  rule     TEXT NOT NULL,
  severity TEXT NOT NULL,
  count    INTEGER NOT NULL,
  site     TEXT,
  symbol   TEXT,
  module   TEXT,
  cache    TEXT,
  message  TEXT NOT NULL
) STRICT;
