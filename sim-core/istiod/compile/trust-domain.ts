/** Identities of the mesh's own trust domain and of its aliases mean the same. istio: pilot/pkg/security/trustdomain/bundle.go. */
export type TrustDomains = readonly string[]

/** Principals of a policy with each covered trust domain spelled out; forms that name no trust domain stay as they are. */
export function withTrustDomainAliases(
  principals: readonly string[],
  domains: TrustDomains,
): readonly string[] {
  return principals.flatMap(principal => {
    const parts = principal.split('/')
    const [own = ''] = parts
    if (parts.length !== 5 || own === '*') return [principal]
    const covered = matchesAny(own, domains) || own === 'cluster.local'
    if (!covered) return [principal]
    const rest = parts.slice(1).join('/')
    return unique(domains.map(domain => (isSuffix(domain, own) ? principal : `${domain}/${rest}`)))
  })
}

/** A policy's trust domains; one that is the mesh's own stands for all of them. */
export function expandTrustDomains(values: readonly string[], domains: TrustDomains): readonly string[] {
  return unique(values.flatMap(value => (domains.includes(value) ? domains : [value])))
}

/** Whether text and one of the list match, with a wildcard at either end of either. istio: trustdomain/util.go. */
export function matchesAny(text: string, list: readonly string[]): boolean {
  return list.some(
    each =>
      text === each ||
      each === '*' ||
      isPrefix(text, each) ||
      isPrefix(each, text) ||
      isSuffix(text, each) ||
      isSuffix(each, text),
  )
}

const isPrefix = (text: string, wildcard: string) =>
  wildcard.endsWith('*') && text.startsWith(wildcard.slice(0, -1))
const isSuffix = (text: string, wildcard: string) =>
  wildcard.startsWith('*') && text.endsWith(wildcard.slice(1))

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)]
