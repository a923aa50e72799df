import { RE2JS, RE2JSException } from 're2js'
import { parseDuration } from '../../model/duration.ts'
import type { StringMatch } from '../../model/istio.ts'
import { isDnsLabel } from './names.ts'

const MILLISECOND = 1e6

/** At least a millisecond, and whole milliseconds. istio: pkg/config/validation/agent ValidateDuration. */
export function durationProblem(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const nanos = parseDuration(text)
  if (nanos === undefined) return `"${text}" is no duration.`
  if (nanos < MILLISECOND) return `${text} is shorter than 1ms.`
  return nanos % MILLISECOND === 0 ? undefined : `${text} is finer than a millisecond.`
}

/** `0%` or at least a ten-thousandth of a percent. */
export function percentageProblem(percentage: { readonly value?: number } | undefined): string | undefined {
  const value = percentage?.value ?? 0
  const isFine = value >= 0 && value <= 100 && (value === 0 || value >= 0.0001)
  return isFine ? undefined : `${value} % is neither 0 nor between 0.0001 and 100.`
}

/** 0–100. */
export const percentProblem = (value: number | undefined): string | undefined =>
  (value ?? 0) >= 0 && (value ?? 0) <= 100 ? undefined : `${value} % is not between 0 and 100.`

/** The message for a number below zero. */
export const negativeProblem = (value: number | undefined): string | undefined =>
  (value ?? 0) < 0 ? `${value} is negative.` : undefined

/** Longer programs make Envoy refuse the route. istio: pkg/config/validation/validation.go validateStringRegexp. */
const MAX_REGEX = 1024

/** What is wrong with an RE2 expression. */
export function regexProblem(regex: string): string | undefined {
  if (regex.length > MAX_REGEX) return `The expression is longer than ${MAX_REGEX} characters.`
  try {
    RE2JS.compile(regex)
    return undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `"${regex}" is no RE2 expression: ${error.message}.`
  }
}

/** What is wrong with the regex of a match. */
export function regexMatchProblem(match: StringMatch | undefined): string | undefined {
  if (match?.regex === undefined) return undefined
  return match.regex === '' ? 'An empty regex matches nothing.' : regexProblem(match.regex)
}

/** The same where an empty prefix is forbidden too. */
export function stringMatchProblem(match: StringMatch | undefined): string | undefined {
  return match?.prefix === '' ? 'An empty prefix is not allowed here.' : regexMatchProblem(match)
}

/** RFC 9110 tokens. */
const headerName = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/
const pseudoHeaders: readonly string[] = [':method', ':scheme', ':authority', ':path', ':status']

/** What is wrong with a header's name in a match; claims of a JWT are written like headers. */
export function matchedHeaderProblem(name: string): string | undefined {
  if (name === '') return 'The header has no name.'
  return isJwtClaim(name) || pseudoHeaders.includes(name) || headerName.test(name)
    ? undefined
    : `"${name}" is no header name.`
}

/** `@request.auth.claims.x` and `@request.auth.claims[x]`. istio: pkg/jwt/routing.go. */
export const isJwtClaim = (name: string): boolean => /^@request\.auth\.claims(?:\..+|\[.+\])$/is.test(name)

/** What is wrong with a header's name in a CORS policy. */
export const corsHeaderProblem = (name: string): string | undefined =>
  name === '*' || headerName.test(name) ? undefined : `"${name}" is no header name.`

/** True for the two names of the authority. */
export const isAuthority = (name: string): boolean => /^(?::authority|host)$/i.test(name)

/** Requests may set the authority, and nothing else that begins with a colon. */
export function requestHeaderProblem(name: string): string | undefined {
  if (name === '') return 'The header has no name.'
  return name.startsWith(':') && !isAuthority(name) ? `"${name}" cannot be changed.` : undefined
}

/** Responses, and removals, may touch no header of the protocol. */
export function plainHeaderProblem(name: string): string | undefined {
  if (name === '') return 'The header has no name.'
  return name.startsWith(':') || /^host$/i.test(name) ? `"${name}" cannot be changed.` : undefined
}

/** `%START_TIME%`, `%REQ(x)%`, `%%`. envoy: source/common/formatter/substitution_format_utility.cc. */
const command = /%%|%[^%(]*(?:\((?:[^)"\\]|\\.|"(?:[^"\\]|\\.)*")*\)\s*)?%/g

/** What is wrong with a header's value: control characters, or a lone percent sign. */
export function headerValueProblem(value: string): string | undefined {
  if (/[^\P{Cc}\t]/u.test(value)) return 'The value has control characters.'
  return value.replace(command, '').includes('%') ? `The value "${value}" has a lone %; write %%.` : undefined
}

/** The protocols of ports. istio: pkg/config/protocol/instance.go Parse. */
const protocols: readonly string[] = [
  'tcp',
  'udp',
  'grpc',
  'grpc-web',
  'http',
  'http_proxy',
  'http2',
  'https',
  'tls',
  'mongo',
  'redis',
  'mysql',
]
const lower = (protocol: string | undefined): string => (protocol ?? '').toLowerCase()

/** True for protocols that Istio knows. */
export const isProtocol = (protocol: string | undefined): boolean => protocols.includes(lower(protocol))
/** True for what speaks HTTP in the clear. */
export const isHttpProtocol = (protocol: string | undefined): boolean =>
  ['http', 'http2', 'http_proxy', 'grpc', 'grpc-web'].includes(lower(protocol))
/** True for HTTPS and TLS. */
export const isTlsProtocol = (protocol: string | undefined): boolean =>
  ['https', 'tls'].includes(lower(protocol))
/** True for protocols that Istio treats as TCP. */
export const isTcpProtocol = (protocol: string | undefined): boolean =>
  ['tcp', 'https', 'tls', 'mongo', 'redis', 'mysql'].includes(lower(protocol))

/** What is wrong with a protocol; none at all means sniffing. */
export const protocolProblem = (protocol: string | undefined): string | undefined =>
  !protocol || isProtocol(protocol)
    ? undefined
    : `"${protocol}" is no protocol; known are ${protocols.join(', ')}.`

/** Who `exportTo` names. */
export interface ExportRules {
  readonly namespace: string
  /** ServiceEntries alone may be exported to nobody (`~`). */
  readonly allowsNobody: boolean
  /** A DestinationRule with a workload selector stays at home. */
  readonly onlyAtHome: boolean
}

/** What is wrong with `exportTo`. istio: pkg/config/validation/validation.go validateExportTo. */
export function exportToProblem(
  exportTo: readonly string[] | undefined,
  rules: ExportRules,
): string | undefined {
  if (!exportTo || exportTo.length === 0) return undefined
  const places = exportTo.map(place => (place === '.' ? rules.namespace : place))
  const repeated = places.find((place, index) => places.indexOf(place) !== index)
  if (repeated !== undefined) return `exportTo names ${repeated} twice.`
  const wrong = places.find(
    place => !(place === '*' || (place === '~' && rules.allowsNobody) || isDnsLabel(place)),
  )
  if (wrong === '~') return 'exportTo cannot be ~ here.'
  if (wrong !== undefined) return `exportTo names "${wrong}"; allowed are ., * and namespaces.`
  if (rules.onlyAtHome && !(places.length === 1 && places[0] === rules.namespace))
    return 'With a workload selector exportTo can only name the own namespace.'
  if (places.includes('*') && places.length > 1) return 'exportTo names * and others; * says it all.'
  return places.includes('~') && places.length > 1 ? 'exportTo names ~ (nobody) and others.' : undefined
}
