import { fail } from '@armilla/base';

/** Julian date of J2000.0 less 2,400,000.5. */
const MJD_OF_J2000 = 51_544.5;
const DAYS_PER_JULIAN_YEAR = 365.25;
/** MJD of B1900.0, and the length of a Besselian year in days (Lieske 1979, A&A 73, 282). */
const MJD_OF_B1900 = 15_019.81352;
const DAYS_PER_BESSELIAN_YEAR = 365.242198781;

/** How the numbers of an epoch column count time. */
export type EpochScale = 'julian-year' | 'besselian-year' | 'mjd' | 'jd';

/** Julian year of a number in `scale`; the difference between time scales (a minute) moves no star visibly. */
export function julianYearOf(value: number, scale: EpochScale): number {
  switch (scale) {
    case 'julian-year':
      return value;
    case 'mjd':
      return 2000 + (value - MJD_OF_J2000) / DAYS_PER_JULIAN_YEAR;
    case 'jd':
      return 2000 + (value - 2_400_000.5 - MJD_OF_J2000) / DAYS_PER_JULIAN_YEAR;
    case 'besselian-year':
      return julianYearOf(MJD_OF_B1900 + (value - 1900) * DAYS_PER_BESSELIAN_YEAR, 'mjd');
  }
}

const EPOCH = /^(?:(J|B|MJD|JD)\s*)?([+-]?\d+(?:\.\d*)?)$/i;
const SCALES: Readonly<Record<string, EpochScale>> = {
  J: 'julian-year',
  B: 'besselian-year',
  MJD: 'mjd',
  JD: 'jd',
};

/** The Julian year of an epoch such as `J2016.0`, `B1950`, `MJD57388.0`, `JD2457388.5` or `2016.0`; undefined where the text is none. */
export function parseEpoch(text: string): number | undefined {
  const match = EPOCH.exec(text.trim());
  if (!match) return undefined;
  const scale = match[1] === undefined ? 'julian-year' : SCALES[match[1].toUpperCase()];
  const year = julianYearOf(Number(match[2]), scale);
  if (year >= 0 && year < 10_000) return year;
  throw fail('OPTION_INVALID', {
    field: 'epoch',
    expected: 'a year in [0, 10000), or a date as MJD57388.0 or JD2457388.5',
    got: `'${text}' (the Julian year ${year})`,
  });
}
