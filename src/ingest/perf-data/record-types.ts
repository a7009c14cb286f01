// Numbers of perf.data: record types and sample_type bits (include/uapi/linux/perf_event.h), perf's
// own record types (tools/lib/perf/include/perf/event.h) and features (tools/perf/util/header.h).

export const RECORD = {
  mmap: 1,
  lost: 2,
  comm: 3,
  fork: 7,
  sample: 9,
  mmap2: 10,
  lostSamples: 13,
  /** Types from here on are perf's own; those below are the kernel's and end with a sample_id. */
  firstUser: 64,
  headerAttr: 64,
  tracingData: 66,
  buildId: 67,
  finishedRound: 68,
  idIndex: 69,
  auxtrace: 71,
  threadMap: 73,
  headerFeature: 80,
  compressed: 81,
  compressed2: 83,
} as const;

/** `misc` of a record: which mode it is about, in the low three bits. */
export const MISC = {
  cpumodeMask: 7,
  kernel: 1,
  /** mmap2: a build id stands where the device and inode else stand. */
  mmapBuildId: 0x4000,
  /** build_id: byte 20 says how long it is. */
  buildIdSize: 0x8000,
  /** lost_samples: a BPF filter left them out, as it was told to. */
  lostSamplesBpf: 0x8000,
} as const;

export const SAMPLE = {
  ip: 0x1,
  tid: 0x2,
  time: 0x4,
  addr: 0x8,
  read: 0x10,
  callchain: 0x20,
  id: 0x40,
  cpu: 0x80,
  period: 0x100,
  streamId: 0x200,
  raw: 0x400,
  identifier: 0x10000,
} as const;

export const READ_FORMAT = { enabled: 1, running: 2, id: 4, group: 8, lost: 16 } as const;

export const FEATURE = {
  tracingData: 1,
  buildId: 2,
  osRelease: 4,
  nrCpus: 7,
  dirFormat: 24,
} as const;
