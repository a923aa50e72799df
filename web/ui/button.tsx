import type { ButtonHTMLAttributes, ReactNode } from 'react'
import type { GlyphName } from '../draw/glyphs.ts'
import css from './button.module.css'
import { Icon } from './icon.tsx'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'plain' | 'primary' | 'quiet'
  readonly icon?: GlyphName
  readonly children?: ReactNode
}

/** A button with a visible word, and an icon before it where one helps. */
export function Button({ look = 'plain', icon, children, className, ...rest }: ButtonProps) {
  const names = [css.button, look !== 'plain' && css[look], className].filter(Boolean).join(' ')
  return (
    <button type="button" className={names} {...rest}>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </button>
  )
}

/** A button that shows only an icon; its label is spoken, and shown as a tooltip. */
export function IconButton({
  label,
  icon,
  look = 'plain',
  className,
  ...rest
}: Omit<ButtonProps, 'children'> & { readonly label: string; readonly icon: GlyphName }) {
  const names = [css.button, css.icon, look !== 'plain' && css[look], className].filter(Boolean).join(' ')
  return (
    <button type="button" className={names} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  )
}
