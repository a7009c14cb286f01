import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAwaited } from '../../../../src/base/end-signals.ts';
import { ProgressLine } from '../../../../src/commands/shared/progress.ts';
import { screenOf } from '../../../helpers/terminal.ts';

let now = 0;
let output = '';
const screen = { columns: 60, write: (text: string) => (output += text) };
const lineOf = (): string => screenOf(output);

beforeEach(() => {
  vi.useFakeTimers();
  now = 0;
  output = '';
});
afterEach(() => vi.useRealTimers());

function progress(): ProgressLine {
  return new ProgressLine(screen, () => now);
}

test('short work shows nothing', async () => {
  await progress().during('reading a', async (tell) => {
    now = 600;
    tell(0.5);
  });
  expect(output).toBe('');
});

test('what is read, how far, how long it may take', async () => {
  await progress().during('reading net-61', async (tell) => {
    now = 3000;
    tell(0.25);
    expect(lineOf()).toBe('reading net-61 [#####---------------] 25%, 9 s left');
    now = 90_000;
    tell(0.5);
    expect(lineOf()).toBe('reading net-61 [##########----------] 50%, 1 min 30 s left');
  });
  expect(lineOf()).toBe('');
});

test.each([0, -1, 1.0001, 1e9, Number.NaN, Infinity])(
  'a share of %d is none: no per cent',
  async (share) => {
    await progress().during('reading a', async (tell) => {
      now = 5000;
      tell(share);
      expect(lineOf()).toBe('reading a, 5 s');
    });
  },
);

test('words where there is no share', async () => {
  await progress().during('recording run', async (tell) => {
    now = 1000;
    tell('12 KB (Ctrl-C ends it)');
    expect(lineOf()).toBe('recording run: 12 KB (Ctrl-C ends it)');
  });
});

test('the next pass has its own word at once, on the same line', async () => {
  const line = progress();
  now = 1000;
  await line.during('reading a', async () => expect(lineOf()).toBe('reading a'));
  await line.during('replaying a', async () => expect(lineOf()).toBe('replaying a'));
  expect(lineOf()).toBe('');
  expect(output).not.toContain('\n');
});

test('of passes at the same time the last one is shown, then the other', async () => {
  const line = progress();
  now = 1000;
  await line.during('reading a', async (tell) => {
    await line.during('opening vmcore', async () => expect(lineOf()).toBe('opening vmcore'));
    expect(lineOf()).toBe('');
    now = 1200;
    tell(0.5);
    expect(lineOf()).toContain('reading a [');
  });
  expect(lineOf()).toBe('');
});

test('work that waits is shown, and a line that is shown does not keep the program alive', async () => {
  const timer = vi.spyOn(globalThis, 'setInterval');
  await progress().during('reading pipe', async () => {
    now = 2000;
    vi.advanceTimersByTime(100);
    expect(lineOf()).toBe('reading pipe, 2 s');
    expect(timer.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([
      false,
    ]);
  });
  expect(vi.getTimerCount()).toBe(0);
});

test('an error takes the line away too', async () => {
  now = 0;
  const line = progress();
  now = 1000;
  const failing = line.during('reading a', () => Promise.reject(new Error('cut off')));
  expect(lineOf()).toBe('reading a');
  await expect(failing).rejects.toThrow('cut off');
  expect(lineOf()).toBe('');
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('a signal is listened to only while a line is shown that lets it through', async () => {
  const line = progress();
  now = 1000;
  await line.during('reading a', async () => {
    expect(isAwaited('SIGHUP')).toBe(true);
    await line.during('scanning a', async () => expect(isAwaited('SIGHUP')).toBe(false), {
      blocks: true,
    });
  });
});

test('never wider than the terminal, and names are only text', async () => {
  const line = progress();
  now = 1000;
  await line.during(`reading \x1b]0;x\x07${'long'.repeat(30)}`, async () => {
    expect(lineOf()).toMatch(/^reading \?\]0;x\?long/);
    expect(lineOf()).toHaveLength(59);
  });
});
