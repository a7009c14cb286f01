// Numbers as people read them: bytes, counts, per cent, durations, rates; one place, so that every
// report rounds alike.
// Memory is counted in powers of 1024, as kernel people count it, and written KB, MB, GB: 1 KB is
// 1024 bytes (the kB of /proc/meminfo), 1 MB 1024 KB.
// What is not known (null) or not a number prints as '-'. No function here prints NaN or Infinity.

/** A cell of a table fits: a number, or null where it is not known. */
type Quantity = number | bigint | null | undefined;

/** What stands for a value that is not known. */
export const UNKNOWN = '-';

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
/** Each time unit with how many nanoseconds it has and from where on the next one is used. */
const TIME_UNITS = [
  { name: 'ns', ns: 1, limit: 1000 },
  { name: 'us', ns: 1e3, limit: 1000 },
  { name: 'ms', ns: 1e6, limit: 1000 },
  { name: 's', ns: 1e9, limit: 600 },
  { name: 'min', ns: 60e9, limit: 600 },
  { name: 'h', ns: 3600e9, limit: Infinity },
] as const;

/**
 * A number with a fixed number of decimals as C's printf("%.*f") rounds it: a tie goes to the even
 * digit (45.3125 gives 45.312), where toFixed() goes up. Tables that stand for C tools need that.
 */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  const text = value.toFixed(digits);
  // A value is exactly between two decimals of `digits` digits only if it is an odd multiple of
  // 2^-(digits+1); multiplying by a power of two is exact.
  const halves = Math.abs(value) * 2 ** (digits + 1);
  const isTie = halves % 2 === 1 && halves < Number.MAX_SAFE_INTEGER;
  if (!isTie || Number(text.at(-1)) % 2 === 0) return text;
  const even = Math.floor(Math.abs(value) * 10 ** digits) / 10 ** digits;
  return (value < 0 ? '-' : '') + even.toFixed(digits);
}

/** `814,217`; fractions are rounded. */
export function formatCount(value: Quantity): string {
  if (typeof value === 'bigint') return groupThousands(value.toString());
  const count = knownNumber(value);
  return count === null ? UNKNOWN : groupThousands(withoutMinusZero(formatFixed(count, 0)));
}

/** `1 slab`, `4,391 slabs`; of a name whose plural is not with an s, both: `counted(n, 'entry', 'entries')`. */
export function counted(count: number | bigint, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? one : many}`;
}

/** `512 B`, `9.4 KB`, `412 KB`, `28.3 MB`: one decimal, but none for bytes and from 10 KB to 1 MB. */
export function formatBytes(value: Quantity): string {
  const bytes = knownNumber(value);
  if (bytes === null) return UNKNOWN;
  let amount = Math.abs(bytes);
  let unit = 0;
  let text = formatFixed(amount, 0);
  // The rounded number decides, so that 1023.7 KB is 1.0 MB and not 1024 KB.
  while (Number(text) >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit++;
    text = formatFixed(amount, unit === 1 && amount >= 9.95 ? 0 : 1);
  }
  const sign = bytes < 0 && Number(text) !== 0 ? '-' : '';
  return `${sign}${groupThousands(text)} ${BYTE_UNITS[unit]}`;
}

/** `+33.6 MB`, `-412 KB`, `0 B`: a difference of bytes. */
export function formatBytesChange(value: Quantity): string {
  return withPlus(formatBytes(value));
}

/** `+1,204`, `-3`, `0`: a difference of counts. */
export function formatCountChange(value: Quantity): string {
  return withPlus(formatCount(value));
}

/** `98.9 %`; the value is in per cent already. */
export function formatPercent(value: Quantity, digits = 1): string {
  const percent = knownNumber(value);
  if (percent === null) return UNKNOWN;
  return `${groupThousands(withoutMinusZero(formatFixed(percent, digits)))} %`;
}

/** `+5.1 %`, `-0.3 %`, `0.0 %`: a difference in per cent. */
export function formatPercentChange(value: Quantity, digits = 1): string {
  return withPlus(formatPercent(value, digits));
}

/** What `part` is of `whole`: `1.5 %`; '-' where there is no whole. */
export function formatShare(part: number, whole: number, digits = 1): string {
  return formatPercent(whole === 0 ? null : (100 * part) / whole, digits);
}

/** `830 us`, `5.2 ms`, `14.7 s`, `12.5 min`, `37.0 h`: a decimal below 100, except for ns. */
export function formatDuration(ns: Quantity): string {
  const value = knownNumber(ns);
  if (value === null) return UNKNOWN;
  const sign = value < 0 ? '-' : '';
  for (const { name, ns: unitNs, limit } of TIME_UNITS) {
    const amount = Math.abs(value) / unitNs;
    const digits = unitNs > 1 && amount < 99.95 ? 1 : 0;
    const text = formatFixed(amount, digits);
    if (Number(text) < limit) return withoutMinusZero(sign + groupThousands(text)) + ` ${name}`;
  }
  return UNKNOWN;
}

/** As `formatDuration`, from seconds. */
export function formatSeconds(seconds: Quantity): string {
  const value = knownNumber(seconds);
  return formatDuration(value === null ? null : value * 1e9);
}

/** `4,391/s`, `0.25/s`: below 10 with as many decimals as make two digits. */
export function formatRate(perSec: Quantity): string {
  const rate = knownNumber(perSec);
  if (rate === null) return UNKNOWN;
  const size = Math.abs(rate);
  let digits = 0;
  if (size !== 0 && size < 0.995) digits = 2;
  else if (size !== 0 && size < 9.95) digits = 1;
  return `${groupThousands(withoutMinusZero(formatFixed(rate, digits)))}/s`;
}

/** `18.0 MB/s` */
export function formatByteRate(bytesPerSec: Quantity): string {
  const text = formatBytes(bytesPerSec);
  return text === UNKNOWN ? text : `${text}/s`;
}

function knownNumber(value: Quantity): number | null {
  const number = Number(value ?? Number.NaN);
  return Number.isFinite(number) ? number : null;
}

/** Commas between groups of three digits before the decimal point. */
function groupThousands(text: string): string {
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  return whole.replace(/\B(?=(?:\d{3})+$)/g, ',') + text.slice(whole.length);
}

/** '-0', '-0.0' and the like without the sign. */
function withoutMinusZero(text: string): string {
  return /^-[0.]+$/.test(text) ? text.slice(1) : text;
}

/** A plus before what is neither negative, nor zero, nor unknown. */
function withPlus(text: string): string {
  return text.startsWith('-') || !/[1-9]/.test(text) ? text : `+${text}`;
}
