import type {
  AuthorizationPolicy,
  EnvoyFilter,
  RequestAuthentication,
  WorkloadGroup,
} from '../../model/istio.ts'
import type { Resource } from '../../model/resource.ts'
import { isRecord } from '../documents.ts'
import { collect, each, type Finding, type Notes } from './finding.ts'
import { portProblem } from './names.ts'

/** Sizes that the CRDs of Istio set: path (`[]` any item, `{}` any value), least, most. Lists count items, maps keys, strings characters. istio: manifests/charts/base/files/crd-all.gen.yaml. */
const limits: Readonly<Record<string, string>> = {
  ServiceEntry: `hosts 1 256, addresses 0 256, addresses[] 0 64, endpoints 0 4096, endpoints[].address 0 256, endpoints[].labels 0 256,
    endpoints[].locality 0 2048, endpoints[].network 0 2048, endpoints[].ports 0 128, endpoints[].serviceAccount 0 253, ports 0 256,
    ports[].name 0 256, ports[].protocol 0 256, workloadSelector.labels 0 256, workloadSelector.labels{} 0 63`,
  WorkloadEntry:
    'address 0 256, labels 0 256, locality 0 2048, network 0 2048, ports 0 128, serviceAccount 0 253',
  WorkloadGroup: `metadata.annotations 0 256, metadata.labels 0 256, probe.exec.command[] 1 ∞, template.address 0 256, template.labels 0 256,
    template.locality 0 2048, template.network 0 2048, template.ports 0 128, template.serviceAccount 0 253`,
  Sidecar: `ingress[].tls.credentialNames 1 2, ingress[].tls.tlsCertificates 1 2, workloadSelector.labels 0 256, workloadSelector.labels{} 0 63`,
  Gateway: 'servers[].tls.credentialNames 1 2, servers[].tls.tlsCertificates 1 2',
  EnvoyFilter: 'workloadSelector.labels 0 256, workloadSelector.labels{} 0 63, targetRefs 0 16',
  DestinationRule: 'workloadSelector.matchLabels 0 4096, workloadSelector.matchLabels{} 0 63',
  ProxyConfig: 'environmentVariables{} 0 2048, selector.matchLabels 0 4096, selector.matchLabels{} 0 63',
  AuthorizationPolicy: `rules 0 512, rules[].from 0 512, selector.matchLabels 0 4096, selector.matchLabels{} 0 63, targetRefs 0 16`,
  PeerAuthentication: 'portLevelMtls 1 ∞, selector.matchLabels 0 4096, selector.matchLabels{} 0 63',
  RequestAuthentication: `jwtRules 0 4096, jwtRules[].audiences[] 1 ∞, jwtRules[].fromCookies[] 1 ∞, jwtRules[].fromHeaders[].name 1 ∞,
    jwtRules[].fromParams[] 1 ∞, jwtRules[].issuer 1 ∞, jwtRules[].jwksUri 1 2048, jwtRules[].outputClaimToHeaders[].claim 1 ∞,
    jwtRules[].outputClaimToHeaders[].header 1 ∞, jwtRules[].spaceDelimitedClaims 0 64, jwtRules[].spaceDelimitedClaims[] 1 ∞,
    selector.matchLabels 0 4096, selector.matchLabels{} 0 63, targetRefs 0 16`,
  Telemetry: `accessLogging[].providers[].name 1 ∞, metrics[].overrides[].match.customMetric 1 ∞, metrics[].providers[].name 1 ∞,
    tracing[].customTags{}.environment.name 1 ∞, tracing[].customTags{}.formatter.value 1 ∞, tracing[].customTags{}.header.name 1 ∞,
    tracing[].customTags{}.literal.value 1 ∞, tracing[].providers[].name 1 ∞, selector.matchLabels 0 4096, selector.matchLabels{} 0 63, targetRefs 0 16`,
  WasmPlugin: `imagePullSecret 1 253, pluginName 1 256, url 1 ∞, vmConfig.env 0 256, vmConfig.env[].name 1 256, vmConfig.env[].value 0 2048,
    selector.matchLabels 0 4096, selector.matchLabels{} 0 63, targetRefs 0 16`,
  TrafficExtension: `lua.inlineCode 1 65536, wasm.imagePullSecret 1 253, wasm.pluginName 1 256, wasm.url 1 ∞, wasm.vmConfig.env 0 256,
    wasm.vmConfig.env[].name 1 256, wasm.vmConfig.env[].value 0 2048, selector.matchLabels 0 4096, selector.matchLabels{} 0 63, targetRefs 0 16`,
}

/** What the API server refuses by the CRD before the webhook is asked; empty for kinds that are not Istio's. */
export function checkSchemaRules(resource: Resource): readonly Finding[] {
  if (!resource.apiVersion.includes('.istio.io/')) return []
  return collect(notes => {
    for (const limit of (limits[resource.kind] ?? '').split(',')) {
      const [path = '', least = '0', most = '∞'] = limit.trim().split(' ')
      if (path !== '')
        checkSize(
          resource.spec,
          path,
          'spec',
          [Number(least), most === '∞' ? Number.POSITIVE_INFINITY : Number(most)],
          notes,
        )
    }
    expressions[resource.kind]?.(resource.spec ?? {}, notes)
  })
}

type Bounds = readonly [least: number, most: number]

function checkSize(value: unknown, path: string, at: string, bounds: Bounds, notes: Notes): void {
  if (value === undefined) return
  const rest = path.replace(/^\./, '')
  if (rest === '') checkBounds(value, at, bounds, notes)
  else if (rest.startsWith('[]')) {
    const items: readonly unknown[] = Array.isArray(value) ? value : []
    each(items, at, (item, place) => {
      checkSize(item, rest.slice(2), place, bounds, notes)
    })
  } else if (!isRecord(value)) return
  else if (rest.startsWith('{}')) {
    for (const [key, item] of Object.entries(value))
      checkSize(item, rest.slice(2), `${at}["${key}"]`, bounds, notes)
  } else {
    const field = /^[^.[{]+/.exec(rest)?.[0] ?? rest
    checkSize(value[field], rest.slice(field.length), `${at}.${field}`, bounds, notes)
  }
}

function checkBounds(value: unknown, at: string, [least, most]: Bounds, notes: Notes): void {
  const isText = typeof value === 'string'
  const size = isText || Array.isArray(value) ? value.length : isRecord(value) ? Object.keys(value).length : 0
  const unit = isText ? 'characters' : 'entries'
  if (size < least)
    notes.error(at, isText ? 'This must not be empty.' : `This needs at least ${least} ${unit}.`)
  if (size > most) notes.error(at, `This has ${size} ${unit}; at most ${most} are allowed.`)
}

/** Of the CRDs' CEL rules those that the webhook does not repeat. */
const expressions: Readonly<Record<string, (spec: object, notes: Notes) => void>> = {
  EnvoyFilter(spec: EnvoyFilter, notes) {
    if (spec.workloadSelector && spec.targetRefs)
      notes.error('spec', 'workloadSelector and targetRefs exclude each other.')
    each(spec.configPatches, 'spec.configPatches', ({ match }, path) => {
      if (match && (match.context === 'WAYPOINT') !== (match.waypoint !== undefined))
        notes.error(`${path}.match`, 'The context WAYPOINT is matched by waypoint, and no other context is.')
      const waypoint = isRecord(match?.waypoint) ? match.waypoint : {}
      if (typeof waypoint.portNumber === 'number')
        notes.error(`${path}.match.waypoint.portNumber`, portProblem(waypoint.portNumber))
    })
  },
  RequestAuthentication(spec: RequestAuthentication, notes) {
    each(spec.jwtRules, 'spec.jwtRules', ({ jwks, jwksUri }, path) => {
      if (jwks !== undefined && jwksUri !== undefined)
        notes.error(path, 'jwks and jwksUri exclude each other.')
    })
  },
  AuthorizationPolicy(spec: AuthorizationPolicy, notes) {
    each(spec.rules, 'spec.rules', (rule, path) => {
      each(rule?.from, `${path}.from`, ({ source = {} }, at) => {
        const accounts = source.serviceAccounts ?? source.notServiceAccounts
        const others = source.principals ?? source.notPrincipals ?? source.namespaces ?? source.notNamespaces
        if (accounts && others)
          notes.error(`${at}.source`, 'serviceAccounts cannot stand with namespaces or principals.')
      })
    })
  },
  WorkloadGroup({ probe, template }: WorkloadGroup, notes) {
    if (probe?.grpc?.port !== undefined) notes.error('spec.probe.grpc.port', portProblem(probe.grpc.port))
    if (template?.address?.startsWith('unix://') && template.ports)
      notes.error('spec.template.ports', 'A unix socket has no ports.')
    for (const port of Object.values(template?.ports ?? {}))
      notes.error('spec.template.ports', portProblem(port))
  },
}
