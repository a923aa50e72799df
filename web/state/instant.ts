const THIN = '\u2009'

/** An instant to the microsecond, in groups that the eye can hold: `12.482 310 s`. */
export function sayInstant(nanos: number): string {
  const micros = Math.floor(Math.max(0, nanos) / 1000)
  const digits = String(micros % 1_000_000).padStart(6, '0')
  return `${Math.floor(micros / 1_000_000)}.${digits.slice(0, 3)}${THIN}${digits.slice(3)} s`
}

const UNITS: Readonly<Record<string, number>> = { '': 1e9, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1, m: 60e9 }

/** Reads an instant as people write it: `12.48`, `12.48s`, `250 ms`; `undefined` for anything else. */
export function parseInstant(text: string): number | undefined {
  const parts = /^(\d+(?:[.,]\d+)?)([a-zµ]*)$/.exec(text.replaceAll(/\s/g, '').toLowerCase())
  const unit = UNITS[parts?.[2] ?? '']
  if (!parts || unit === undefined) return undefined
  return Math.round(Number(parts[1]?.replace(',', '.')) * unit)
}
