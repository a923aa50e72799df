import { RE2JS } from 're2js'
import type { RegexRewrite, StringMatcher } from '../model/xds/core.ts'

const regexes = new Map<string, RE2JS>()
const lowered = new WeakMap<StringMatcher, StringMatcher>()

/** RE2, as Envoy uses it: linear time, and a match is a match of the whole string. Compiled once per expression. */
function compiled(regex: string): RE2JS {
  const known = regexes.get(regex)
  if (known) return known
  const made = RE2JS.compile(regex)
  regexes.set(regex, made)
  return made
}

/** Whether the whole of `value` matches. */
export function fullMatch(regex: string, value: string): boolean {
  return compiled(regex).matches(value)
}

/** Whether any part of `value` matches. */
export function partialMatch(regex: string, value: string): boolean {
  return compiled(regex).matcher(value).find()
}

/** The captures of a full match, the whole first; `undefined` when it does not match. */
export function captures(regex: string, value: string): readonly string[] | undefined {
  const matcher = compiled(regex).matcher(value)
  if (!matcher.matches()) return undefined
  return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? '')
}

/** Replaces every match; `\1` stands for the first capture, `\0` for the whole match, `\\` for a backslash. */
export function rewriteByRegex(rewrite: RegexRewrite, value: string): string {
  const matcher = compiled(rewrite.pattern.regex).matcher(value)
  let result = ''
  let from = 0
  while (matcher.find()) {
    const replaced = rewrite.substitution.replace(/\\(\d|\\)/g, (_, digit: string) =>
      digit === '\\' ? '\\' : (matcher.group(Number(digit)) ?? ''),
    )
    result += value.slice(from, matcher.start()) + replaced
    from = matcher.end()
  }
  return result + value.slice(from)
}

/** Envoy's StringMatcher. `ignoreCase` has no effect on regular expressions; a matcher that asks nothing matches everything. */
export function matchesString(matcher: StringMatcher, value: string): boolean {
  if (matcher.safeRegex) return fullMatch(matcher.safeRegex.regex, value)
  const wanted = matcher.ignoreCase ? lowerCased(matcher) : matcher
  const given = matcher.ignoreCase ? value.toLowerCase() : value
  if (wanted.exact !== undefined) return given === wanted.exact
  if (wanted.prefix !== undefined) return given.startsWith(wanted.prefix)
  if (wanted.suffix !== undefined) return given.endsWith(wanted.suffix)
  if (wanted.contains !== undefined) return given.includes(wanted.contains)
  return true
}

function lowerCased(matcher: StringMatcher): StringMatcher {
  const known = lowered.get(matcher)
  if (known) return known
  const made: StringMatcher = {
    ...(matcher.exact !== undefined && { exact: matcher.exact.toLowerCase() }),
    ...(matcher.prefix !== undefined && { prefix: matcher.prefix.toLowerCase() }),
    ...(matcher.suffix !== undefined && { suffix: matcher.suffix.toLowerCase() }),
    ...(matcher.contains !== undefined && { contains: matcher.contains.toLowerCase() }),
  }
  lowered.set(matcher, made)
  return made
}

/** What is wrong with a regular expression, in RE2's words; `undefined` when it compiles. */
export function regexProblem(regex: string): string | undefined {
  try {
    compiled(regex)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'invalid regular expression'
  }
}
