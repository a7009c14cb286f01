// A profile as pprof's protocol buffer, gzip-compressed (google/pprof, proto/profile.proto): what
// `go tool pprof` and most profile viewers open. Cache and size are labels of a sample.

import { gzipSync } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile as PprofProfile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import type { Profile, ProfileFrame, ProfileSample } from '../../analysis/profile.ts';
import { escapeText } from '../../render/escape.ts';

/** The values of a sample, named as Go names those of its heap profiles. */
const SAMPLE_TYPES = [
  { type: 'alloc_objects', unit: 'count', of: (s: ProfileSample) => s.allocated.objects },
  { type: 'alloc_space', unit: 'bytes', of: (s: ProfileSample) => s.allocated.bytes },
  { type: 'inuse_objects', unit: 'count', of: (s: ProfileSample) => s.live.objects },
  { type: 'inuse_space', unit: 'bytes', of: (s: ProfileSample) => s.live.bytes },
  { type: 'requested_space', unit: 'bytes', of: (s: ProfileSample) => s.live.requested },
] as const;

const KERNEL = '[kernel.kallsyms]';

export function renderPprof(profile: Profile): Uint8Array {
  return new PprofBuilder(profile).build();
}

class PprofBuilder {
  private readonly profile: Profile;
  private readonly strings = new StringTable();
  private readonly mappings = new Map<string, Mapping>();
  private readonly functions = new Map<string, PprofFunction>();

  constructor(profile: Profile) {
    this.profile = profile;
  }

  build(): Uint8Array {
    const { run, completeness, frames, samples } = this.profile;
    const location = frames.map((frame, i) => this.location(frame, i));
    const sample = samples.map((s) => this.sample(s));
    const comments = [
      `slabreplay: ${run.label}`,
      ...(run.kernelRelease === null ? [] : [`Linux ${run.kernelRelease}`]),
      ...completeness.notes,
    ];
    const pprof = new PprofProfile({
      sampleType: SAMPLE_TYPES.map(({ type, unit }) => this.valueType(type, unit)),
      sample,
      mapping: [...this.mappings.values()],
      location,
      function: [...this.functions.values()],
      durationNanos: run.durationSec === null ? 0 : Math.round(run.durationSec * 1e9),
      periodType: this.valueType('space', 'bytes'),
      period: 1,
      comment: comments.map((text) => this.text(text)),
      defaultSampleType: this.text('inuse_space'),
      stringTable: this.strings,
    });
    return gzipSync(pprof.encode());
  }

  private sample(sample: ProfileSample): Sample {
    return new Sample({
      locationId: sample.frames.map((frame) => frame + 1),
      value: SAMPLE_TYPES.map(({ of }) => of(sample)),
      label: [
        ...(sample.cache === null
          ? []
          : [new Label({ key: this.text('cache'), str: this.text(sample.cache) })]),
        new Label({
          key: this.text('bytes'),
          num: sample.bytesReqEach,
          numUnit: this.text('bytes'),
        }),
      ],
    });
  }

  private location({ name, module, address }: ProfileFrame, index: number): Location {
    const { id } = this.mapping(module === null ? KERNEL : `[${module}]`);
    return new Location({
      id: index + 1,
      mappingId: id,
      address: address ?? 0,
      line: name === null ? [] : [new Line({ functionId: this.function(name, module).id })],
    });
  }

  private function(name: string, module: string | null): PprofFunction {
    const key = JSON.stringify([name, module]);
    let found = this.functions.get(key);
    if (found === undefined) {
      found = new PprofFunction({
        id: this.functions.size + 1,
        name: this.text(name),
        systemName: this.text(name),
        filename: this.text(module === null ? '' : `[${module}]`),
      });
      this.functions.set(key, found);
    }
    return found;
  }

  private mapping(filename: string): Mapping {
    let found = this.mappings.get(filename);
    if (found === undefined) {
      // Functions are known, so that no viewer looks for the binary.
      found = new Mapping({
        id: this.mappings.size + 1,
        filename: this.text(filename),
        hasFunctions: true,
      });
      this.mappings.set(filename, found);
    }
    return found;
  }

  private valueType(type: string, unit: string): ValueType {
    return new ValueType({ type: this.text(type), unit: this.text(unit) });
  }

  private text(text: string): number {
    return this.strings.dedup(escapeText(text));
  }
}
