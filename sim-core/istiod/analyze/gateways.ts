import { hostsMatch } from '../../model/names.ts'
import type { Resource } from '../../model/resource.ts'
import {
  type Analysis,
  type Fields,
  type Finding,
  finding,
  fullName,
  listOf,
  selects,
  specOf,
} from './analysis.ts'

/** A server's port that no Service in front of the gateway's pods opens. */
export function ingressGatewayPort(analysis: Analysis): readonly Finding[] {
  return analysis.of('Gateway').flatMap(gateway => {
    const { selector, servers } = specOf(gateway)
    const pods = analysis.of('Pod').filter(pod => selects(selector, pod.metadata.labels))
    if (pods.length === 0) {
      const text = Object.entries(selector ?? {}).map(([key, value]) => `${key}=${value}`)
      const message = `No pod carries the labels ${text.join(',')} of this gateway's selector.`
      return [finding('ReferencedResourceNotFound', gateway, message, 'spec.selector')]
    }
    const open = openPorts(analysis, pods)
    return listOf(servers).flatMap((server, index) => {
      const number = server.port?.number
      if (number === undefined || open.has(number)) return []
      const message = `No Service leads to port ${number} of the pods that this gateway selects.`
      return [finding('GatewayPortNotDefinedOnService', gateway, message, `spec.servers[${index}].port`)]
    })
  })
}

function openPorts(analysis: Analysis, pods: readonly Resource[]): ReadonlySet<number> {
  const ports = new Set<number>()
  for (const service of analysis.of('Service')) {
    const { selector, ports: declared } = specOf(service)
    const leadsThere = pods.some(
      pod =>
        pod.metadata.namespace === service.metadata.namespace &&
        selector !== undefined &&
        selects(selector, pod.metadata.labels),
    )
    if (leadsThere) for (const { port, targetPort } of listOf(declared)) ports.add(targetPort ?? port)
  }
  return ports
}

/** Two gateways of the same pods that both want a host on a port. */
export function conflictingGateway(analysis: Analysis): readonly Finding[] {
  const gateways = analysis.of('Gateway')
  return gateways.flatMap(gateway =>
    listOf(specOf(gateway).servers).flatMap((server, index) => {
      const rivals = gateways.filter(
        other =>
          other !== gateway &&
          overlap(specOf(gateway).selector, specOf(other).selector) &&
          claims(other, server),
      )
      if (rivals.length === 0) return []
      const message = `On port ${server.port?.number}, ${rivals.map(fullName).join(', ')} names one of these hosts for the same pods.`
      return [finding('ConflictingGateways', gateway, message, `spec.servers[${index}]`)]
    }),
  )
}

/** One selector holds all of the other's labels. */
function overlap(a: Fields, b: Fields): boolean {
  return selects(a, b ?? {}) || selects(b, a ?? {})
}

function claims(gateway: Resource, server: Fields): boolean {
  return listOf(specOf(gateway).servers).some(
    other =>
      other.port?.number === server.port?.number &&
      (other.bind ?? '') === (server.bind ?? '') &&
      listOf(other.hosts).some(a =>
        listOf(server.hosts).some(b => hostsMatch(withoutScope(a), withoutScope(b))),
      ),
  )
}

const withoutScope = (host: string): string => host.slice(host.indexOf('/') + 1)

/** The oldest bundle that istiod still reads each kind from. */
const minimumBundle: Readonly<Record<string, string>> = {
  'tlsroutes.gateway.networking.k8s.io': 'v1.5.0',
}

/** Definitions of the Gateway API that are too old for istiod. */
export function crdVersion(analysis: Analysis): readonly Finding[] {
  return analysis.of('CustomResourceDefinition').flatMap(definition => {
    const minimum = minimumBundle[definition.metadata.name]
    const version = definition.metadata.annotations['gateway.networking.k8s.io/bundle-version']
    if (!minimum || !version || !isOlder(version, minimum)) return []
    const message = `This definition is of bundle ${version}; istiod needs ${minimum} or later.`
    return [finding('GatewayAPICRDVersionBelowMinimum', definition, message)]
  })
}

function isOlder(version: string, minimum: string): boolean {
  const [a, b] = [version, minimum].map(text => text.replace(/^v/, '').split(/[.-]/).map(Number))
  for (const index of [0, 1, 2]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
