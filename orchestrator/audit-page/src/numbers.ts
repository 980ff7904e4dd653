const THIN_SPACE = '\u202f';

/** A whole number with its digits in groups of three. */
export function number(value: bigint | number): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, THIN_SPACE);
}

/** A day, counted from 1970. */
export function date(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
