import type { Resource } from '../../model/resource.ts'
import { groupBy } from '../compile/configs.ts'
import { isSniffed, protocolOf } from '../compile/protocol.ts'
import { annotationProblems } from '../injection/annotations.ts'
import {
  type Analysis,
  type Fields,
  type Finding,
  finding,
  fullName,
  isSystemNamespace,
  listOf,
  selects,
  specOf,
} from './analysis.ts'
import { injectionOf } from './injection.ts'

/** Ports whose name does not say what they speak. */
export function portName(analysis: Analysis): readonly Finding[] {
  return analysis
    .of('Service')
    .filter(({ metadata }) => !isSystemNamespace(metadata.namespace) && !isManaged(metadata.labels))
    .flatMap(service =>
      listOf(specOf(service).ports).flatMap((port, index) => {
        const isExternal = specOf(service).type === 'ExternalName'
        const isPlainTcp = isExternal && port.name === 'tcp'
        if (!isPlainTcp && !isSniffed(protocolOf(port))) return []
        const name = isExternal
          ? 'ExternalNameServiceTypeInvalidPortName'
          : 'PortNameIsNotUnderNamingConvention'
        const message = `Port ${port.port} is called ${port.name ? `“${port.name}”` : 'nothing'}, which does not say its protocol.`
        return [finding(name, service, message, `spec.ports[${index}]`)]
      }),
    )
}

/** Made by istiod itself for a Gateway. */
const isManaged = (labels: Readonly<Record<string, string>>): boolean =>
  labels['gateway.istio.io/managed'] !== undefined || labels.istio !== undefined

/** Deployments whose Services disagree about a port. */
export function serviceAssociation(analysis: Analysis): readonly Finding[] {
  return analysis
    .of('Deployment')
    .filter(({ metadata }) => injectionOf(analysis, metadata.namespace) === 'injected')
    .flatMap(deployment => {
      const labels = specOf(deployment).template?.metadata?.labels ?? {}
      const ports = analysis
        .of('Service')
        .filter(({ metadata }) => metadata.namespace === deployment.metadata.namespace)
        .filter(({ spec }) => {
          const selector = (spec as Fields)?.selector ?? {}
          return Object.keys(selector).length > 0 && selects(selector, labels)
        })
        .flatMap(service =>
          listOf(specOf(service).ports).map(port => ({
            service: fullName(service),
            port: port.port,
            target: String(port.targetPort ?? port.port),
            protocol: protocolOf(port),
          })),
        )
      return [...ofProtocols(deployment, ports), ...ofTargets(deployment, ports)]
    })
}

interface ServicePort {
  readonly service: string
  readonly port: number
  readonly target: string
  readonly protocol: string
}

function ofProtocols(deployment: Resource, ports: readonly ServicePort[]): readonly Finding[] {
  return [...groupBy(ports, ({ target }) => target)].flatMap(([target, all]) => {
    if (new Set(all.map(({ protocol }) => protocol)).size < 2) return []
    const message = `${namesOf(all)} lead to port ${target} of these pods with different protocols.`
    return [finding('DeploymentAssociatedToMultipleServices', deployment, message)]
  })
}

function ofTargets(deployment: Resource, ports: readonly ServicePort[]): readonly Finding[] {
  return [...groupBy(ports, ({ port }) => port)].flatMap(([port, all]) => {
    if (new Set(all.map(({ target }) => target)).size < 2) return []
    const message = `${namesOf(all)} lead from port ${port} to different ports of these pods.`
    return [finding('DeploymentConflictingPorts', deployment, message)]
  })
}

const namesOf = (ports: readonly ServicePort[]): string =>
  [...new Set(ports.map(({ service }) => service))].join(' and ')

const proxyUser = 1337

/** Applications that run as the proxy's user, so that nothing of theirs is captured. */
export function applicationUid(analysis: Analysis): readonly Finding[] {
  const specs = [
    ...analysis.of('Pod').map(resource => [resource, specOf(resource), 'spec'] as const),
    ...analysis
      .of('Deployment')
      .map(resource => [resource, specOf(resource).template?.spec ?? {}, 'spec.template.spec'] as const),
  ]
  return specs.flatMap(([resource, spec, path]) => {
    const isProxyUser =
      spec.securityContext?.runAsUser === proxyUser ||
      listOf(spec.containers).some(
        ({ name, securityContext }) =>
          name !== 'istio-proxy' && name !== 'istio-operator' && securityContext?.runAsUser === proxyUser,
      )
    if (!isProxyUser) return []
    const message = `User ${proxyUser} is the proxy’s: what an application of that user sends goes around the proxy.`
    return [finding('InvalidApplicationUID', resource, message, path)]
  })
}

/** Where an annotation belongs; `any` for all kinds. */
type Place = 'Pod' | 'Service' | 'Ingress' | 'Gateway' | 'any'

/** Annotations by name, after https://istio.io/latest/docs/reference/config/annotations/. */
const places: Readonly<Record<Place, readonly string[]>> = {
  any: [
    'install.operator.istio.io/chart-owner',
    'install.operator.istio.io/owner-generation',
    'istio.io/dry-run',
  ],
  Ingress: ['kubernetes.io/ingress.class'],
  Gateway: ['gateway.istio.io/name-override', 'gateway.istio.io/service-account'],
  Service: [
    'ambient.istio.io/waypoint-inbound-binding',
    'networking.istio.io/exportTo',
    'networking.istio.io/traffic-distribution',
    'networking.istio.io/address-type',
    'networking.istio.io/service-type',
    'istio.io/connect-strategy',
    'alpha.istio.io/kubernetes-serviceaccounts',
    'alpha.istio.io/canonical-serviceaccounts',
  ],
  Pod: [
    'inject.istio.io/templates',
    'inject.istio.io/proxyVersion',
    'prometheus.istio.io/merge-metrics',
    'proxy.istio.io/config',
    'proxy.istio.io/overrides',
    'readiness.status.sidecar.istio.io/applicationPorts',
    'readiness.status.sidecar.istio.io/failureThreshold',
    'readiness.status.sidecar.istio.io/initialDelaySeconds',
    'readiness.status.sidecar.istio.io/periodSeconds',
    'security.istio.io/tlsMode',
    'sidecar.istio.io/agentLogLevel',
    'sidecar.istio.io/bootstrapOverride',
    'sidecar.istio.io/componentLogLevel',
    'sidecar.istio.io/controlPlaneAuthPolicy',
    'sidecar.istio.io/discoveryAddress',
    'sidecar.istio.io/enableCoreDump',
    'sidecar.istio.io/extraStatTags',
    'sidecar.istio.io/inject',
    'sidecar.istio.io/interceptionMode',
    'sidecar.istio.io/logLevel',
    'sidecar.istio.io/nativeSidecar',
    'sidecar.istio.io/proxyCPU',
    'sidecar.istio.io/proxyCPULimit',
    'sidecar.istio.io/proxyImage',
    'sidecar.istio.io/proxyImageType',
    'sidecar.istio.io/proxyMemory',
    'sidecar.istio.io/proxyMemoryLimit',
    'sidecar.istio.io/rewriteAppHTTPProbers',
    'sidecar.istio.io/statsCompression',
    'sidecar.istio.io/statsHistogramBuckets',
    'sidecar.istio.io/statsInclusionPrefixes',
    'sidecar.istio.io/statsInclusionRegexps',
    'sidecar.istio.io/statsInclusionSuffixes',
    'sidecar.istio.io/status',
    'sidecar.istio.io/userVolume',
    'sidecar.istio.io/userVolumeMount',
    'status.sidecar.istio.io/port',
    'topology.istio.io/controlPlaneClusters',
    'traffic.sidecar.istio.io/excludeInboundPorts',
    'traffic.sidecar.istio.io/excludeInterfaces',
    'traffic.sidecar.istio.io/excludeOutboundIPRanges',
    'traffic.sidecar.istio.io/excludeOutboundPorts',
    'traffic.sidecar.istio.io/includeInboundPorts',
    'traffic.sidecar.istio.io/includeOutboundIPRanges',
    'traffic.sidecar.istio.io/includeOutboundPorts',
    'traffic.sidecar.istio.io/kubevirtInterfaces',
    'istio.io/reroute-virtual-interfaces',
  ],
}

const placeOf: ReadonlyMap<string, string> = new Map(
  Object.entries(places).flatMap(([place, names]) => names.map(name => [name, place] as const)),
)

/** Annotations of yesterday. */
const deprecated: readonly string[] = [
  'sidecar.istio.io/bootstrapOverride',
  'sidecar.istio.io/controlPlaneAuthPolicy',
  'sidecar.istio.io/discoveryAddress',
  'sidecar.istio.io/enableCoreDump',
  'sidecar.istio.io/statsInclusionPrefixes',
  'sidecar.istio.io/statsInclusionRegexps',
  'sidecar.istio.io/statsInclusionSuffixes',
  'traffic.sidecar.istio.io/kubevirtInterfaces',
  'alpha.istio.io/kubernetes-serviceaccounts',
  'alpha.istio.io/canonical-serviceaccounts',
]

/** Written by Istio itself. */
const ours: readonly string[] = [
  'istio.io/rev',
  'ambient.istio.io/redirection',
  'gateway.istio.io/controller-version',
]

/** Annotations that nobody reads, or not there, or not with this value. */
export function annotations(analysis: Analysis): readonly Finding[] {
  return ['Namespace', 'Service', 'Pod', 'Deployment'].flatMap(kind =>
    analysis.of(kind).flatMap(resource =>
      Object.entries(resource.metadata.annotations).flatMap(([name, value]) => {
        if (ours.includes(name) || !isOfIstio(name)) return []
        return ofAnnotation(resource, name, value)
      }),
    ),
  )
}

function ofAnnotation(resource: Resource, name: string, value: string): readonly Finding[] {
  const path = `metadata.annotations["${name}"]`
  const place = placeOf.get(name)
  if (!place) return [finding('UnknownAnnotation', resource, `Istio knows no annotation ${name}.`, path)]
  const found: Finding[] = []
  if (deprecated.includes(name))
    found.push(finding('DeprecatedAnnotation', resource, `${name} is deprecated.`, path))
  if (place !== 'any' && place !== resource.kind) {
    const message = `${name} belongs on a ${place}; nobody reads it on a ${resource.kind}.`
    return [...found, finding('MisplacedAnnotation', resource, message, path)]
  }
  for (const problem of annotationProblems({ [name]: value }))
    found.push(finding('InvalidAnnotation', resource, problem, path))
  return found
}

function isOfIstio(name: string): boolean {
  const domain = name.split('/')[0] ?? ''
  return domain === 'istio.io' || domain.endsWith('.istio.io') || placeOf.has(name)
}
