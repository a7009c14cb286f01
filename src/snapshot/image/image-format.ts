// What a form of memory image is to the rest of the program. Adding one: a file with such an object,
// and a line in open-snapshot.ts.

import type { Findings } from '../findings.ts';
import type { IomemRange } from '../memory/iomem.ts';
import type { ImageBytes, OpenedImage } from './physical-image.ts';

export interface ImageContext {
  /** The recording's iomem.txt, for images that do not say where their memory is. */
  readonly iomem: readonly IomemRange[] | undefined;
  readonly findings: Findings;
}

export interface ImageFormat {
  /** As messages name it. */
  readonly name: string;
  /** True where the first bytes (at most 64 KiB) are of this form, else why they are not. */
  detect(head: Buffer): true | string;
  /** @throws TraceFormatError where it cannot be read */
  open(bytes: ImageBytes, context: ImageContext): OpenedImage;
}
