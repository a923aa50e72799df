/** Envoy v3 in canonical proto3 JSON: lowerCamelCase, durations as "5s", 64-bit integers as strings, enums by name, wrappers as plain values, `@type` on every typedConfig. Only fields that we read or write are listed, under Envoy's own names. */

export interface SocketAddress {
  readonly socketAddress: {
    readonly address: string
    readonly portValue: number
    readonly protocol?: 'TCP' | 'UDP'
  }
}
export interface PipeAddress {
  readonly pipe: { readonly path: string }
}
export interface InternalAddress {
  readonly envoyInternalAddress: { readonly serverListenerName: string; readonly endpointId?: string }
}
export type Address = SocketAddress | PipeAddress | InternalAddress
export interface CidrRange {
  readonly addressPrefix: string
  readonly prefixLen: number
}
export interface NamedConfig<T = { readonly '@type': string }> {
  readonly name: string
  readonly typedConfig?: T
  readonly configDiscovery?: unknown
  readonly disabled?: boolean
}
/** Nested by filter name, as Envoy's `filter_metadata` is. */
export interface Metadata {
  readonly filterMetadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly typedFilterMetadata?: Readonly<Record<string, unknown>>
}
export interface Locality {
  readonly region?: string
  readonly zone?: string
  readonly subZone?: string
}
export interface DataSource {
  readonly inlineString?: string
  readonly inlineBytes?: string
  readonly filename?: string
  readonly environmentVariable?: string
}
export interface FractionalPercent {
  readonly numerator?: number
  readonly denominator?: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION'
}
export interface RuntimeFractionalPercent {
  readonly defaultValue?: FractionalPercent
  readonly runtimeKey?: string
}
export interface RegexMatcher {
  readonly regex: string
  readonly googleRe2?: Readonly<Record<string, never>>
}
export interface StringMatcher {
  readonly exact?: string
  readonly prefix?: string
  readonly suffix?: string
  readonly contains?: string
  readonly safeRegex?: RegexMatcher
  readonly ignoreCase?: boolean
}
export interface HeaderMatcher {
  readonly name: string
  readonly stringMatch?: StringMatcher
  readonly exactMatch?: string
  readonly safeRegexMatch?: RegexMatcher
  readonly prefixMatch?: string
  readonly suffixMatch?: string
  readonly containsMatch?: string
  readonly presentMatch?: boolean
  readonly rangeMatch?: { readonly start: string; readonly end: string }
  readonly invertMatch?: boolean
  readonly treatMissingHeaderAsEmpty?: boolean
}
export interface QueryParameterMatcher {
  readonly name: string
  readonly stringMatch?: StringMatcher
  readonly presentMatch?: boolean
}
export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value?: string }
  readonly appendAction?:
    | 'APPEND_IF_EXISTS_OR_ADD'
    | 'ADD_IF_ABSENT'
    | 'OVERWRITE_IF_EXISTS_OR_ADD'
    | 'OVERWRITE_IF_EXISTS'
  readonly append?: boolean
  readonly keepEmptyValue?: boolean
}
export interface RegexRewrite {
  readonly pattern: RegexMatcher
  readonly substitution: string
}
export interface ConfigSource {
  readonly ads?: Readonly<Record<string, never>>
  readonly apiConfigSource?: unknown
  readonly initialFetchTimeout?: string
  readonly resourceApiVersion?: 'V3'
}
export type Resources<T> = { readonly [name: string]: T }
