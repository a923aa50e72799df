/** RFC 3339 → whole seconds since 1970; `undefined` when the text is no date. Kubernetes stores no finer. */
export function parseTimestamp(text: string): number | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):?(\d{2}))?)?$/.exec(
      text,
    )
  if (!match) return undefined
  const field = (index: number) => Number(match[index] ?? 0)
  const offset = (field(8) * 60 + field(9)) * 60 * (match[7] === '-' ? -1 : 1)
  return (
    daysFromCivil(field(1), field(2), field(3)) * 86_400 + field(4) * 3600 + field(5) * 60 + field(6) - offset
  )
}

/** Days since 1970-01-01 in the Gregorian calendar. Years begin in March, so that the leap day is the last of its year. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  )
}
