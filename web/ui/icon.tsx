import { type GlyphName, glyphs } from '../draw/glyphs.ts'

/** One glyph as inline SVG in the text's colour. Decorative unless it has a label. */
export function Icon({
  name,
  size = 20,
  label,
}: {
  readonly name: GlyphName
  readonly size?: number
  readonly label?: string
}) {
  const accessible = label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true }
  return (
    <svg
      width={size}
      height={size}
      viewBox="-12 -12 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      {...accessible}
    >
      <path d={glyphs[name]} />
    </svg>
  )
}
