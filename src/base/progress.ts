// What takes long says how far it is. Who shows it, and where, is for the caller to decide.

/** How far a pass is: a share of 1 (0: not known), or words. */
export type ProgressListener = (state: number | string) => void;

export interface PassOptions {
  /** True where the work keeps the thread to itself: signals then wait, unless no one listens. */
  readonly blocks?: boolean;
}

export interface Progress {
  /** Shows a pass by its name ("reading run.db") while `work` runs, and no longer. */
  during<T>(
    name: string,
    work: (tell: ProgressListener) => Promise<T>,
    options?: PassOptions,
  ): Promise<T>;
}

/** Shows nothing. */
export const NO_PROGRESS: Progress = { during: (_, work) => work(() => undefined) };
