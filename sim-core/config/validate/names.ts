import { isIpAddress } from '../../model/names.ts'

/** 63 letters, digits and dashes. istio: pkg/config/labels/instance.go; unlike Kubernetes it takes capitals. */
const label = '[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?'
const labelPattern = new RegExp(`^${label}$`)
const wildcardPattern = new RegExp(`^(?:\\*|(?:\\*|\\*-)?${label})$`)
const qualified = '(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const keyPattern = new RegExp(`^(${label}(?:\\.${label})*/)?(${qualified})$`)
const valuePattern = new RegExp(`^(?:${qualified})?$`)

/** True for a single DNS label. */
export const isDnsLabel = (text: string): boolean => text.length <= 63 && labelPattern.test(text)

/** What is wrong with a port number. */
export const portProblem = (port: number | undefined): string | undefined =>
  port !== undefined && port >= 1 && port <= 65_535
    ? undefined
    : `Port ${port ?? 0} is not between 1 and 65535.`

/** What is wrong with a port's name. */
export const portNameProblem = (name: string | undefined): string | undefined =>
  isDnsLabel(name ?? '')
    ? undefined
    : `"${name ?? ''}" is no port name: letters, digits and dashes, at most 63.`

/** What is wrong with a full domain name; a dot may end it. */
export function domainProblem(domain: string | undefined): string | undefined {
  return lengthProblem(domain) ?? labelsOfDomainProblem(domain ?? '')
}

/** The same where the first label may be or begin with `*`. */
export function wildcardDomainProblem(domain: string | undefined): string | undefined {
  const problem = lengthProblem(domain)
  if (problem) return problem
  const [first = '', ...rest] = (domain ?? '').split('.')
  if (first.length > 63 || !wildcardPattern.test(first))
    return `"${domain}" is no domain name: "${first}" is no label.`
  return rest.length === 0 ? undefined : labelsOfDomainProblem(rest.join('.'))
}

function lengthProblem(domain: string | undefined): string | undefined {
  if (!domain) return 'The domain name is empty.'
  return domain.length > 255 ? 'The domain name is longer than 255 characters.' : undefined
}

function labelsOfDomainProblem(domain: string): string | undefined {
  const parts = domain.split('.')
  const last = parts.at(-1) ?? ''
  if (/^[+-]?\d+$/.test(last)) return `"${domain}" is no domain name: its last label is a number.`
  const wrong = parts.find((part, index) => !isDnsLabel(part) && !(index === parts.length - 1 && part === ''))
  return wrong === undefined ? undefined : `"${domain}" is no domain name: "${wrong}" is no label.`
}

/** `*bar.com` looks like a wildcard and is none. */
export const partialWildcardProblem = (host: string): string | undefined =>
  host.includes('*') && host.length > 1 && !host.startsWith('*.')
    ? `"${host}" is only partly a wildcard; write *.${host.replace(/^\*-?/, '')} or a full name.`
    : undefined

/** What is wrong with an IP address. */
export const addressProblem = (address: string): string | undefined =>
  isAddress(address) ? undefined : `"${address}" is no IP address.`

/** Go's netip.ParseAddr: no leading zeros, one `::`, at most eight groups. */
export function isAddress(text: string): boolean {
  if (!text.includes(':'))
    return isIpAddress(text) && text.split('.').every(part => part === '0' || !part.startsWith('0'))
  const [address = '', zone] = text.split('%')
  if (zone === '' || !isIpAddress(address) || address.includes(':::')) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')))
  const size = groups.reduce((sum, group) => sum + (group.includes('.') ? 2 : 1), 0)
  const areGroups = groups.every(group =>
    group.includes('.') ? isAddress(group) : /^[0-9a-fA-F]{1,4}$/.test(group),
  )
  return areGroups && (halves.length === 2 ? size < 8 : size === 8)
}

/** What is wrong with an address or a CIDR block. */
export function subnetProblem(text: string): string | undefined {
  const parts = text.split('/')
  if (parts.length !== 2) return addressProblem(text)
  const [address = '', bits = ''] = parts
  const most = address.includes(':') ? 128 : 32
  const isBlock =
    isAddress(address) && !address.includes('%') && /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most
  return isBlock ? undefined : `"${text}" is no CIDR block.`
}

/** What follows `unix://`: an absolute path of a file, or an abstract socket with `@`. */
export function unixPathProblem(path: string): string | undefined {
  if (path === '') return 'The path of the unix socket is empty.'
  if (path.startsWith('@')) return undefined
  return path.startsWith('/') && !path.endsWith('/') ? undefined : `"${path}" is no absolute path of a file.`
}

/** What is wrong with labels. istio: pkg/config/labels/instance.go Validate. */
export function labelsProblem(labels: Readonly<Record<string, string>> | undefined): string | undefined {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const [, prefix = '', name = ''] = keyPattern.exec(key) ?? []
    if (name === '' || prefix.length > 254 || name.length > 63) return `"${key}" is no label key.`
    if (!valuePattern.test(value)) return `"${value}" is no label value.`
  }
  return undefined
}
