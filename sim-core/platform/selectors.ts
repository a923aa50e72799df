type Labels = Readonly<Record<string, string>>

/** Whether labels carry every pair of a selector; an empty or absent selector selects nothing. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  const pairs = Object.entries(selector ?? {})
  return pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value)
}
