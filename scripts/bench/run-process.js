// Runs a program to its end with its output thrown away: how long it took, from its start to its end,
// how much processor time, and the most memory it held (from Linux's /proc; not known elsewhere). Time
// and memory of the last milliseconds, after the last look at /proc, are missing.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const POLL_MS = 20;
/** Of the times in /proc/PID/stat (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** @returns { seconds, cpuSeconds, peakBytes }; the last two are null where they are not known */
export function runProcess(command, args) {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    let usage = { cpuSeconds: null, peakBytes: null };
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const poll = setInterval(() => {
      usage = usageOf(child.pid) ?? usage;
    }, POLL_MS);
    child.on('error', (error) => {
      clearInterval(poll);
      reject(error);
    });
    child.on('close', (code) => {
      clearInterval(poll);
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      if (code === 0) resolve({ seconds, ...usage });
      else reject(new Error(`${command} ${args.join(' ')}: exit ${code}\n${errors.slice(0, 500)}`));
    });
  });
}

/** The fastest of some runs, with the most memory of any: other work on the machine only slows down. */
export async function bestOf(runs, command, args) {
  const results = [];
  for (let n = 0; n < runs; n++) results.push(await runProcess(command, args));
  const least = (key) => Math.min(...results.map((result) => result[key]));
  const { peakBytes } = results[0];
  return {
    seconds: least('seconds'),
    cpuSeconds: results[0].cpuSeconds === null ? null : least('cpuSeconds'),
    peakBytes: peakBytes === null ? null : Math.max(...results.map((result) => result.peakBytes)),
  };
}

function usageOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
    // "pid (name) state ...": user and system time are the 12th and 13th field behind the name.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (kilobytes === undefined) return undefined;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      peakBytes: Number(kilobytes) * 1024,
    };
  } catch {
    return undefined;
  }
}
