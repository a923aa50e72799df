import { parse, stringify } from 'yaml'
import type { NamedConfig } from '../../../sim-core/model/xds/core.ts'
import { type HttpConnectionManager, TYPE } from '../../../sim-core/model/xds/filters.ts'
import type { FilterChain, Listener } from '../../../sim-core/model/xds/listener.ts'
import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'
import { type Adapter, casesOf, differs, type Json, lines, verdictOf } from '../corpus.ts'

/** The authorization filters of a sidecar's passthrough chains, HTTP or TCP, for a set of policies. */
export const istioAuthzBuilder: Adapter = content => {
  const prober = createProxyProber()
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const [dump] = prober.answer({
        config: each.config,
        kubeConfig: stringify(EXT_AUTHZ_SERVICE),
        mesh: {
          ...each.meshConfig,
          ...(each.trustDomain && {
            trustDomain: each.trustDomain.domain,
            trustDomainAliases: each.trustDomain.aliases,
          }),
        },
        proxy: each.proxy,
        dump: true,
      })
      const inbound = ((dump?.listeners ?? []) as readonly Listener[]).find(
        ({ name }) => name === 'virtualInbound',
      )
      const filters = filtersOf(inbound, each.protocol === 'http').filter(
        filter => isAuthorization(filter) && isCustom(filter) === each.customAction,
      )
      const want = each.expect.map((file: Json) => normalized(parse(file.envoyFilterYaml)))
      const got = filters.map(normalized)
      return verdictOf(
        Array.from({ length: Math.max(want.length, got.length) }).flatMap((_, index) =>
          lines(differs(`filter ${index}`, want[index], got[index])),
        ),
      )
    },
  }))
}

/** Upstream's tests know this service in namespace foo. */
const EXT_AUTHZ_SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'my-custom-ext-authz', namespace: 'foo' },
  spec: { clusterIP: '10.9.9.9', ports: [{ name: 'grpc', port: 9000 }] },
}

function filtersOf(inbound: Listener | undefined, http: boolean): readonly NamedConfig[] {
  const named = (name: string): FilterChain | undefined =>
    inbound?.filterChains?.find(chain => chain.name === name)
  if (!http) return named('virtualInbound')?.filters ?? []
  const manager = named('virtualInbound-catchall-http')?.filters?.find(
    filter => filter.typedConfig?.['@type'] === TYPE.hcm,
  )
  return (manager?.typedConfig as HttpConnectionManager | undefined)?.httpFilters ?? []
}

function isAuthorization({ name }: NamedConfig): boolean {
  return name.endsWith('.rbac') || name.endsWith('.ext_authz')
}

function isCustom(filter: NamedConfig): boolean {
  const config: Json = filter.typedConfig
  return (
    filter.name.endsWith('.ext_authz') ||
    config?.shadowRulesStatPrefix === 'istio_ext_authz_' ||
    isBadCustom(config)
  )
}

/** A policy whose provider is broken becomes a denial. */
function isBadCustom(config: Json): boolean {
  return Object.keys(config?.rules?.policies ?? {}).some(name =>
    name.endsWith('-deny-due-to-bad-CUSTOM-action'),
  )
}

/** Keys in order, so that equal configurations print alike. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, normalized(inner)]),
  )
}
