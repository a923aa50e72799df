/** One stretch of a warped clock: virtual time from `from` to `to` is shown during `wall` milliseconds. */
export interface Stretch {
  readonly from: number
  readonly to: number
  readonly wall: number
  /** Nothing of the followed request happens here; the mark on the ruler tells the true length. */
  readonly collapsed: boolean
  /** Which hop it shows, −1 where it is collapsed. */
  readonly hop: number
}

/** Wall time of one hop in story mode: long hops look longer, but by their logarithm. `nanos` is the hop's true length. */
export function storyMillis(nanos: number): number {
  const micros = Math.max(1, nanos / 1000)
  return Math.min(1400, Math.max(350, 350 + 180 * Math.log10(micros)))
}

const COLLAPSED_MILLIS = 250

/**
 * The story clock of a list of hops (start and end in ns, by start): each gets its wall time, also one that takes no
 * time or lies beside another; a hop is shown until the next begins. Gaps between them collapse.
 */
export function storyOf(
  hops: readonly { readonly start: number; readonly end: number }[],
): readonly Stretch[] {
  const stretches: Stretch[] = []
  const gap = (from: number, to: number) => {
    if (to > from) stretches.push({ from, to, wall: COLLAPSED_MILLIS, collapsed: true, hop: -1 })
  }
  let at = hops[0]?.start ?? 0
  let last = at
  hops.forEach((hop, number) => {
    gap(at, hop.start)
    const from = Math.max(at, hop.start)
    const next = hops[number + 1]
    const to = Math.max(from, next ? Math.min(hop.end, next.start) : hop.end)
    stretches.push({ from, to, wall: storyMillis(hop.end - hop.start), collapsed: false, hop: number })
    at = to
    last = Math.max(last, hop.end)
  })
  gap(at, last)
  return stretches
}

/** How long a story takes, in milliseconds of wall time. */
export function lengthOf(story: readonly Stretch[]): number {
  return story.reduce((sum, stretch) => sum + stretch.wall, 0)
}

/** The hop that is shown after `millis` of story: in a collapsed stretch the one before it. −1 without one. */
export function hopAfter(story: readonly Stretch[], millis: number): number {
  let left = millis
  let hop = -1
  for (const stretch of story) {
    if (stretch.hop >= 0) hop = stretch.hop
    if (left < stretch.wall) break
    left -= stretch.wall
  }
  return hop
}

/** When a hop begins, in milliseconds of story. */
export function wallOfHop(story: readonly Stretch[], hop: number): number {
  let wall = 0
  for (const stretch of story) {
    if (stretch.hop === hop) return wall
    wall += stretch.wall
  }
  return wall
}

/** Virtual time after `millis` of story; stays at the end once the story is over. */
export function virtualAt(story: readonly Stretch[], millis: number): number {
  let left = millis
  for (const stretch of story) {
    if (left <= stretch.wall)
      return stretch.from + ((stretch.to - stretch.from) * Math.max(0, left)) / stretch.wall
    left -= stretch.wall
  }
  return story.at(-1)?.to ?? 0
}

/** The inverse of `virtualAt`; instants outside of the story map to its ends. */
export function wallAt(story: readonly Stretch[], nanos: number): number {
  let wall = 0
  for (const stretch of story) {
    if (nanos < stretch.to) {
      const share = stretch.to > stretch.from ? (nanos - stretch.from) / (stretch.to - stretch.from) : 0
      return wall + stretch.wall * Math.min(1, Math.max(0, share))
    }
    wall += stretch.wall
  }
  return wall
}
