import type { Proxy } from '../istiod/compile/push-context.ts'
import { TYPE } from '../model/xds/filters.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'

type Json = unknown
type Fields = { readonly [field: string]: Json }

/** Extensions that only Istio's own build of Envoy carries; a stock Envoy refuses their types, so a file leaves them out. istio/proxy: source/extensions. */
const istioOnly: readonly string[] = [
  TYPE.alpn,
  TYPE.httpPeerMetadata,
  TYPE.metadataExchange,
  TYPE.istioStats,
]

/** What a configuration needs beyond its snapshot to start a real Envoy. */
export interface BootstrapOptions {
  /** Listeners and endpoints get ports of 127.0.0.1, counted from here; `undefined` leaves addresses alone. */
  readonly loopbackFrom: number | undefined
  /** Certificate, key and root that stand in for what SDS would bring: PEM. */
  readonly certificate: string
  readonly privateKey: string
}

/** A configuration that a real Envoy can start with. */
export interface StaticBootstrap {
  readonly bootstrap: Fields
  /** What had to be left out because stock Envoy does not know it. */
  readonly omitted: readonly string[]
  /** Addresses of the configuration → those of the file, when they were moved. */
  readonly moved: Readonly<Record<string, string>>
}

interface Work {
  readonly snapshot: XdsSnapshot
  readonly options: BootstrapOptions
  readonly omitted: Set<string>
  readonly moved: Map<string, string>
  readonly ports: { next: number }
  /** The proxy's own IP address. */
  readonly ownAddress: string
}

/** A proxy's whole configuration as one static file: routes inside their listeners, endpoints inside their clusters, secrets inline. Filters of Istio's own build (istio.alpn, istio.stats, peer metadata) and filters that are fetched (ECDS) are left out. */
export function staticBootstrap(
  proxy: Proxy,
  snapshot: XdsSnapshot,
  options: BootstrapOptions,
): StaticBootstrap {
  const work: Work = {
    snapshot,
    options,
    omitted: new Set(),
    moved: new Map(),
    ports: { next: options.loopbackFrom ?? 0 },
    ownAddress: proxy.ipAddresses[0] ?? '0.0.0.0',
  }
  const clusters = Object.values(snapshot.clusters).map(cluster => staticCluster({ ...cluster }, work))
  const listeners = Object.values(snapshot.listeners).map(listener => staticListener({ ...listener }, work))
  return {
    bootstrap: {
      node: {
        id: `${proxy.type}~${proxy.ipAddresses[0] ?? '0.0.0.0'}~${proxy.id}~${proxy.dnsDomain}`,
        cluster: `${proxy.labels['app'] ?? proxy.id}.${proxy.namespace}`,
        locality: localityFields(proxy.locality),
      },
      admin: {
        address: {
          socketAddress: {
            address: '127.0.0.1',
            portValue: options.loopbackFrom === undefined ? 15000 : takePort(work),
          },
        },
      },
      staticResources: { listeners, clusters },
    },
    omitted: [...work.omitted].sort(),
    moved: Object.fromEntries(work.moved),
  }
}

function localityFields(locality: string): Fields {
  const [region, zone, subZone] = locality.split('/')
  return { ...(region && { region }), ...(zone && { zone }), ...(subZone && { subZone }) }
}

const takePort = (work: Work) => work.ports.next++

function staticListener(listener: Fields, work: Work): Json {
  const fields = asFields(transform(listener, work))
  if (work.options.loopbackFrom === undefined) return fields
  const {
    useOriginalDst: _original,
    bindToPort: _bind,
    additionalAddresses: _more,
    transparent: _transparent,
    ...rest
  } = fields
  const filters = asList(fields['listenerFilters']).filter(
    filter => asFields(filter)['name'] !== 'envoy.filters.listener.original_src',
  )
  return { ...rest, listenerFilters: filters, address: movedAddress(fields['address'], work) }
}

/** EDS and the ADS behind it become a static list; DNS names stay names. */
function staticCluster(cluster: Fields, work: Work): Json {
  if (work.options.loopbackFrom !== undefined && cluster['type'] === 'ORIGINAL_DST')
    return ownEndpoints(cluster, work)
  const { edsClusterConfig, ...rest } = cluster
  const service = asFields(edsClusterConfig)['serviceName']
  const name = typeof service === 'string' ? service : String(cluster['name'])
  const fields = asFields(transform(rest, work))
  if (cluster['type'] === 'EDS') {
    const assignment = work.snapshot.endpoints[name] ?? { clusterName: name }
    return withEndpoints({ ...fields, type: 'STATIC' }, { ...assignment }, work)
  }
  return fields['loadAssignment'] === undefined
    ? fields
    : withEndpoints(fields, asFields(fields['loadAssignment']), work)
}

/** Where nothing is intercepted there is no original destination: inbound clusters go to the application's own port, and what would pass through has nowhere to go. */
function ownEndpoints(cluster: Fields, work: Work): Json {
  const { cleanupInterval: _cleanup, ...fields } = asFields(transform(cluster, work))
  const [direction, port] = String(cluster['name']).split('|')
  const socketAddress = { address: work.ownAddress, portValue: Number(port) }
  const endpoints =
    direction === 'inbound'
      ? [{ lbEndpoints: [{ endpoint: { address: movedAddress({ socketAddress }, work) } }] }]
      : []
  return {
    ...fields,
    type: 'STATIC',
    lbPolicy: 'ROUND_ROBIN',
    loadAssignment: { clusterName: cluster['name'], endpoints },
  }
}

function withEndpoints(cluster: Fields, assignment: Fields, work: Work): Json {
  const loopback = work.options.loopbackFrom !== undefined
  const localities = asList(assignment['endpoints']).map(group => {
    const fields = asFields(transform(group, work))
    if (!loopback) return fields
    return {
      ...fields,
      lbEndpoints: asList(fields['lbEndpoints']).map(endpoint => movedEndpoint(asFields(endpoint), work)),
    }
  })
  const type = loopback ? { type: 'STATIC' } : {}
  return {
    ...cluster,
    ...type,
    loadAssignment: { ...assignment, clusterName: cluster['name'], endpoints: localities },
  }
}

function movedEndpoint(endpoint: Fields, work: Work): Json {
  const inner = asFields(endpoint['endpoint'])
  return { ...endpoint, endpoint: { ...inner, address: movedAddress(inner['address'], work) } }
}

/** The same address always moves to the same port. */
function movedAddress(address: Json, work: Work): Json {
  const socket = asFields(asFields(address)['socketAddress'])
  if (socket['address'] === undefined) return address
  const key = `${socket['address']}:${socket['portValue']}`
  const known = work.moved.get(key)
  const port = known === undefined ? takePort(work) : Number(known.split(':')[1])
  work.moved.set(key, `127.0.0.1:${port}`)
  return { socketAddress: { address: '127.0.0.1', portValue: port } }
}

/** Copies a value, leaving out what a file cannot have and putting in what the discovery services would have said. */
function transform(value: Json, work: Work): Json {
  if (Array.isArray(value)) return value.filter(item => keeps(item, work)).map(item => transform(item, work))
  if (value === null || typeof value !== 'object') return value
  const fields = asFields(value)
  if ('rds' in fields) return transform(inlineRoutes(fields, work), work)
  if ('commonTlsContext' in fields)
    return {
      ...transformFields(fields, work),
      commonTlsContext: inlineSecrets(asFields(fields['commonTlsContext']), work),
    }
  return transformFields(fields, work)
}

function transformFields(fields: Fields, work: Work): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, inner]) => [key, transform(inner, work)]))
}

function keeps(item: Json, work: Work): boolean {
  const fields = asFields(item)
  const typed = asFields(fields['typedConfig'])
  const isForeign = [typed['@type'], typed['typeUrl']].some(
    type => typeof type === 'string' && istioOnly.includes(type),
  )
  const isRemote = fields['configDiscovery'] !== undefined
  if (isForeign || isRemote) work.omitted.add(String(fields['name']))
  return !isForeign && !isRemote
}

function inlineRoutes(manager: Fields, work: Work): Fields {
  const { rds, ...rest } = manager
  const name = String(asFields(rds)['routeConfigName'])
  return { ...rest, routeConfig: { ...(work.snapshot.routes[name] ?? { name }), validateClusters: false } }
}

/** SDS names become the stand-in certificate; what a combined context checks by itself stays. */
function inlineSecrets(context: Fields, work: Work): Fields {
  const {
    tlsCertificateSdsSecretConfigs,
    validationContextSdsSecretConfig,
    combinedValidationContext,
    ...rest
  } = context
  const trustedCa = { inlineString: work.options.certificate }
  const combined = asFields(combinedValidationContext)
  const own = {
    certificateChain: { inlineString: work.options.certificate },
    privateKey: { inlineString: work.options.privateKey },
  }
  return {
    ...transformFields(rest, work),
    ...(tlsCertificateSdsSecretConfigs !== undefined && { tlsCertificates: [own] }),
    ...((validationContextSdsSecretConfig !== undefined || combinedValidationContext !== undefined) && {
      validationContext: { ...asFields(transform(combined['defaultValidationContext'], work)), trustedCa },
    }),
  }
}

function asFields(value: Json): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}

function asList(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : []
}
