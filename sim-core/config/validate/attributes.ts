import { addressProblem, subnetProblem } from './names.ts'

/** IP addresses and CIDR blocks. */
export const ipsProblem = (values: readonly string[] | undefined): string | undefined =>
  first(values, value => (value.includes('/') ? subnetProblem(value) : addressProblem(value)))

/** Ports as strings. */
export const portsProblem = (values: readonly string[] | undefined): string | undefined =>
  first(values, value =>
    /^\d+$/.test(value) && Number(value) <= 65_535 ? undefined : `"${value}" is no port.`,
  )

/** `account` or `namespace/account`, without wildcards. istio: pkg/config/security/security.go CheckServiceAccount. */
export function serviceAccountsProblem(values: readonly string[] | undefined): string | undefined {
  if ((values?.length ?? 0) > 16) return 'At most 16 service accounts can be named.'
  return first(values, value => {
    if (value.includes('*')) return `A service account has no wildcards: "${value}".`
    if (value.length > 320) return 'A service account has at most 320 characters.'
    const parts = value.split('/')
    return parts.length <= 2 && !parts.includes('')
      ? undefined
      : `"${value}" must be ACCOUNT or NAMESPACE/ACCOUNT.`
  })
}

/** One wildcard, at the beginning or the end. */
const wildcardsProblem = (values: readonly string[] | undefined): string | undefined =>
  first(values, value => {
    const stars = value.split('*').length - 1
    if (stars > 1) return `"${value}" has more than one wildcard.`
    const isInside = stars === 1 && !value.startsWith('*') && !value.endsWith('*')
    return isInside
      ? `"${value}" has its wildcard in the middle; only the beginning or the end is possible.`
      : undefined
  })

/** Trust domains: wildcards as above, no slash. */
export const trustDomainsProblem = (values: readonly string[] | undefined): string | undefined =>
  wildcardsProblem(values) ??
  first(values, value => (value.includes('/') ? `The trust domain "${value}" has a slash.` : undefined))

/** RFC 3986 path characters. */
const literal = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/

/** `{*}` is one segment, `{**}` the rest and at most one. istio: pkg/config/security/security.go CheckValidPathTemplate. */
export const pathTemplateProblem = (paths: readonly string[] | undefined): string | undefined =>
  first(paths, path => {
    const isTemplate = path.includes('{*}') || path.includes('{**}')
    let rest = false
    for (const segment of path.replace(/^\/+|\/+$/g, '').split('/')) {
      const isGlob = segment === '{*}' || segment === '{**}'
      if (isGlob && rest) return `"${path}" goes on with a wildcard after {**}.`
      rest ||= segment === '{**}'
      if (isGlob) continue
      if (/[{}]/.test(segment)) return `"${path}": braces are for {*} and {**}, each a whole segment.`
      if (isTemplate && !literal.test(segment)) return `"${path}": the segment "${segment}" is no literal.`
    }
    return undefined
  })

type Rule = (values: readonly string[], key: string) => string | undefined

const anything: Rule = () => undefined
const bracketed: Rule = (_, key) =>
  /^[^[]+\[.+\]$/s.test(key) ? undefined : `The key "${key}" must be NAME[KEY].`
const replaced =
  (by: string): Rule =>
  (_, key) =>
    `${key} is gone; use ${by}.`

const exact: Readonly<Record<string, Rule>> = {
  'source.ip': ipsProblem,
  'remote.ip': ipsProblem,
  'source.namespace': anything,
  'source.serviceAccount': serviceAccountsProblem,
  'source.principal': anything,
  'source.trustDomain': wildcardsProblem,
  'request.auth.principal': anything,
  'request.auth.audiences': anything,
  'request.auth.presenter': anything,
  'destination.ip': ipsProblem,
  'destination.port': portsProblem,
  'connection.sni': anything,
  'destination.namespace': replaced('metadata.namespace'),
  'destination.name': replaced('a selector'),
  'destination.user': replaced('a selector'),
}
const prefixed: readonly (readonly [prefix: string, rule: Rule])[] = [
  ['request.headers', bracketed],
  ['request.auth.claims', bracketed],
  ['experimental.envoy.filters.', bracketed],
  ['destination.labels', replaced('a selector')],
]

/** What is wrong with a condition. istio: pkg/config/security/security.go ValidateAttribute. */
export function conditionProblem(key: string, values: readonly string[]): string | undefined {
  if (values.includes('')) return `The condition on ${key} has an empty value.`
  const rule = Object.hasOwn(exact, key)
    ? exact[key]
    : prefixed.find(([prefix]) => key.startsWith(prefix))?.[1]
  return rule
    ? rule(values, key)
    : `"${key}" is no attribute; known are ${Object.keys(exact).slice(0, 12).join(', ')}, request.headers[…], request.auth.claims[…].`
}

function first(
  values: readonly string[] | undefined,
  problem: (value: string) => string | undefined,
): string | undefined {
  for (const value of values ?? []) {
    const found = problem(value)
    if (found !== undefined) return found
  }
  return undefined
}
