// `slabreplay slabinfo SOURCE [PATTERN]`: the tables of the kernel's slabinfo tool.

import { counted } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import { parseTimeBound } from '../../pairing/selection-texts.ts';
import type { PrintingCommand } from '../shared/command.ts';
import { JSON_OPTION, SOURCE_OPTIONS, type SourceValues } from '../shared/options.ts';
import { parseCount } from '../shared/parse.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, parsed, type Spec, type Specs, text, withPreset } from '../shared/specs.ts';
import {
  LIVE_ACTIONS,
  refuseLiveAction,
  SLABINFO_DEFAULTS,
  SLABINFO_FLAGS,
  type SlabinfoFlag,
  type SlabinfoOptions,
} from './options.ts';
import type { SlabinfoRun } from './slabinfo-run.ts';

/** The tool's own options. */
type ToolValues = Partial<Pick<SlabinfoOptions, SlabinfoFlag['key']>>;

interface SlabinfoCommandOptions extends SourceValues, ToolValues {
  readonly pattern?: string;
  readonly from: 'sysfs' | 'replay';
  readonly at?: ReturnType<typeof parseTimeBound>;
  readonly json?: boolean;
  readonly out?: string;
  readonly force?: boolean;
}

export const slabinfo: PrintingCommand<SlabinfoCommandOptions, SlabinfoRun> = {
  name: 'slabinfo',
  summary: "the kernel's slabinfo tables of a recording's /sys/kernel/slab",
  reads: 'sidecars',
  options: {
    from: withPreset(
      choice('--from <WHERE>', 'a capture of /sys/kernel/slab, or the replayed state', [
        'sysfs',
        'replay',
      ]),
      'sysfs',
    ),
    at: parsed('--at <SECONDS>', 'with --from replay: the state at that time', parseTimeBound),
    json: JSON_OPTION,
    out: text('--out <FILE>', 'write to a file instead of standard output'),
    force: flag('--force', 'overwrite files'),
    ...SOURCE_OPTIONS,
    pattern: text('[pattern]', ''),
    ...toolSpecs(),
  },
  async run(options, desk) {
    const action = LIVE_ACTIONS.find(({ long }) => desk.given.some(({ key }) => key === long));
    if (action !== undefined) {
      const { message, hint } = refuseLiveAction(action.short);
      throw new UsageError(message, { hint });
    }
    if (options.from === 'sysfs' && options.at !== undefined) {
      throw new UsageError('--at needs --from replay', {
        hint: 'A capture of /sys/kernel/slab shows one moment: the end of the recording.',
      });
    }
    const { replayedSlabinfoRun, slabinfoRun } = await import('./slabinfo-run.ts');
    const shared = await sourceOptions(options, desk);
    const tables =
      options.from === 'replay'
        ? await replayedSlabinfoRun({ ...shared, until: options.at }, toolOptions(options))
        : await slabinfoRun(shared, toolOptions(options));
    if (tables.olderSlabs > 0) {
      desk.note(
        `the kernel had ${counted(tables.olderSlabs, 'slab')} more, of which no ` +
          'event tells: full since before the recording',
      );
    }
    tables.notes.forEach(desk.note);
    return tables;
  },
  render: {
    async text({ result }) {
      return (await import('./slabinfo-text.ts')).renderSlabinfoText(result);
    },
    csv: null,
    async json(tables) {
      return (await import('./slabinfo-json.ts')).buildSlabinfoJson(tables);
    },
  },
};

/** The tool's options; those that act on a running kernel are known, so that they can be refused. */
function toolSpecs(): Specs<ToolValues> {
  const specs: Record<string, Spec<unknown>> = {};
  for (const { key, short, long, value, help, quirk } of SLABINFO_FLAGS) {
    specs[key] = {
      flags: `${short}, ${long}${value === undefined ? '' : ` <${value}>`}`,
      help: quirk === undefined ? help : `${help} (${quirk})`,
      ...(value === undefined ? {} : { parse: parseCount }),
    };
  }
  for (const { short, long } of LIVE_ACTIONS) {
    specs[long] = { flags: `${short}, ${long} [value]`, help: '', isHidden: true };
  }
  // Cast: SLABINFO_FLAGS has every key, a flag or a number as the tool takes it.
  return specs as Specs<ToolValues>;
}

function toolOptions(options: SlabinfoCommandOptions): SlabinfoOptions {
  const given = SLABINFO_FLAGS.map(({ key }) => [key, options[key] ?? SLABINFO_DEFAULTS[key]]);
  return { ...SLABINFO_DEFAULTS, ...Object.fromEntries(given), pattern: options.pattern ?? null };
}
