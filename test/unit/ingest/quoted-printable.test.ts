import { expect, test } from 'vitest';
import { isQuotedPrintable, unquoteChunks } from '../../../src/ingest/quoted-printable.ts';
import { tempFile } from '../../helpers/image-builders.ts';
import { readTraceFile } from '../../helpers/read-trace.ts';

const MAIL = `Hi,=20
>  tar-6120  [005] ..... 402517.336120: kfree: call_site=3Dbox=
_free+0x28/0x48 ptr=3D00000000=\r
7ba71111
>  tar-6120  [005] ..... 402517.336388: kfree: call_site=3Dbox_free_tree+0x60/0x94=20=
 ptr=3D000000007ba72222 =3D=
`;
const TEXT = `Hi,\x20
>  tar-6120  [005] ..... 402517.336120: kfree: call_site=box_free+0x28/0x48 ptr=000000007ba71111
>  tar-6120  [005] ..... 402517.336388: kfree: call_site=box_free_tree+0x60/0x94  ptr=000000007ba72222 =`;

async function decode(text: string, size: number): Promise<string> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  let decoded = '';
  for await (const chunk of unquoteChunks(chunks())) decoded += chunk.toString();
  return decoded;
}

test('chunks of every size give the same text', async () => {
  for (let size = 1; size < 40; size++) expect(await decode(MAIL, size)).toBe(TEXT);
});

test('a trace in such a mail is read; = alone makes no mail', async () => {
  const { count, stats } = await readTraceFile(tempFile(Buffer.from(MAIL), 'mail.txt'));
  expect([count, stats['bad_line']]).toEqual([2, undefined]);
  expect(isQuotedPrintable(Buffer.from('kfree: call_site=3Dfoo ptr=0000000012345678'))).toBe(true);
  expect(isQuotedPrintable(Buffer.from('kfree: call_site=foo+0x3 ptr=3D'))).toBe(true);
  expect(isQuotedPrintable(Buffer.from('kfree: call_site=foo+0x3 ptr=0x3D'))).toBe(false);
});
