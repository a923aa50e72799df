/** The tokens of style.css that canvases need. */
const names = {
  bg: '--bg',
  canvas: '--canvas',
  raised: '--raised',
  text: '--text',
  muted: '--muted',
  border: '--border',
  hair: '--hair',
  accent: '--accent',
  onColor: '--on-color',
  app: '--c-app',
  envoy: '--c-envoy',
  istiod: '--c-istiod',
  hook: '--c-ipt',
  ok: '--s-ok',
  warn: '--s-warn',
  err: '--s-err',
  denied: '--s-denied',
  ui: '--ui',
  mono: '--mono',
} as const

export type Theme = { readonly [N in keyof typeof names]: string }

/** The colours and fonts that are in effect. */
export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element)
  return Object.fromEntries(
    Object.entries(names).map(([name, token]) => [name, style.getPropertyValue(token).trim()]),
  ) as Theme
}
