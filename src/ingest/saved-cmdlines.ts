// Task names by pid, as the tracer saved them: lines `PID COMM` (tracefs saved_cmdlines, the
// cmdlines part of trace.dat). A name may hold blanks.

export function parseCmdlines(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const blank = line.indexOf(' ');
    const pid = Number(line.slice(0, blank));
    if (blank > 0 && Number.isInteger(pid)) names.set(pid, line.slice(blank + 1));
  }
  return names;
}
