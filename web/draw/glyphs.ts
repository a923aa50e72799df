/** Every glyph of the visual grammar as SVG path data around (0, 0), so that the DOM and the canvas draw the same thing. Sizes are in CSS pixels at scale 1. */
export const glyphs = {
  /** Sidecar, 52 × 40. */
  envoy: 'M-26 0-13-20H13L26 0 13 20H-13Z',
  /** Gateway: a hexagon with a door. */
  gateway: 'M-26 0-13-20H13L26 0 13 20H-13ZM-5 20V4H5V20',
  /** Waypoint: a hexagon with a bar below. */
  waypoint: 'M-22 0-11-17H11L22 0 11 17H-11ZM-22 24H22',
  ztunnel: 'M-8-20H8L20-8V8L8 20H-8L-20 8V-8Z',
  istiod: 'M0-24 22-16V2C22 13 12 20 0 24-12 20-22 13-22 2V-16Z',
  hook: 'M-10-10 0 0-10 10M0-10 10 0 0 10',
  envelope: 'M-8-6H8V6H-8ZM-8-6 0 1 8-6',
  key: 'M-8 0A4 4 0 1 0 0 0 4 4 0 1 0-8 0M0 0H9M6 0V4M9 0V3',
  lock: 'M-5-1H5V7H-5ZM-3-1V-4A3 3 0 0 1 3-4V-1',
  cloud: 'M-14 8A7 7 0 0 1-12-5 9 9 0 0 1 5-8 7 7 0 0 1 13 8Z',
  ready: 'M-5 0-1 4 6-5',
  waiting: 'M0-6A6 6 0 1 1-4.2-4.2',
  gone: 'M-5-5 5 5M5-5-5 5',
  request: 'M-4 0A4 4 0 1 0 4 0 4 4 0 1 0-4 0Z',
  response: 'M-4 0A4 4 0 1 0 4 0 4 4 0 1 0-4 0ZM-2 0A2 2 0 1 1 2 0 2 2 0 1 1-2 0Z',
  denied: 'M-6 0A6 6 0 1 0 6 0 6 6 0 1 0-6 0ZM-4.2-4.2 4.2 4.2',
  failed: 'M-6-6H6V6H-6ZM0-3.5V1M0 2.6V3.6',
  reset: 'M1-7-5 1H0L-1 7 5-1H0Z',
  timeout: 'M-5-7H5M-5 7H5M-4-7C-4-2 4 2 4 7M4-7C4-2-4 2-4 7',
  warning: 'M0-7 7 6H-7ZM0-3V1.5M0 3V4',
  play: 'M-5-7 7 0-5 7Z',
  pause: 'M-5-7H-2V7H-5ZM2-7H5V7H2Z',
  back: 'M5-7-3 0 5 7ZM-5-7V7',
  forward: 'M-5-7 3 0-5 7ZM5-7V7',
  toStart: 'M6-7 0 0 6 7ZM0-7-6 0 0 7ZM-7-7V7',
  toEnd: 'M-6-7 0 0-6 7ZM0-7 6 0 0 7ZM7-7V7',
  follow: 'M-7 0A7 7 0 1 0 7 0 7 7 0 1 0-7 0M-2 0A2 2 0 1 0 2 0 2 2 0 1 0-2 0M0-9V-5M0 5V9M-9 0H-5M5 0H9',
  bolt: 'M1-8-6 1H0L-1 8 6-1H0Z',
  share: 'M-7 2V7H7V2M0 4V-7M-4-3 0-7 4-3',
  send: 'M-7-6 8 0-7 6-4 0Z',
  list: 'M-7-5H-5M-2-5H7M-7 0H-5M-2 0H7M-7 5H-5M-2 5H7',
  map: 'M-7-7H-1V-1H-7ZM1 1H7V7H1ZM-1-4H4V1',
  file: 'M-5-8H2L6-4V8H-5ZM2-8V-4H6',
  checks: 'M-8 0-4 4 1-4M-1 3 1 5 8-5',
  sun: 'M-3 0A3 3 0 1 0 3 0 3 3 0 1 0-3 0M0-8V-6M0 6V8M-8 0H-6M6 0H8M-5.6-5.6-4.2-4.2M4.2 4.2 5.6 5.6M-5.6 5.6-4.2 4.2M4.2-4.2 5.6-5.6',
  close: 'M-5-5 5 5M5-5-5 5',
  undo: 'M-6-6V0H0M-6 0A7 7 0 1 1-4 5',
  redo: 'M6-6V0H0M6 0A7 7 0 1 0 4 5',
} as const

export type GlyphName = keyof typeof glyphs

/** How an exchange is drawn once it has ended: shape carries the outcome, colour only repeats it. */
export function glyphOfOutcome(kind: string, status: number): GlyphName {
  if (kind === 'reset' || kind === 'refused' || kind === 'tlsError') return 'reset'
  if (kind === 'timeout' || status === 504) return 'timeout'
  if (status === 401 || status === 403) return 'denied'
  if (status >= 500 || kind === 'dnsError') return 'failed'
  if (status >= 400) return 'warning'
  return 'response'
}

/** The colour token that goes with an outcome. */
export function toneOfOutcome(kind: string, status: number): 'ok' | 'warn' | 'err' | 'denied' {
  const glyph = glyphOfOutcome(kind, status)
  if (glyph === 'response') return 'ok'
  if (glyph === 'denied') return 'denied'
  return glyph === 'warning' ? 'warn' : 'err'
}
