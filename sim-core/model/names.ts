/** Order by code units, the same on every machine. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** True for `*`, `*.example.com` and the like. */
export const isWildcard = (host: string): boolean => host.startsWith('*')

/** True when the two hosts can name one and the same thing, whichever of them is the wildcard. istio: pkg/config/host/name.go Matches. */
export function hostsMatch(a: string, b: string): boolean {
  if (!isWildcard(a)) return isWildcard(b) ? a.endsWith(b.slice(1)) : a === b
  if (!isWildcard(b)) return b.endsWith(a.slice(1))
  return a.length < b.length ? b.slice(1).endsWith(a.slice(1)) : a.slice(1).endsWith(b.slice(1))
}

/** True when every host that `inner` names is also named by `outer`. istio: pkg/config/host/name.go SubsetOf. */
export function isHostWithin(inner: string, outer: string): boolean {
  if (!isWildcard(inner)) return isWildcard(outer) ? inner.endsWith(outer.slice(1)) : inner === outer
  if (!isWildcard(outer) || inner.length < outer.length) return false
  return inner.slice(1).endsWith(outer.slice(1))
}

/** Sorts the more specific host first: names before wildcards, then longer before shorter, then by text. istio: pkg/config/host/names.go MoreSpecific. */
export function compareSpecificity(a: string, b: string): number {
  if (isWildcard(a) !== isWildcard(b)) return isWildcard(a) ? 1 : -1
  if (a.length !== b.length) return b.length - a.length
  return compareText(a, b)
}

/** Hosts and what belongs to them, split so that a name is found without looking at every wildcard. */
export interface HostTable<T> {
  readonly exact: ReadonlyMap<string, T>
  readonly wildcard: ReadonlyMap<string, T>
}

/** The entry of the most specific host that covers `needle`; `undefined` when none does. istio: pilot/pkg/model/config.go MostSpecificHostMatch. */
export function mostSpecificHost<T>(
  needle: string,
  table: HostTable<T>,
): { readonly host: string; readonly value: T } | undefined {
  const own = isWildcard(needle) ? table.wildcard.get(needle) : table.exact.get(needle)
  if (own !== undefined) return { host: needle, value: own }
  const text = isWildcard(needle) ? needle.slice(1) : needle
  let best: { readonly host: string; readonly value: T } | undefined
  for (const [host, value] of table.wildcard) {
    if (text.endsWith(host.slice(1)) && (!best || compareSpecificity(host, best.host) < 0))
      best = { host, value }
  }
  return best
}

/** A table of hosts; of equal hosts the first one given stays. */
export function hostTable<T>(entries: Iterable<readonly [string, T]>): HostTable<T> {
  const exact = new Map<string, T>()
  const wildcard = new Map<string, T>()
  for (const [host, value] of entries) {
    const side = isWildcard(host) ? wildcard : exact
    if (!side.has(host)) side.set(host, value)
  }
  return { exact, wildcard }
}

const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/** True for a dotted IPv4 address. */
function isIpv4(text: string): boolean {
  const parts = ipv4.exec(text)
  return parts?.slice(1).every(part => Number(part) <= 255) === true
}

/** True for an IPv4 or IPv6 address without a prefix length. */
export const isIpAddress = (text: string): boolean =>
  isIpv4(text) || (text.includes(':') && /^[0-9a-fA-F:]+(?:\.[0-9.]+)?$/.test(text))

/** `spiffe://<trust domain>/ns/<namespace>/sa/<account>`. */
export const spiffeId = (trustDomain: string, namespace: string, account: string): string =>
  `spiffe://${trustDomain.replaceAll('@', '.')}/ns/${namespace}/sa/${account}`

/** True when every pair of `selector` is among the labels; an empty selector selects everything. */
export function selects(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.keys(selector).every(key => labels[key] === selector[key])
}
