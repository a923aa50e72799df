import type { CidrRange, HeaderMatcher, StringMatcher } from '../../model/xds/core.ts'
import type { ValueMatcher } from '../../model/xds/route.ts'

/** The text as a regular expression that matches only itself, escaped as Go's regexp.QuoteMeta does. */
export function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
}

/** A policy's value as Envoy matches it: `*` is anything but nothing, `*x` a suffix, `x*` a prefix. istio: authz/matcher/string.go. */
export function stringMatcher(value: string, prefix = ''): StringMatcher {
  if (value === '*') return regexMatcher('.+')
  if (value.startsWith('*')) {
    const rest = value.slice(1)
    return prefix === '' ? { suffix: rest } : regexMatcher(`${prefix}.*${quoteMeta(rest)}`)
  }
  if (value.endsWith('*')) return { prefix: prefix + value.slice(0, -1) }
  return { exact: prefix + value }
}

/** A full match of a regular expression. */
export function regexMatcher(regex: string): StringMatcher {
  return { safeRegex: { regex } }
}

/** A header's value; `*` asks only for presence. istio: authz/matcher/header.go. */
export function headerMatcher(name: string, value: string): HeaderMatcher {
  return value === '*' ? { name, presentMatch: true } : { name, stringMatch: pattern(value) }
}

/** As `headerMatcher`, letters in any case. */
export function hostMatcher(value: string): HeaderMatcher {
  const name = ':authority'
  if (value === '*') return { name, presentMatch: true }
  return { name, stringMatch: { ...pattern(value), ignoreCase: true } }
}

/** Exact, `*suffix` or `prefix*`, for values that are not a lone `*`. */
export function pattern(value: string): StringMatcher {
  if (value.startsWith('*')) return { suffix: value.slice(1) }
  return value.endsWith('*') ? { prefix: value.slice(0, -1) } : { exact: value }
}

/** One matcher, or any of several. */
export function anyOf(valueMatchers: readonly ValueMatcher[]): ValueMatcher {
  const [only] = valueMatchers
  return only && valueMatchers.length === 1 ? only : { orMatch: { valueMatchers } }
}

/** An address or CIDR as Envoy writes it; `undefined` when it is neither. istio: util.AddrStrToCidrRange. */
export function cidrRange(value: string): CidrRange | undefined {
  const [addressPrefix = '', length] = value.split('/')
  const bits = isIpv4(addressPrefix) ? 32 : isIpv6(addressPrefix) ? 128 : undefined
  if (bits === undefined) return undefined
  const prefixLen = length === undefined ? bits : /^\d+$/.test(length) ? Number(length) : -1
  return prefixLen < 0 || prefixLen > bits ? undefined : { addressPrefix, prefixLen }
}

function isIpv4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every(part => Number(part) <= 255)
}
function isIpv6(text: string): boolean {
  return text.includes(':') && /^[0-9a-fA-F:.]+$/.test(text)
}
