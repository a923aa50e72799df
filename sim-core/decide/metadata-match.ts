import type { ValueMatcher } from '../model/xds/route.ts'
import { matchesString } from './string-match.ts'

/** Dynamic metadata that filters wrote, by filter name: jwt_authn's payload, ext_authz's answer. */
export type DynamicMetadata = Readonly<Record<string, unknown>>

/** A question about one value in dynamic metadata. */
export interface MetadataQuestion {
  readonly filter: string
  readonly path: readonly { readonly key: string }[]
  readonly value: ValueMatcher
  readonly invert?: boolean
}

/** Envoy's metadata matcher. An absent value is null. envoy: source/common/common/matchers.cc. */
export function matchesMetadata(question: MetadataQuestion, metadata: DynamicMetadata | undefined): boolean {
  const found = question.path.reduce<unknown>(
    (value, { key }) => (isRecord(value) ? value[key] : undefined),
    metadata?.[question.filter],
  )
  return matchesValue(question.value, found) !== (question.invert === true)
}

/** Envoy's value matcher over a JSON value. */
function matchesValue(matcher: ValueMatcher, value: unknown): boolean {
  if (matcher.orMatch) return matcher.orMatch.valueMatchers.some(each => matchesValue(each, value))
  if (matcher.nullMatch) return value === undefined || value === null
  if (matcher.presentMatch !== undefined) return (value !== undefined) === matcher.presentMatch
  if (matcher.boolMatch !== undefined) return value === matcher.boolMatch
  if (matcher.stringMatch) return typeof value === 'string' && matchesString(matcher.stringMatch, value)
  if (matcher.doubleMatch !== undefined) return matchesNumber(matcher.doubleMatch, value)
  const oneOf = matcher.listMatch?.oneOf
  return oneOf !== undefined && Array.isArray(value) && value.some(each => matchesValue(oneOf, each))
}

function matchesNumber(matcher: unknown, value: unknown): boolean {
  if (typeof value !== 'number' || !isRecord(matcher)) return false
  if (typeof matcher.exact === 'number') return value === matcher.exact
  if (!isRecord(matcher.range)) return false
  return value >= Number(matcher.range.start ?? 0) && value < Number(matcher.range.end ?? 0)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
