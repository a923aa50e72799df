import type { Decision } from '../model/reason.ts'
import { originOf } from '../model/xds/origins.ts'
import type { RouteConfiguration, VirtualHost } from '../model/xds/route.ts'
import type { Why } from './why.ts'

interface DomainIndex {
  readonly exact: ReadonlyMap<string, VirtualHost>
  /** `*.x` without its star, by length, longest first. */
  readonly suffixes: readonly (readonly [domain: string, host: VirtualHost])[]
  /** `x.*` without its star, longest first. */
  readonly prefixes: readonly (readonly [domain: string, host: VirtualHost])[]
  readonly any: VirtualHost | undefined
}

const indexes = new WeakMap<RouteConfiguration, DomainIndex>()

/** The virtual host of a request: exact domain, then the longest `*.x`, then the longest `x.*`, then `*`; a wildcard stands for at least one character. envoy: source/common/router/config_impl.cc findVirtualHost. */
export function chooseVirtualHost(
  config: RouteConfiguration,
  authority: string,
  why?: Why,
): Decision<VirtualHost> {
  const host = (config.ignorePortInHostMatching ? withoutPort(authority) : authority).toLowerCase()
  const index = indexOf(config)
  const [chose, domain] = find(index, host)
  if (why)
    for (const each of config.virtualHosts ?? [])
      why.considered(each.name, each === chose ? undefined : 'no domain matches')
  if (!chose)
    return { chose: undefined, because: { code: 'virtualHost.none', facts: { host, config: config.name } } }
  const ref = originOf(chose)
  return {
    chose,
    because: {
      code: 'virtualHost.matched',
      facts: { host, domain, virtualHost: chose.name },
      ...(ref && { ref }),
    },
  }
}

/** The host part of an authority; brackets of IPv6 stay. */
function withoutPort(authority: string): string {
  return authority.replace(/:\d*$/, rest =>
    authority.startsWith('[') && !authority.includes(']:') ? rest : '',
  )
}

function find(index: DomainIndex, host: string): readonly [VirtualHost | undefined, string] {
  const exact = index.exact.get(host)
  if (exact) return [exact, host]
  const suffix = index.suffixes.find(([domain]) => host.length > domain.length && host.endsWith(domain))
  if (suffix) return [suffix[1], `*${suffix[0]}`]
  const prefix = index.prefixes.find(([domain]) => host.length > domain.length && host.startsWith(domain))
  if (prefix) return [prefix[1], `${prefix[0]}*`]
  return [index.any, '*']
}

function indexOf(config: RouteConfiguration): DomainIndex {
  const known = indexes.get(config)
  if (known) return known
  const exact = new Map<string, VirtualHost>()
  const suffixes: (readonly [string, VirtualHost])[] = []
  const prefixes: (readonly [string, VirtualHost])[] = []
  let any: VirtualHost | undefined
  for (const host of config.virtualHosts ?? []) {
    for (const written of host.domains) {
      const domain = written.toLowerCase()
      if (domain === '*') any ??= host
      else if (domain.startsWith('*')) suffixes.push([domain.slice(1), host])
      else if (domain.endsWith('*')) prefixes.push([domain.slice(0, -1), host])
      else if (!exact.has(domain)) exact.set(domain, host)
    }
  }
  const longestFirst = (a: readonly [string, VirtualHost], b: readonly [string, VirtualHost]) =>
    b[0].length - a[0].length
  const made = { exact, suffixes: suffixes.sort(longestFirst), prefixes: prefixes.sort(longestFirst), any }
  indexes.set(config, made)
  return made
}
