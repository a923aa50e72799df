import { type Loaded, load } from '../../config/load.ts'
import type { Resource } from '../../model/resource.ts'
import { type Analysis, type Analyzer, analysisOf, type Fields, type Finding } from './analysis.ts'
import { deprecation, envoyPatch, externalControlPlane } from './control-plane.ts'
import {
  caCertificate,
  conflictingServiceEntryProtocol,
  meshNetworks,
  podNotSelected,
  protocolAddresses,
} from './destinations.ts'
import { conflictingGateway, crdVersion, ingressGatewayPort } from './gateways.ts'
import { imageAuto, injection, proxyImage } from './injection.ts'
import { authorizationPolicies, blockedCidrs, conditions, telemetrySelector } from './policies.ts'
import {
  conflictingMeshGatewayHosts,
  destinationHost,
  destinationSubset,
  jwtClaimRoute,
  virtualServiceGateway,
} from './virtual-services.ts'
import { annotations, applicationUid, portName, serviceAssociation } from './workloads.ts'

export type { Finding } from './analysis.ts'
export type { Level } from './findings.ts'

/** By their upstream names. */
export const analyzers: Readonly<Record<string, Analyzer>> = {
  'annotations.K8sAnalyzer': annotations,
  'authn.BlockedCIDRsAnalyzer': blockedCidrs,
  'authz.AuthorizationPoliciesAnalyzer': authorizationPolicies,
  'conditions.ConditionAnalyzer': conditions,
  'deployment.ApplicationUIDAnalyzer': applicationUid,
  'deployment.ServiceAssociationAnalyzer': serviceAssociation,
  'deprecation.FieldAnalyzer': deprecation,
  'destinationrule.CaCertificateAnalyzer': caCertificate,
  'destinationrule.PodNotSelectedAnalyzer': podNotSelected,
  'envoyfilter.EnvoyPatchAnalyzer': envoyPatch,
  'externalcontrolplane.ExternalControlPlaneAnalyzer': externalControlPlane,
  'gateway.ConflictingGatewayAnalyzer': conflictingGateway,
  'gateway.IngressGatewayPortAnalyzer': ingressGatewayPort,
  'injection.Analyzer': injection,
  'injection.ImageAnalyzer': proxyImage,
  'injection.ImageAutoAnalyzer': imageAuto,
  'k8sgateway.CRDVersionAnalyzer': crdVersion,
  'multicluster.MeshNetworksAnalyzer': meshNetworks,
  'service.PortNameAnalyzer': portName,
  'serviceentry.ConflictingServiceEntryProtocolAnalyzer': conflictingServiceEntryProtocol,
  'serviceentry.ProtocolAddressesAnalyzer': protocolAddresses,
  'telemetry.SelectorAnalyzer': telemetrySelector,
  'virtualservice.ConflictingMeshGatewayHostsAnalyzer': conflictingMeshGatewayHosts,
  'virtualservice.DestinationHostAnalyzer': destinationHost,
  'virtualservice.DestinationRuleAnalyzer': destinationSubset,
  'virtualservice.GatewayAnalyzer': virtualServiceGateway,
  'virtualservice.JWTClaimRouteAnalyzer': jwtClaimRoute,
}

/** The gateway that istioctl assumes where it looks at files alone. */
const assumedGateway = `
apiVersion: v1
kind: Pod
metadata: { name: istio-ingressgateway, namespace: istio-system, labels: { istio: ingressgateway } }
spec: { containers: [{ name: istio-proxy, image: proxyv2 }] }
---
apiVersion: v1
kind: Service
metadata: { name: istio-ingressgateway, namespace: istio-system, labels: { istio: ingressgateway } }
spec:
  selector: { istio: ingressgateway }
  ports:
    - { name: http2, port: 80 }
    - { name: https, port: 443 }
    - { name: tcp, port: 31400 }
    - { name: tls, port: 15443 }
`

/** What to analyze. */
export interface AnalyzeInput {
  /** Path → text. */
  readonly files: Readonly<Record<string, string>>
  /** For documents that name no namespace; none when absent. */
  readonly namespace?: string
  readonly mesh?: Fields
  readonly meshNetworks?: Fields
  /** One analyzer by its upstream name; all when absent. */
  readonly analyzer?: string
}

/** What was found, and the files' own problems. */
export interface Analyzed {
  readonly findings: readonly Finding[]
  readonly loaded: Loaded
}

/** Runs istioctl's analyzers over files. */
export function analyze({
  files,
  namespace = '',
  mesh,
  meshNetworks: networks,
  analyzer,
}: AnalyzeInput): Analyzed {
  const loaded = load(files, { namespace, mode: 'lenient' })
  const analysis = analysisOf(withAssumed(loaded.resources), mesh, networks)
  const chosen = analyzer === undefined ? Object.values(analyzers) : [analyzers[analyzer]]
  return { findings: distinct(chosen.flatMap(each => run(each, analysis))), loaded }
}

const run = (analyzer: Analyzer | undefined, analysis: Analysis): readonly Finding[] =>
  analyzer?.(analysis) ?? []

function withAssumed(resources: readonly Resource[]): readonly Resource[] {
  const given = new Set(
    resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`),
  )
  const assumed = load({ assumed: assumedGateway }).resources
  return [
    ...resources,
    ...assumed.filter(({ kind, metadata }) => !given.has(`${kind} ${metadata.namespace}/${metadata.name}`)),
  ]
}

/** What reads the same is said once. */
function distinct(all: readonly Finding[]): readonly Finding[] {
  const byText = new Map<string, Finding>()
  for (const each of all) {
    const { kind, namespace, name } = each.resource
    const key = [each.code, kind, namespace, name, each.message].join(' ')
    if (!byText.has(key)) byText.set(key, each)
  }
  return [...byText.values()]
}
