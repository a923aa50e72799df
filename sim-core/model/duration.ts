/** Nanoseconds in each of Go's units. */
const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
}

/** Go's `time.ParseDuration`: `1h30m`, `1.5s`, `-5ms`, `0` → whole nanoseconds; `undefined` when the text is no duration or too long to be exact (about 104 days). */
export function parseDuration(text: string): number | undefined {
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  const rest = text.slice(sign.length)
  if (rest === '0') return 0
  let total = 0
  let end = 0
  for (const match of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    if (match.index !== end) return undefined
    end = match.index + match[0].length
    total += Number(match[1]) * (units[match[2] ?? ''] ?? 0)
  }
  if (end === 0 || end !== rest.length) return undefined
  const nanos = Math.round(total)
  if (!Number.isFinite(nanos)) return undefined
  return sign === '-' ? -nanos : nanos
}

/** Nanoseconds as protobuf's JSON mapping writes them: whole seconds, or 3, 6 or 9 digits after the point. */
function formatDuration(nanos: number): string {
  const sign = nanos < 0 ? '-' : ''
  const seconds = Math.floor(Math.abs(nanos) / 1e9)
  const rest = String(Math.abs(nanos) - seconds * 1e9).padStart(9, '0')
  const digits = rest.endsWith('000000') ? 3 : rest.endsWith('000') ? 6 : 9
  return rest === '000000000' ? `${sign}${seconds}s` : `${sign}${seconds}.${rest.slice(0, digits)}s`
}

/** The same duration in protobuf's spelling; `undefined` when there is none or the text is none. */
export function protoDuration(text: string | undefined): string | undefined {
  const nanos = text === undefined ? undefined : parseDuration(text)
  return nanos === undefined ? undefined : formatDuration(nanos)
}
