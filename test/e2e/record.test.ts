// `record` on a machine of plain folders: what it writes is read by the tool itself, and what it sets
// is as it was, however it ends.

import {
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeMachine, resultOf, STATS, slabPage } from '../helpers/fake-machine.ts';
import { jsonOf, temporaryFolder } from '../helpers/run-cli.ts';
import { until } from '../helpers/until.ts';

const UNTOUCHED = { instances: [], names: '128\n' };

interface Analysis {
  readonly run: Record<string, unknown>;
  readonly completeness: Record<string, unknown>;
  readonly events: Record<string, number>;
  readonly totals: { readonly liveObjects: number };
  readonly callSites: readonly { readonly symbol: string }[];
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'latin1');
}

test('what is recorded is read with its names, clock and losses', async () => {
  const machine = new FakeMachine();
  machine.writeNew('per_cpu/cpu1/stats', STATS.replace('overrun: 0', 'overrun: 12'));
  // The boot was traced, but this recording is a later one.
  machine.write('proc/cmdline', 'quiet trace_event=kmem:kmalloc\n');
  const folder = join(temporaryFolder(), 'rec');
  const { code, stderr } = await machine.record(['-o', folder, '--duration', '200ms']);
  expect(stderr.replace(/in \d\.\d s/, 'in T s').split('\n')).toEqual([
    'slabreplay: 12 events were lost, the buffers were full: try --buffer 64M, or --pid',
    `slabreplay: ${folder}: 12 KB of events in T s`,
    `Next:  slabreplay analyze ${folder}`,
    '',
  ]);
  expect(code).toBe(0);
  expect(machine.state()).toEqual(UNTOUCHED);

  const result = await jsonOf<Analysis>(['analyze', folder]);
  expect(result.run).toMatchObject({
    format: 'raw-pages',
    kernelRelease: '6.1.0-56-amd64',
    cpus: 2,
    pageSize: 4096,
    clock: 'global',
  });
  expect(result.events).toMatchObject({ kmalloc: 9, kfree: 3 });
  expect(result.totals.liveObjects).toBe(6);
  expect(result.completeness).toMatchObject({ lostEvents: 12, startsAtBoot: false });
  expect(result.callSites[0]?.symbol).toBe('driver_alloc+0x10');
});

test('the folder has the files that docs/recording-folder.md names', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  await machine.record(['-o', folder, '--duration', '50ms']);
  // dmesg.txt is there where this machine lets us read its log.
  expect(
    readdirSync(folder)
      .filter((name) => name !== 'dmesg.txt')
      .sort(),
  ).toEqual([
    'cmdline.txt',
    'config',
    'cpu0.stats',
    'cpu1.stats',
    'kallsyms.txt.gz',
    'modules.txt',
    'pagesize.txt',
    'slab_sysfs.before.txt',
    'slab_sysfs.txt',
    'slab_sysfs_links.txt',
    'slabinfo.before.txt',
    'slabinfo.txt',
    'trace_pipe_raw.cpu0',
    'trace_pipe_raw.cpu1',
    'tracing',
    'uname.txt',
    'version.txt',
  ]);
  expect(read(folder, 'slab_sysfs.txt')).toBe('/sys/kernel/slab/kmalloc-128/object_size=128\n');
  expect(read(folder, 'uname.txt')).toMatch(/^Linux +6\.1\.0-56-amd64 /);
  expect(read(folder, 'tracing/saved_cmdlines')).toBe('7 worker\n');
});

test('the instance is set as asked, and only that', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  const asked = ['--duration', '10ms', '--stacks', '--buffer', '2M', '--pid', '7'];
  const { stderr } = await machine.record(['-o', folder, ...asked]);
  expect(stderr).toContain('events in');
  expect(machine.removed('buffer_size_kb')).toBe('2048');
  expect(machine.removed('trace_clock')).toBe('local [global] mono');
  expect(machine.removed('options/stacktrace')).toBe('1');
  expect(machine.removed('options/event-fork')).toBe('1');
  // Both threads of the process.
  expect(machine.removed('set_event_pid')).toBe('7 9');
  expect(machine.removed('events/kmem/kmalloc/enable')).toBe('1');
  expect(machine.removed('tracing_on')).toBe('0');
  const { completeness } = await jsonOf<Analysis>(['analyze', folder]);
  expect(completeness['notes']).toContain(
    'Only some tasks were recorded: frees by others are missing, ' +
      'and frees of what others allocated are of unknown objects.',
  );
});

test('a command is recorded from its first instruction to its end, with its exit code', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  // The command itself looks whether it is traced when it begins.
  const instances = join(machine.tracefs, 'instances', 'own');
  const script = `cat ${instances}/tracing_on ${instances}/set_event_pid; echo $$; exit 3`;
  const { code, stdout } = await machine.record([
    ...['-o', folder, '--instance', 'own', '--', 'sh', '-c', script],
  ]);
  const [on, traced, pid] = stdout.split('\n');
  expect(on).toBe('1');
  expect(traced).toBe(pid);
  expect(code).toBe(3);
  expect(machine.state()).toEqual(UNTOUCHED);
});

test('a command that a signal ends gives 128 and its number', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  const { code } = await machine.record(['-o', folder, '--', 'sh', '-c', 'kill -KILL $$']);
  expect(code).toBe(137);
});

test('a command that outlives --duration is ended', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  const command = ['sh', '-c', 'while :; do sleep 1; done'];
  const { code } = await machine.record(['-o', folder, '--duration', '0.1s', '--', ...command]);
  expect(code).toBe(0);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends the recording, and what was recorded until then is kept',
  async (signal) => {
    const machine = new FakeMachine();
    machine.writeNew('per_cpu/cpu1/live', '');
    const folder = join(temporaryFolder(), 'rec');
    const recorder = machine.start(['-o', folder, '--instance', 'own']);
    const ended = resultOf(recorder);
    await until(() => existsSync(join(folder, 'slab_sysfs.before.txt')));
    const pipe = createWriteStream(
      join(machine.tracefs, 'instances/own/per_cpu/cpu1/trace_pipe_raw'),
    );
    pipe.write(slabPage(3000n, 3));
    // A page of which the kernel gives a part, and one that is written while the recorder reads.
    pipe.end(slabPage(9000n, 50));
    await until(() => sizeOf(join(folder, 'trace_pipe_raw.cpu1')) >= 8192);
    recorder.kill(signal);
    const { code } = await ended;
    expect(code).toBe(0);
    expect(machine.state()).toEqual(UNTOUCHED);
    expect(machine.removed('tracing_on')).toBe('0');
    const { events } = await jsonOf<Analysis>(['analyze', folder]);
    expect(events).toMatchObject({ kmalloc: 3 + 3 + 3 + 50, kfree: 4 });
  },
);

test('a full disk: one line, whole pages, all restored, and the folder can be read', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  machine.write('three-pages', Buffer.concat([1000n, 5000n, 7000n].map((at) => slabPage(at, 3))));
  const pipe = join(machine.tracefs, 'new-instance/per_cpu/cpu0/trace_pipe_raw');
  rmSync(pipe);
  symlinkSync(join(machine.root, 'three-pages'), pipe);
  // Files of at most 10240 bytes: the third page of CPU 0 does not fit.
  const small = ['sh', '-c', 'trap "" XFSZ; ulimit -f 20; exec "$@"', 'sh'];
  const { code, stderr } = await machine.record(['-o', folder, '--duration', '5s'], small);
  expect(stderr.split('\n')).toEqual([
    `slabreplay: ${folder}/trace_pipe_raw.cpu0: cannot be written: EFBIG`,
    '  What was recorded until then is kept. Make room, or record less: --duration, --pid.',
    '',
  ]);
  expect(code).toBe(74);
  expect(machine.state()).toEqual(UNTOUCHED);
  expect(sizeOf(join(folder, 'trace_pipe_raw.cpu0'))).toBe(8192);
  const { events, callSites } = await jsonOf<Analysis>(['analyze', folder]);
  expect(events).toMatchObject({ kmalloc: 6, kfree: 2 });
  expect(callSites[0]?.symbol).toBe('driver_alloc+0x10');
});

test.each([
  [['-o', 'rec', '--pid', 'x'], "option '--pid <N>' argument 'x' is invalid. expected a pid"],
  [['-o', 'rec', '--duration', 'long'], "option '--duration <TIME>' argument 'long' is invalid."],
  [[], 'where to? Name a new folder with -o DIR'],
] as const)('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await new FakeMachine().record(args);
  expect(stderr).toContain(`slabreplay: ${message}`);
  expect(code).toBe(2);
});

test('without tracefs, and without root', async () => {
  const root = temporaryFolder();
  const { code, stderr } = await new FakeMachine().record([
    '--root',
    root,
    '-o',
    join(root, 'rec'),
  ]);
  const isRoot = process.getuid?.() === 0;
  expect(stderr).toMatch(isRoot ? 'no tracefs is mounted' : 'recording needs root');
  expect(code).toBe(74);
});

test('--boot prints the kernel command line, --collect gathers what it recorded', async () => {
  const machine = new FakeMachine();
  const { stdout } = await machine.record(['--boot', '--buffer', '90M', '--stacks']);
  expect(stdout).toBe(
    'trace_event=kmem:kmalloc,kmem:kfree,kmem:kmem_cache_free ' +
      'trace_buf_size=92160K trace_clock=global trace_options=stacktrace\n',
  );
  machine.write('proc/cmdline', `quiet ${stdout}`);
  const tracefs = 'sys/kernel/tracing';
  machine.write(`${tracefs}/set_event`, 'kmem:kmalloc\nkmem:kfree\nkmem:kmem_cache_free\n');
  machine.write(`${tracefs}/trace_clock`, 'local [global] mono\n');
  machine.write(`${tracefs}/buffer_size_kb`, '92160\n');
  machine.write(
    `${tracefs}/per_cpu/cpu0/stats`,
    STATS.replace('dropped events: 0', 'dropped events: 3'),
  );
  const folder = join(temporaryFolder(), 'rec');
  const { code, stderr } = await machine.record(['-o', folder, '--collect']);
  expect(stderr).toBe(
    'slabreplay: 3 events were lost, the buffers were full: try --buffer 360M, or --pid\n' +
      `slabreplay: ${folder}: 12 KB of events since boot\nNext:  slabreplay analyze ${folder}\n`,
  );
  expect(code).toBe(0);
  expect(read(machine.tracefs, 'tracing_on').trim()).toBe('0');
  const { completeness, events, run } = await jsonOf<Analysis>(['analyze', folder]);
  expect(completeness).toMatchObject({ startsAtBoot: true, lostEvents: 3 });
  expect(run).toMatchObject({ clock: 'global', cpus: 2 });
  expect(events).toMatchObject({ kmalloc: 9, kfree: 3 });
});

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
