// Events as Parquet (hyparquet-writer, Snappy): the columns of the SQL table `event`, in groups of
// rows, so that no more than one group is in memory.

import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { EventRow } from '../../kernel/indices.ts';

/** A value as SQL has it. */
type Value = number | bigint | string | null | Uint8Array;

/** Parquet's types of the columns that are no text. */
const NUMBER_TYPES: Readonly<Record<string, 'INT32' | 'INT64'>> = {
  seq: 'INT64',
  ts_ns: 'INT64',
  cpu: 'INT32',
  pid: 'INT32',
  bytes_req: 'INT64',
  bytes_alloc: 'INT64',
  node: 'INT32',
  accounted: 'INT32',
};

const ROWS_PER_GROUP = 64 * 1024;

export class EventParquet {
  private readonly names: readonly string[];
  private readonly rowOf: (batch: EventBatch, i: EventRow, seq: number) => readonly Value[];
  private readonly bytes = new ByteWriter(1 << 20);
  private readonly writer: ParquetWriter;
  private columns: Value[][];
  private seq = 0;

  /**
   * @param names of the columns
   * @param rowOf the values of an event in their order
   */
  constructor(names: readonly string[], rowOf: EventParquet['rowOf']) {
    this.names = names;
    this.rowOf = rowOf;
    this.columns = names.map(() => []);
    this.writer = new ParquetWriter({
      writer: this.bytes,
      schema: schemaFromColumnData({ columnData: this.columnData() }),
      createdBy: 'slabreplay',
    });
  }

  begin(): Uint8Array {
    return this.take();
  }

  /** The bytes of the groups that a batch completes. */
  rows(batch: EventBatch): Uint8Array {
    for (let i: EventRow = 0; i < batch.length; i++) {
      const row = this.rowOf(batch, i, this.seq++);
      for (const [c, column] of this.columns.entries()) column.push(row[c] ?? null);
    }
    if ((this.columns[0]?.length ?? 0) >= ROWS_PER_GROUP) this.writeGroup();
    return this.take();
  }

  end(): Uint8Array {
    this.writeGroup();
    void this.writer.finish(); // done at once: memory needs no waiting
    return this.take();
  }

  private writeGroup(): void {
    const count = this.columns[0]?.length ?? 0;
    if (count === 0) return;
    void this.writer.write({ columnData: this.columnData(), rowGroupSize: count });
    this.columns = this.names.map(() => []);
  }

  private columnData(): Parameters<ParquetWriter['write']>[0]['columnData'] {
    return this.names.map((name, c) => {
      const type = NUMBER_TYPES[name] ?? 'STRING';
      const values = this.columns[c] ?? [];
      const data =
        type === 'INT64' ? values.map((v) => (typeof v === 'number' ? BigInt(v) : v)) : values;
      // The least and the greatest of a text helps no reader.
      const statistics = type !== 'STRING';
      const nullable = name !== 'seq' && name !== 'ts_ns';
      return { name, data, type, nullable, statistics, offsetIndex: false };
    });
  }

  private take(): Uint8Array {
    const taken = this.bytes.getBytes().slice();
    this.bytes.index = 0;
    return taken;
  }
}
