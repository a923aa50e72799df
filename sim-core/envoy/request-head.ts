import type { Headers, RequestTemplate } from '../model/http.ts'
import { headerValues } from '../model/http.ts'
import type { HttpConnectionManager } from '../model/xds/filters.ts'
import { xxHash64 } from './load-balancers/xx-hash.ts'

/** What the connection manager knows of the connection a request came on. */
export interface Downstream {
  readonly sourceIp: string
  /** URI SAN of a verified client certificate; `undefined` on plaintext, and with TLS that asked for none. */
  readonly peer: string | undefined
  /** URI SAN of this proxy's own certificate on the connection. */
  readonly own: string | undefined
  readonly isTls: boolean
}

/** Headers by which an application could steer Envoy. Only internal requests may carry them, and no request through a sidecar is internal. envoy: source/common/http/conn_manager_utility.cc. */
const controlHeaders: ReadonlySet<string> = new Set([
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-force-trace',
  'x-envoy-ip-tags',
  'x-envoy-original-url',
  'x-envoy-internal',
])

/** The request as the HTTP filters see it: path normalised, control headers gone, x-forwarded-* and the client certificate header in order. */
export function receivedHead(
  request: RequestTemplate,
  manager: HttpConnectionManager,
  downstream: Downstream,
): RequestTemplate {
  const forwarded = joined(request.headers.filter(([name]) => !controlHeaders.has(name)))
  const believes = !manager.useRemoteAddress || (manager.xffNumTrustedHops ?? 0) > 0
  const claimed = believes ? headerValues(forwarded, 'x-forwarded-proto')[0] : undefined
  const scheme = claimed ?? (downstream.isTls ? 'https' : 'http')
  return {
    ...request,
    scheme: scheme === 'https' ? 'https' : 'http',
    path: normalisedPath(request.path, manager),
    authority: strippedAuthority(request.authority, manager),
    headers: clientCertificate(
      withDefault(withSource(forwarded, manager, downstream), 'x-forwarded-proto', scheme),
      manager,
      downstream,
    ),
  }
}

/** Headers that Envoy keeps one of: what is repeated is joined by commas as it is read, empty values adding nothing. envoy: envoy/http/header_map.h INLINE_REQ_HEADERS, and the custom inline headers of its extensions. */
const single: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'authorization',
  'cache-control',
  'content-type',
  'expect',
  'grpc-timeout',
  'origin',
  'pragma',
  'referer',
  'user-agent',
  'via',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
])

function joined(headers: Headers): Headers {
  const names = headers.map(([name]) => name)
  if (!names.some((name, index) => single.has(name) && names.indexOf(name) !== index)) return headers
  return headers.flatMap(([name, value], index): Headers => {
    if (!single.has(name)) return [[name, value]]
    if (names.indexOf(name) !== index) return []
    const same = headers.filter(([other, text]) => other === name && text !== '')
    return [[name, same.map(([, text]) => text).join(',')]]
  })
}

function withDefault(headers: Headers, name: string, value: string): Headers {
  return headers.some(header => header[0] === name) ? headers : [...headers, [name, value]]
}

/** Headers that the first proxy of a mesh writes itself or does not take from outside. envoy: source/common/http/conn_manager_utility.cc. */
const edgeHeaders: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-envoy-external-address',
  'x-envoy-original-host',
  'x-envoy-original-path',
])

/** With `useRemoteAddress` the peer's address is appended to x-forwarded-for, and what the client claimed about its scheme is not believed. */
function withSource(headers: Headers, manager: HttpConnectionManager, downstream: Downstream): Headers {
  if (!manager.useRemoteAddress) return headers
  const trusted = manager.xffNumTrustedHops ?? 0
  const claimed = headerValues(headers, 'x-forwarded-for')
  const kept = headers.filter(
    ([name]) => !edgeHeaders.has(name) && (trusted > 0 || name !== 'x-forwarded-proto'),
  )
  const chain = manager.skipXffAppend ? claimed : [...claimed, downstream.sourceIp]
  const external: Headers = [
    ['x-envoy-external-address', clientAddress(claimed, trusted, downstream.sourceIp)],
  ]
  return [...kept, ...(chain.length > 0 ? [xff(chain.join(','))] : []), ...external]
}

const xff = (value: string): readonly [string, string] => ['x-forwarded-for', value]

/** The address that the trusted hops vouch for: the n-th from the right of x-forwarded-for, else the peer's own. */
export function clientAddress(claimed: readonly string[], trustedHops: number, sourceIp: string): string {
  const hops = claimed.flatMap(value => value.split(',')).map(hop => hop.trim())
  return trustedHops > 0 ? (hops[hops.length - trustedHops] ?? sourceIp) : sourceIp
}

const XFCC = 'x-forwarded-client-cert'

function clientCertificate(
  headers: Headers,
  manager: HttpConnectionManager,
  { peer, own }: Downstream,
): Headers {
  const mode = manager.forwardClientCertDetails ?? 'SANITIZE'
  if (mode === 'ALWAYS_FORWARD_ONLY') return headers
  const others = headers.filter(([name]) => name !== XFCC)
  if (mode === 'SANITIZE' || peer === undefined) return others
  if (mode === 'FORWARD_ONLY') return headers
  const claimed = mode === 'APPEND_FORWARD' ? headerValues(headers, XFCC) : []
  return [...others, [XFCC, [...claimed, certificateElement(peer, own)].join(',')]]
}

/** Simplified: the hash stands for the identity, not for the bytes of one certificate. */
function certificateElement(peer: string, own: string | undefined): string {
  const hash = [0, 1, 2, 3].map(seed => hex(peer, seed)).join('')
  return `By=${own ?? ''};Hash=${hash};Subject="";URI=${peer}`
}

function hex(text: string, seed: number): string {
  const { hi, lo } = xxHash64(text, seed)
  return hi.toString(16).padStart(8, '0') + lo.toString(16).padStart(8, '0')
}

function strippedAuthority(authority: string, manager: HttpConnectionManager): string {
  return manager.stripAnyHostPort ? authority.replace(/:\d+$/, '') : authority
}

/** The path after the connection manager's rules, query kept. */
function normalisedPath(path: string, manager: HttpConnectionManager): string {
  const end = path.search(/[?#]/)
  const [bare, rest] = end < 0 ? [path, ''] : [path.slice(0, end), path.slice(end)]
  let now = bare
  const slashes = manager.pathWithEscapedSlashesAction
  if (slashes === 'UNESCAPE_AND_FORWARD' || slashes === 'UNESCAPE_AND_REDIRECT')
    now = now.replace(/%2f/gi, '/').replace(/%5c/gi, '\\')
  if (manager.normalizePath) now = withoutDotSegments(decodeUnreserved(now.replace(/\\/g, '/')))
  if (manager.mergeSlashes) now = now.replace(/\/{2,}/g, '/')
  return now + rest
}

/** Characters that never needed escaping compare equal to their escapes (RFC 3986 §6.2.2.2); other escapes stay as they are written. */
function decodeUnreserved(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (escape, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : escape
  })
}

/** RFC 3986 §5.2.4; empty segments stay, merging slashes is another option. */
function withoutDotSegments(path: string): string {
  if (!path.startsWith('/')) return path
  const segments = path.slice(1).split('/')
  const kept: string[] = []
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1
    if (segment === '.' || segment === '..') {
      if (segment === '..') kept.pop()
      if (last) kept.push('')
    } else kept.push(segment)
  })
  return `/${kept.join('/')}`
}
