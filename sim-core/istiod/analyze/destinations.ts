import { compareText } from '../../model/names.ts'
import type { Resource } from '../../model/resource.ts'
import {
  type Analysis,
  exportScopes,
  type Fields,
  type Finding,
  finding,
  fullHost,
  fullName,
  knownHosts,
  listOf,
  selects,
  shareScope,
  specOf,
} from './analysis.ts'

/** TLS that asks for no proof of who the server is. */
export function caCertificate(analysis: Analysis): readonly Finding[] {
  return analysis.of('DestinationRule').flatMap(rule => {
    const { trafficPolicy, workloadSelector } = specOf(rule)
    const unverified = (tls: Fields): boolean =>
      ['SIMPLE', 'MUTUAL'].includes(tls?.mode) &&
      !tls.caCertificates &&
      !(tls.credentialName && workloadSelector)
    const message = (mode: string) =>
      `With mode ${mode} and no caCertificates, the client's proxy takes any certificate the server shows.`
    const found: Finding[] = []
    if (unverified(trafficPolicy?.tls))
      found.push(
        finding(
          'NoServerCertificateVerificationDestinationLevel',
          rule,
          message(trafficPolicy.tls.mode),
          'spec.trafficPolicy.tls',
        ),
      )
    for (const [index, { tls }] of listOf(trafficPolicy?.portLevelSettings).entries())
      if (unverified(tls))
        found.push(
          finding(
            'NoServerCertificateVerificationPortLevel',
            rule,
            message(tls.mode),
            `spec.trafficPolicy.portLevelSettings[${index}].tls`,
          ),
        )
    return found
  })
}

/** Rules of hosts that nobody has, and subsets that no pod is in. */
export function podNotSelected(analysis: Analysis): readonly Finding[] {
  const hosts = knownHosts(analysis)
  return analysis.of('DestinationRule').flatMap(rule => {
    const host = fullHost(specOf(rule).host ?? '', rule.metadata.namespace)
    if (!host.startsWith('*') && !hosts.has(host))
      return [
        finding(
          'UnknownDestinationRuleHost',
          rule,
          `No service is called ${specOf(rule).host}.`,
          'spec.host',
        ),
      ]
    const service = analysis
      .of('Service')
      .find(({ metadata }) => fullHost(metadata.name, metadata.namespace) === host)
    const selector = service && specOf(service).selector
    if (!service || !selector) return []
    const pods = analysis
      .of('Pod')
      .filter(({ metadata }) => metadata.namespace === service.metadata.namespace)
      .filter(pod => selects(selector, pod.metadata.labels))
      .map(pod => labelsWithTopology(analysis, pod))
    return listOf(specOf(rule).subsets).flatMap((subset, index) => {
      if (pods.some(labels => selects(subset.labels, labels))) return []
      const message = `No pod of ${fullName(service)} carries the labels of the subset ${subset.name}.`
      return [finding('DestinationRuleSubsetNotSelectPods', rule, message, `spec.subsets[${index}]`)]
    })
  })
}

/** Endpoints inherit their node's place as labels. */
function labelsWithTopology(analysis: Analysis, pod: Resource): Readonly<Record<string, string>> {
  const node = analysis.of('Node').find(({ metadata }) => metadata.name === specOf(pod).nodeName)
  const topology = Object.entries(node?.metadata.labels ?? {}).filter(([key]) => key.includes('topology.'))
  return { ...Object.fromEntries(topology), ...pod.metadata.labels }
}

/** Ports that only an address could tell apart. */
export function protocolAddresses(analysis: Analysis): readonly Finding[] {
  const metadata = analysis.mesh.defaultConfig?.proxyMetadata ?? {}
  if (metadata.ISTIO_META_DNS_CAPTURE === 'true' && metadata.ISTIO_META_DNS_AUTO_ALLOCATE === 'true')
    return []
  return analysis.of('ServiceEntry').flatMap(entry => {
    const { addresses, ports } = specOf(entry)
    if (listOf(addresses).length > 0) return []
    return listOf(ports).flatMap(({ number, protocol = '' }, index) => {
      if (!['', 'TCP'].includes(protocol.toUpperCase())) return []
      const message = `Without addresses, proxies cannot tell TCP to port ${number} of this host from TCP to any other.`
      return [finding('ServiceEntryAddressesRequired', entry, message, `spec.ports[${index}]`)]
    })
  })
}

/** ServiceEntries that disagree about what a host's port speaks. */
export function conflictingServiceEntryProtocol(analysis: Analysis): readonly Finding[] {
  const claims = analysis.of('ServiceEntry').flatMap(entry =>
    listOf(specOf(entry).hosts).flatMap((host: string) =>
      listOf(specOf(entry).ports).map(({ number, protocol = 'TCP' }) => ({
        entry,
        at: `${host}:${number}`,
        protocol: (protocol || 'TCP').toUpperCase(),
        scopes: exportScopes(entry),
      })),
    ),
  )
  const found = new Map<Resource, Finding>()
  for (const claim of claims) {
    const rival = claims.find(
      other =>
        other.at === claim.at && other.protocol !== claim.protocol && shareScope(claim.scopes, other.scopes),
    )
    if (!rival || found.has(claim.entry)) continue
    const message = `${claim.at} is ${claim.protocol} here and ${rival.protocol} in ${fullName(rival.entry)}.`
    found.set(claim.entry, finding('ConflictingServiceEntryProtocol', claim.entry, message, 'spec.ports'))
  }
  return [...found.values()]
}

/** Networks made of clusters that istiod has no access to. */
export function meshNetworks(analysis: Analysis): readonly Finding[] {
  const known = new Set(['Mock', 'Kubernetes', 'External'])
  for (const secret of analysis.of('Secret'))
    if (secret.metadata.labels['istio/multiCluster'] === 'true')
      for (const part of ['data', 'stringData'] as const)
        for (const name of Object.keys((secret.body[part] as Fields) ?? {})) known.add(name)
  const resource: Resource = {
    apiVersion: '',
    kind: 'MeshNetworks',
    metadata: {
      name: 'meshnetworks',
      namespace: analysis.rootNamespace,
      labels: {},
      annotations: {},
      creationTimestamp: 0,
    },
    spec: {},
    body: {},
    order: 0,
  }
  return Object.entries<Fields>(analysis.meshNetworks.networks ?? {})
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([network, { endpoints }]) =>
      listOf(endpoints).flatMap(({ fromRegistry }, index) => {
        if (!fromRegistry || known.has(fromRegistry)) return []
        const message = `The network ${network} is made of the cluster ${fromRegistry}, for which there is no secret.`
        const path = `networks.${network}.endpoints[${index}]`
        return [finding('UnknownMeshNetworksServiceRegistry', resource, message, path)]
      }),
    )
}
