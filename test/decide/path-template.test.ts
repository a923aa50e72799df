import { describe, expect, it } from 'vitest'
import { matchesTemplate } from '../../sim-core/decide/path-template.ts'

describe('matchesTemplate', () => {
  it.each([
    ['/one/*', '/one/a*b', true],
    ['/one/*', '/one/a|b', true],
    ['/one/*', '/one/a[b', false],
    ['/one/*', '/one/a/b', false],
    ['/all/**', '/all/', true],
    ['/all/**', '/all', false],
    ['/**/items', '//items', true],
    ['/**/items', '/items', false],
  ])('says of %s and %s what Envoy 1.40 says: %s', (template, path, fits) => {
    expect(matchesTemplate(template, path)).toBe(fits)
  })
})
