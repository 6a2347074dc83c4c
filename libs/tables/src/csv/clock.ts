export type ClockUnit = 's' | 'ms' | 'us' | 'ns';

const PER_SECOND: Readonly<Record<ClockUnit, bigint>> = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n };
const FRACTION_DIGITS: Readonly<Record<ClockUnit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };
const SECONDS_PER_DAY = 86_400n;

/** "2010-01-01" of a day counted from 1970-01-01; Gregorian throughout (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
export function dateText(day: number): string {
  const shifted = Math.floor(day) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const yearText = year < 0 || year > 9999 ? `${year < 0 ? '-' : '+'}${pad(Math.abs(year), 6)}` : pad(year, 4);
  return `${yearText}-${pad(month, 2)}-${pad(dayOfMonth, 2)}`;
}

/** "00:15:00.25": the time since midnight; zeros at the end of the fraction left out. No time of day is negative, but foreign tables hold any number. */
export function timeText(ticks: bigint, unit: ClockUnit): string {
  if (ticks < 0n) return `-${timeText(-ticks, unit)}`;
  const seconds = Number(ticks / PER_SECOND[unit]);
  const clock = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  const fraction = (ticks % PER_SECOND[unit]).toString().padStart(FRACTION_DIGITS[unit], '0').replace(/0+$/, '');
  return fraction === '' ? clock : `${clock}.${fraction}`;
}

/** "2010-01-01T00:15:00.25" of ticks counted from 1970-01-01. */
export function timestampText(ticks: bigint, unit: ClockUnit): string {
  const perDay = PER_SECOND[unit] * SECONDS_PER_DAY;
  let day = ticks / perDay;
  if (ticks < 0n && day * perDay !== ticks) day--;
  return `${dateText(Number(day))}T${timeText(ticks - day * perDay, unit)}`;
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0');
