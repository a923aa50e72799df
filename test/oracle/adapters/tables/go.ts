import { differs, type Json, type Verdict, verdictOf } from '../../corpus.ts'

/** Fields that are durations; tables write them as text or as nanoseconds. */
const DURATIONS = new Set([
  'connectTimeout',
  'time',
  'interval',
  'maxConnectionDuration',
  'idleTimeout',
  'baseEjectionTime',
  'duration',
  'budgetInterval',
  'initialFetchTimeout',
])

/** What Go's constants stand for. */
const CONSTANTS: Readonly<Record<string, Json>> = {
  MaxUint32: 4294967295,
  TlsParameters_TLSv1_3: 'TLSv1_3',
  TlsParameters_TLSv1_2: 'TLSv1_2',
  SDSAdsConfig: { ads: {}, resourceApiVersion: 'V3' },
  ALPNH2Only: ['h2'],
  SDSDefaultResourceName: 'default',
  SDSRootResourceName: 'ROOTCA',
}

/** Istio's and Envoy's messages as JSON, from the way that Go's literals are written in tables. */
export function message(value: Json, key = ''): Json {
  if (Array.isArray(value)) return value.map(each => message(each))
  if (typeof value === 'number' && DURATIONS.has(key)) return `${value / 1e9}s`
  if (typeof value === 'string')
    return CONSTANTS[value] ?? value.replace('authn_model.SdsCaSuffix', '-cacert')
  if (typeof value !== 'object' || value === null) return value
  if (value.goCall === 'util.StringToExactMatch') return value.args[0].map((exact: string) => ({ exact }))
  if (/^(wrappers|wrapperspb)\./.test(value.goCall ?? '')) return value.args[0]
  if (/^durationpb\.New$/.test(value.goCall ?? '')) return `${value.args[0] / 1e9}s`
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name === '@type' || inner === null) return []
      if (name === 'targetSpecifier' || name === 'hashAlgorithm') return Object.entries(message(inner))
      return [[name, message(inner, name)]]
    }),
  )
}

/** Fields of `got` that `want` names, with zeros and empty messages as good as absent. */
export function covers(what: string, want: Json, got: Json): readonly string[] {
  if (want === null || typeof want !== 'object') {
    const same = want === got || (isZero(want) && isZero(got))
    return same ? [] : [differs(what, want, got) ?? what]
  }
  if (Array.isArray(want)) {
    const list: Json = got ?? []
    if (!Array.isArray(list) || list.length !== want.length)
      return [`${what}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`]
    return want.flatMap((each, i) => covers(`${what}[${i}]`, each, list[i]))
  }
  return Object.entries(want).flatMap(([key, inner]) => covers(`${what}.${key}`, inner, got?.[key]))
}

const isZero = (value: Json): boolean =>
  value === undefined || value === null || value === false || value === 0 || value === '' || value === '0s'

/** Passes when `got` has all that `want` names. */
export const covering = (want: Json, got: Json): Verdict => verdictOf(covers('value', want, got))

/** Passes when both have the same, zeros and empty messages aside. */
export const alike = (want: Json, got: Json): Verdict =>
  verdictOf([...covers('want', want ?? {}, got ?? {}), ...covers('got', got ?? {}, want ?? {})])

/** Proxies that Go's tests make by functions. */
export function ipsOf(proxy: Json): readonly string[] {
  if (Array.isArray(proxy?.ipAddresses)) return proxy.ipAddresses
  if (proxy === 'dualStackProxy') return ['1.1.1.1', '1111:2222::1']
  return proxy?.goCall === 'getIPv6Proxy' ? ['1111:2222::1'] : ['1.1.1.1']
}
