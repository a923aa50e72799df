/** Times `work` of `amount` units `reps` times and gives the median rate per second; the first round warms up and does not count. */
export function medianRate(reps: number, amount: number, work: () => void): number {
  work()
  const rates: number[] = []
  for (let rep = 0; rep < reps; rep++) {
    const start = performance.now()
    work()
    rates.push((amount / (performance.now() - start)) * 1e3)
  }
  return median(rates)
}

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

/** The table of 65,536 exponential variates that every program of the comparison uses, from one linear congruential generator. */
export function exponentials(): Float64Array {
  const table = new Float64Array(65_536)
  let x = 12_345
  for (let i = 0; i < table.length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    table[i] = -Math.log((x + 0.5) / 4_294_967_296)
  }
  return table
}
