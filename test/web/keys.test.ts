import { describe, expect, it } from 'vitest'
import { commandOf, shortcuts } from '../../web/state/keys.ts'

const press = (key: string, more = {}) => ({
  key,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
})

describe('the key registry', () => {
  it('gives no key two meanings', () => {
    const keys = shortcuts.flatMap(shortcut => shortcut.keys)
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('keeps single letters away from somebody who types', () => {
    expect(commandOf(press('n'), false)).toBe('next-problem')
    expect(commandOf(press('n'), true)).toBeUndefined()
    expect(commandOf(press('Escape'), true)).toBe('close')
    expect(commandOf(press('z', { ctrlKey: true }), true)).toBe('undo')
  })
})
