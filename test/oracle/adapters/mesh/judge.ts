import { differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'

/** Names of Go's constants that stand for statuses. */
const STATUS: Readonly<Record<string, number>> = {
  'http.StatusTeapot': 418,
  'http.StatusServiceUnavailable': 503,
  'http.StatusBadRequest': 400,
}
/** grpc: codes/codes.go. */
const CODES: Readonly<Record<string, number>> = {
  'codes.Unavailable': 14,
  'codes.PermissionDenied': 7,
  'codes.OK': 0,
  'codes.Unauthenticated': 16,
}

/** What Istio's checks ask of an echo client's responses, asked of a probe's answer. */
export function judgeAnswer(expect: Json, got: Json, protocol: string): Verdict {
  if (!got) return verdictOf(['no answer'])
  if (got.invalid) return verdictOf([`refused: ${JSON.stringify(got.invalid)}`])
  const found = lines(...asked(expect, got, protocol))
  return verdictOf(found.length === 0 ? [] : [...found, JSON.stringify(got).slice(0, 1500)])
}

function asked(expect: Json, got: Json, protocol: string): readonly (string | undefined)[] {
  return [
    expect.denied ? denied(got, protocol) : outcomeOf(expect, got, protocol),
    expect.grpcStatus && differs('grpcStatus', CODES[expect.grpcStatus], got.grpcStatus),
    ...mutualTls(expect, got, protocol),
    expect.protocolAtBackend &&
      differs('protocol', expect.protocolAtBackend, PROTOCOLS[got.requestAtApp?.protocol]),
    expect.proxyProtocolAtBackend &&
      differs('proxy protocol', expect.proxyProtocolAtBackend, got.requestAtApp?.proxyProtocol),
    ...Object.entries(expect.sharesByHost ?? {}).map(([host, want]) => shareOf(host, want as number, got)),
    expect.hostAtBackend &&
      differs('host', expect.hostAtBackend, got.requestAtApp?.host?.replace(/:\d+$/, '')),
    expect.urlSeenByBackend && differs('path', expect.urlSeenByBackend, got.requestAtApp?.path),
    ...Object.entries(expect.requestHeadersAtBackend ?? {}).map(([name, value]) =>
      differs(name, value, got.requestAtApp?.headers?.[name.toLowerCase()] ?? ''),
    ),
    ...Object.entries(expect.responseHeaders ?? {}).map(([name, value]) =>
      differs(name, value, got.response?.headers?.[name.toLowerCase()] ?? ''),
    ),
  ]
}

/** How Go spells what a server speaks. */
const PROTOCOLS: Readonly<Record<string, string>> = { 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2.0' }

function shareOf(host: string, want: number, got: Json): string | undefined {
  const found = Object.entries(got.shares?.cluster ?? {}).find(([name]) =>
    name.split('|')[3]?.startsWith(`${host}.`),
  )
  const share = Number(found?.[1] ?? 0)
  return Math.abs(share - want) <= 0.1 ? undefined : `share of ${host}: want ${want}, got ${share}`
}

/** A refused call: 403, gRPC's PermissionDenied, or a broken connection. */
function denied(got: Json, protocol: string): string | undefined {
  if (protocol === 'grpc') return differs('grpcStatus', 7, got.grpcStatus)
  if (protocol === 'tcp')
    return got.outcome === 'response' ? 'outcome: want a broken connection, got a response' : undefined
  return differs('status', 403, got.status)
}

function outcomeOf(expect: Json, got: Json, protocol: string): string | undefined {
  if (expect.ok === false)
    return succeeded(got, protocol) ? `outcome: want a failure, got ${got.outcome} ${got.status}` : undefined
  if (expect.ok)
    return succeeded(got, protocol)
      ? undefined
      : `outcome: want success, got ${got.outcome} ${got.status} ${got.flags ?? ''}`
  if (expect.status === undefined) return undefined
  const want = typeof expect.status === 'string' ? STATUS[expect.status] : expect.status
  return protocol === 'tcp' ? undefined : differs('status', want, got.status)
}

function succeeded(got: Json, protocol: string): boolean {
  if (got.outcome !== 'response') return false
  if (protocol === 'tcp') return true
  return protocol === 'grpc' ? (got.grpcStatus ?? 0) === 0 && got.status === 200 : got.status === 200
}

/** Istio looks for the client certificate's header, hence at plain HTTP only. */
function mutualTls(expect: Json, got: Json, protocol: string): readonly (string | undefined)[] {
  if (protocol !== 'http') return []
  const mode = got.tls?.mode
  const isMutual = mode === 'istioMutual' || mode === 'mutual' || mode === 'hbone'
  return [
    expect.mtls && !isMutual ? `tls: want mutual, got ${mode}` : undefined,
    expect.plaintext && isMutual ? `tls: want none, got ${mode}` : undefined,
  ]
}
