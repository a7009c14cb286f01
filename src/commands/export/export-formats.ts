// The formats of `export`: every event, or what all events come to.

export const EVENT_FORMATS = ['csv', 'parquet', 'sqlite-rows'] as const;
export const PROFILE_FORMATS = ['pprof', 'speedscope', 'collapsed', 'trace-events'] as const;

export type EventFormat = (typeof EVENT_FORMATS)[number];
export type ProfileFormat = (typeof PROFILE_FORMATS)[number];
export type ExportFormat = EventFormat | ProfileFormat;
