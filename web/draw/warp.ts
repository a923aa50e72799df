/** One stretch of a warped clock: virtual time from `from` to `to` is shown during `wall` milliseconds. */
export interface Stretch {
  readonly from: number
  readonly to: number
  readonly wall: number
  /** Nothing of the followed request happens here; the mark on the ruler tells the true length. */
  readonly collapsed: boolean
}

/** Wall time of one hop in story mode: long hops look longer, but by their logarithm. `nanos` is the hop's true length. */
export function storyMillis(nanos: number): number {
  const micros = Math.max(1, nanos / 1000)
  return Math.min(1400, Math.max(350, 350 + 180 * Math.log10(micros)))
}

const COLLAPSED_MILLIS = 250

/** The story clock of a list of hops (start and end in ns, in order): each gets its wall time, gaps between them collapse. */
export function storyOf(
  hops: readonly { readonly start: number; readonly end: number }[],
): readonly Stretch[] {
  const stretches: Stretch[] = []
  let at = hops[0]?.start ?? 0
  for (const hop of hops) {
    if (hop.start > at) stretches.push({ from: at, to: hop.start, wall: COLLAPSED_MILLIS, collapsed: true })
    const from = Math.max(at, hop.start)
    const to = Math.max(from, hop.end)
    stretches.push({ from, to, wall: storyMillis(to - from), collapsed: false })
    at = to
  }
  return stretches
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
