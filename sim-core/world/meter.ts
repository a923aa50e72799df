/**
 * Counts and distributions by name and label set. What it must equal: one map from (name, labels) to a
 * number, and one to the list of all values observed. Distributions keep 64 buckets an octave, so that a
 * quantile is off by less than 1.6 %, and sums exactly. No handler may read it.
 */
export interface Meter {
  /** Adds `n` (1) to a counter; `labels` is an interned label set. */
  count(name: string, labels: number, n?: number): void
  /** Notes one value (durations in nanoseconds), not negative. */
  observe(name: string, labels: number, value: number): void
  /** Number of a label set; equal sets get one number. Names sorted by code units. */
  labels(set: Labels): number
  labelsOf(number: number): Labels
  counter(name: string, labels: number): number
  histogram(name: string, labels: number): Histogram | undefined
  readonly counterNames: readonly string[]
  readonly histogramNames: readonly string[]
  /** Label sets that a counter or distribution has values for. */
  labelsIn(name: string): readonly number[]
  save(): MeterImage
  load(image: MeterImage): void
}

/** A series' labels by name. */
export type Labels = Readonly<Record<string, string>>

/** A distribution: counts of buckets from `lowestOf(index)` on. */
export interface Histogram {
  count: number
  sum: number
  min: number
  max: number
  buckets: number[]
}

/** Every series, for a checkpoint. */
export interface MeterImage {
  readonly labels: readonly string[]
  readonly counters: readonly (readonly [string, readonly number[]])[]
  readonly histograms: readonly (readonly [string, readonly (Histogram | undefined)[]])[]
}

const PER_OCTAVE = 64

/** A meter that has counted nothing. */
export function createMeter(): Meter {
  return new Counters()
}

/** The bucket of a value: exact below 128, then 64 to each doubling. */
function bucketOf(value: number): number {
  if (value < 2 * PER_OCTAVE) return Math.floor(value)
  let octave = 0
  let rest = value
  while (rest >= 2 ** 31) {
    rest = Math.floor(rest / 2 ** 16)
    octave += 16
  }
  const shift = 31 - Math.clz32(rest) - 6
  return (octave + shift + 1) * PER_OCTAVE + ((rest >>> shift) & (PER_OCTAVE - 1))
}

/** The smallest value that falls into a bucket. */
export function lowestOf(bucket: number): number {
  if (bucket < 2 * PER_OCTAVE) return bucket
  const shift = Math.floor(bucket / PER_OCTAVE) - 1
  return (PER_OCTAVE + (bucket % PER_OCTAVE)) * 2 ** shift
}

/** The value below which a share `q` (0 … 1) of all observations lies; `undefined` when there are none. */
export function quantile(histogram: Histogram, q: number): number | undefined {
  if (histogram.count === 0) return undefined
  let left = Math.max(1, Math.ceil(q * histogram.count))
  for (let bucket = 0; bucket < histogram.buckets.length; bucket++) {
    left -= histogram.buckets[bucket] ?? 0
    if (left > 0) continue
    const middle = (lowestOf(bucket) + lowestOf(bucket + 1) - 1) / 2
    return Math.min(histogram.max, Math.max(histogram.min, middle))
  }
  return histogram.max
}

class Counters implements Meter {
  private readonly counters = new Map<string, number[]>()
  private readonly histograms = new Map<string, (Histogram | undefined)[]>()
  private readonly labelNumbers = new Map<string, number>()
  private readonly labelSets: string[] = []

  count(name: string, labels: number, n = 1): void {
    let series = this.counters.get(name)
    if (series === undefined) this.counters.set(name, (series = []))
    series[labels] = (series[labels] ?? 0) + n
  }

  observe(name: string, labels: number, value: number): void {
    let series = this.histograms.get(name)
    if (series === undefined) this.histograms.set(name, (series = []))
    let histogram = series[labels]
    if (histogram === undefined)
      series[labels] = histogram = { count: 0, sum: 0, min: value, max: value, buckets: [] }
    histogram.count++
    histogram.sum += value
    if (value < histogram.min) histogram.min = value
    if (value > histogram.max) histogram.max = value
    const { buckets } = histogram
    const bucket = bucketOf(value)
    while (buckets.length <= bucket) buckets.push(0)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }

  labels(set: Labels): number {
    const key = JSON.stringify(
      Object.keys(set)
        .sort()
        .map(name => [name, set[name]]),
    )
    const known = this.labelNumbers.get(key)
    if (known !== undefined) return known
    const number = this.labelSets.length
    this.labelNumbers.set(key, number)
    this.labelSets.push(key)
    return number
  }

  labelsOf(number: number): Labels {
    return Object.fromEntries(JSON.parse(this.labelSets[number] ?? '[]'))
  }

  counter(name: string, labels: number): number {
    return this.counters.get(name)?.[labels] ?? 0
  }

  histogram(name: string, labels: number): Histogram | undefined {
    return this.histograms.get(name)?.[labels]
  }

  get counterNames(): readonly string[] {
    return [...this.counters.keys()].sort()
  }

  get histogramNames(): readonly string[] {
    return [...this.histograms.keys()].sort()
  }

  labelsIn(name: string): readonly number[] {
    const series: readonly unknown[] = this.counters.get(name) ?? this.histograms.get(name) ?? []
    return [...series.keys()].filter(labels => series[labels] !== undefined)
  }

  save(): MeterImage {
    return {
      labels: [...this.labelSets],
      counters: [...this.counters].map(([name, series]) => [name, [...series]]),
      histograms: [...this.histograms].map(([name, series]) => [name, series.map(copyOf)]),
    }
  }

  load(image: MeterImage): void {
    this.labelSets.length = 0
    this.labelNumbers.clear()
    this.counters.clear()
    this.histograms.clear()
    for (const key of image.labels) this.labelNumbers.set(key, this.labelSets.push(key) - 1)
    for (const [name, series] of image.counters) this.counters.set(name, [...series])
    for (const [name, series] of image.histograms) this.histograms.set(name, series.map(copyOf))
  }
}

function copyOf(histogram: Histogram | undefined): Histogram | undefined {
  return histogram && { ...histogram, buckets: [...histogram.buckets] }
}
