// The line of dump_stack() that says who runs (lib/dump_stack.c, dump_stack_print_info()):
//   CPU: 3 UID: 0 PID: 723 Comm: paintd Tainted: G           O      6.12.0 #1     (UID since 6.12)
//   Pid: 723, comm: paintd Tainted: G        W  3.2.0-4-amd64 #1                  (until 3.9)

export interface LoggedTask {
  readonly pid: number;
  readonly comm: string;
  /** Null where the line does not say. */
  readonly cpu: number | null;
}

const TASK =
  /^(?:CPU: (\d{1,5}) (?:UID: \d+ )?PID: |Pid: )(\d{1,10}),? [Cc]omm: (.*?)(?: (?:Kdump: |Not tainted|Tainted: ).*| \d+\.\d+.*)?$/;

/** Undefined where the line is another one. */
export function parseTaskLine(text: string): LoggedTask | undefined {
  const match = TASK.exec(text.trimStart());
  if (match === null) return undefined;
  const [, cpu, pid = '', comm = ''] = match;
  return { pid: Number(pid), comm, cpu: cpu === undefined ? null : Number(cpu) };
}

/** The release of the kernel, at the end of such a line. */
export function parseRelease(text: string): string | undefined {
  return /(?:Not tainted|Tainted: [A-Z ]*?) +(\d+\.\d+\S*)/.exec(text)?.[1];
}
