import type { HTTPMatchRequest, StringMatch } from '../../model/istio.ts'
import { each, type Notes } from './finding.ts'

interface AnyRoute {
  readonly name?: string
  readonly match?: readonly object[]
}

/** Routes that nothing can reach, and matches that an earlier one takes. istio: pkg/config/validation/validation.go analyzeUnreachableHTTPRules. */
export function checkReachability(routes: readonly AnyRoute[] | undefined, path: string, notes: Notes): void {
  const seen = new Map<string, string>()
  const prefixes: PrefixMatch[] = []
  let catchAll: string | undefined
  each(routes, path, (route, at, number) => {
    const called = route.name ? `"${route.name}"` : `#${number}`
    const matches = route.match ?? []
    if (matches.length === 0) {
      if (catchAll !== undefined)
        notes.warn(at, `Route ${called} is never used: route ${catchAll} before it matches everything.`)
      catchAll = called
      return
    }
    let repeated = 0
    each(matches, `${at}.match`, (match, here) => {
      if (catchAll !== undefined) {
        notes.warn(here, `Route ${called} is never used: route ${catchAll} before it matches everything.`)
        return
      }
      const text = canonical(match)
      const first = seen.get(text)
      if (first !== undefined) {
        repeated++
        notes.warn(here, `This match is never used: route ${first} has the same.`)
        return
      }
      seen.set(text, called)
      const prefix = prefixOf(match)
      if (prefix !== undefined) prefixes.push({ match, prefix, route: called, path: here })
    })
    if (repeated === matches.length)
      notes.warn(at, `Route ${called} is never used: earlier routes take all its matches.`)
  })
  checkPrefixes(prefixes, notes)
}

interface PrefixMatch {
  readonly match: HTTPMatchRequest
  readonly prefix: string
  readonly route: string
  readonly path: string
}

const prefixOf = (match: HTTPMatchRequest): string | undefined => match.uri?.prefix || undefined

function checkPrefixes(prefixes: readonly PrefixMatch[], notes: Notes): void {
  for (const [index, wide] of prefixes.entries())
    for (const narrow of prefixes.slice(index + 1))
      if (
        narrow.prefix !== wide.prefix &&
        narrow.prefix.startsWith(wide.prefix) &&
        coversRest(wide.match, narrow.match)
      )
        notes.warn(
          narrow.path,
          `This match is never used: the prefix ${wide.prefix} of route ${wide.route} takes ${narrow.prefix} first.`,
        )
}

function coversRest(wide: HTTPMatchRequest, narrow: HTTPMatchRequest): boolean {
  return (
    (wide.port ?? 0) === (narrow.port ?? 0) &&
    textOf(wide.method, 'exact:GET').startsWith(textOf(narrow.method, 'exact:GET')) &&
    textOf(wide.authority).startsWith(textOf(narrow.authority)) &&
    (['headers', 'queryParams', 'withoutHeaders'] as const).every(field =>
      coversMap(wide[field], narrow[field]),
    )
  )
}

function textOf(match: StringMatch | undefined, absent = ''): string {
  if (match?.exact) return `exact:${match.exact}`
  return match?.prefix ? `prefix:${match.prefix}` : absent
}

type Matches = Readonly<Record<string, StringMatch>> | undefined

function coversMap(wide: Matches = {}, narrow: Matches = {}): boolean {
  const keys = Object.keys(wide)
  if (keys.length !== Object.keys(narrow).length) return false
  return keys.every(key => narrow[key] !== undefined && textOf(wide[key]).startsWith(textOf(narrow[key])))
}

/** The match as text, its keys in order and its name left out. */
function canonical(value: unknown, isTop = true): string {
  if (Array.isArray(value)) return `[${value.map(item => canonical(item, false)).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([key]) => !(isTop && key === 'name'))
  return `{${entries
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, false)}`)
    .sort()
    .join()}}`
}
