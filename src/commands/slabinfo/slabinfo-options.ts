// What the command line needs to know of the slabinfo tables; apart from slabinfo-run.ts, so that
// printing --help loads nothing else.

import { LIVE_ACTIONS, refuseLiveAction, SLABINFO_DEFAULTS, SLABINFO_FLAGS } from './options.ts';

export const slabinfoCommandLine: {
  readonly flags: typeof SLABINFO_FLAGS;
  readonly defaults: typeof SLABINFO_DEFAULTS;
  readonly liveActions: typeof LIVE_ACTIONS;
  readonly refuseLiveAction: typeof refuseLiveAction;
} = {
  flags: SLABINFO_FLAGS,
  defaults: SLABINFO_DEFAULTS,
  liveActions: LIVE_ACTIONS,
  refuseLiveAction,
};
