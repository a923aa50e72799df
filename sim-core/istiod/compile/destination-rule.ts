import { featureOf } from '../../config/defaults/features.ts'
import type { DestinationRule, PortTrafficPolicy, TrafficPolicy } from '../../model/istio.ts'
import { type HostTable, isWildcard, mostSpecificHost, selects } from '../../model/names.ts'
import { type Config, compareAge, listConfigs, resolveHost } from './configs.ts'
import { gatewayApiDestinationRules } from './gateway-api/backend-policies.ts'
import { ofKind, oncePerPush } from './memo.ts'
import type { PushContext, Service, ServicePort } from './push-context.ts'

/** Rules of one host in one namespace that were merged into one. `rule` is the oldest of them with the others' subsets. */
export interface ConsolidatedRule {
  readonly rule: Config<DestinationRule>
  /** As written; empty means the mesh's default. */
  readonly exportTo: ReadonlySet<string>
  readonly from: readonly Config<DestinationRule>[]
}

type Rules = readonly ConsolidatedRule[]
interface MutableTable extends HostTable<Rules> {
  readonly exact: Map<string, Rules>
  readonly wildcard: Map<string, Rules>
}
interface RuleIndex {
  readonly local: ReadonlyMap<string, HostTable<Rules>>
  readonly exported: ReadonlyMap<string, HostTable<Rules>>
  readonly rootLocal: HostTable<Rules>
}

const emptyTable = (): MutableTable => ({ exact: new Map(), wildcard: new Map() })

/** istio: pilot/pkg/model/push_context.go setDestinationRules. */
const ruleIndex = oncePerPush(indexRules, push => [
  ofKind(push.tree, 'DestinationRule'),
  ofPolicies(push),
  push.mesh,
  push.features,
  push.configDomainSuffix,
])

const NONE: readonly Config<DestinationRule>[] = []

/** Rules of Gateway API policies; one and the same list as long as there are none. */
function ofPolicies(push: PushContext): readonly Config<DestinationRule>[] {
  const rules = gatewayApiDestinationRules(push)
  return rules.length === 0 ? NONE : rules
}

function indexRules(push: PushContext): RuleIndex {
  const local = new Map<string, MutableTable>()
  const exported = new Map<string, MutableTable>()
  const rootLocal = emptyTable()
  const tableOf = (tables: Map<string, MutableTable>, namespace: string) => {
    const table = tables.get(namespace) ?? emptyTable()
    tables.set(namespace, table)
    return table
  }
  for (const config of sortedRules(push)) {
    const { namespace } = config
    const exportTo = new Set(config.spec.workloadSelector ? ['.'] : (config.spec.exportTo ?? []))
    const reaches = (scope: string) => exportTo.has(scope)
    if (exportTo.size === 0 || reaches('*') || reaches('.') || reaches(namespace))
      addRule(push, tableOf(local, namespace), config, exportTo)
    if (!isPrivate(push, exportTo, namespace)) addRule(push, tableOf(exported, namespace), config, exportTo)
    else if (namespace === push.mesh.rootNamespace) addRule(push, rootLocal, config, exportTo)
  }
  return { local, exported, rootLocal }
}

/** Rules with a workloadSelector come first, then the older ones; hosts are completed. */
function sortedRules(push: PushContext): readonly Config<DestinationRule>[] {
  const rank = (config: Config<DestinationRule>) => (config.spec.workloadSelector ? 0 : 1)
  return [...listConfigs(push, 'DestinationRule'), ...gatewayApiDestinationRules(push)]
    .map(config => ({
      ...config,
      spec: { ...config.spec, host: resolveHost(push, config.spec.host ?? '', config.namespace) },
    }))
    .sort((a, b) => rank(a) - rank(b) || compareAge(a, b))
}

function isPrivate(push: PushContext, exportTo: ReadonlySet<string>, namespace: string): boolean {
  if (exportTo.size === 0) return (push.mesh.defaultDestinationRuleExportTo ?? ['*']).includes('.')
  return exportTo.size === 1 && (exportTo.has('.') || exportTo.has(namespace))
}

const sameMembers = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every(member => b.has(member))

const isSuperset = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  [...b].every(member => a.has(member))

/** Merges a rule into those of its host, or puts it beside them. istio: pilot/pkg/model/destination_rule.go mergeDestinationRule. */
function addRule(
  push: PushContext,
  table: MutableTable,
  config: Config<DestinationRule>,
  exportTo: ReadonlySet<string>,
): void {
  const host = config.spec.host ?? ''
  const side = isWildcard(host) ? table.wildcard : table.exact
  const enhanced = featureOf(push, 'ENABLE_ENHANCED_DESTINATIONRULE_MERGE')
  let separate = true
  const merged = (side.get(host) ?? []).map(existing => {
    if (enhanced && !sameMembers(exportTo, existing.exportTo)) {
      separate = true
      if (existing.exportTo.size === 0 || !isSuperset(exportTo, existing.exportTo)) return existing
    } else if (enhanced) separate = false
    const own = config.spec.workloadSelector
    const other = existing.rule.spec.workloadSelector
    const alike = sameLabels(own?.matchLabels, other?.matchLabels)
    if (own && other && !alike) {
      separate = true
      return existing
    }
    if ((!own && !other) || (own && other && alike)) separate = false
    return mergeInto(existing, config)
  })
  side.set(host, separate ? [...merged, { rule: config, exportTo, from: [config] }] : merged)
}

type Labels = Readonly<Record<string, string>>
const sameLabels = (a: Labels = {}, b: Labels = {}): boolean =>
  Object.keys(a).length === Object.keys(b).length && selects(a, b)

/** Subsets with new names are added, the first trafficPolicy stays; what a Gateway API policy made only fills gaps. */
function mergeInto(existing: ConsolidatedRule, added: Config<DestinationRule>): ConsolidatedRule {
  const spec = existing.rule.spec
  const names = new Set((spec.subsets ?? []).map(subset => subset.name))
  const subsets = [
    ...(spec.subsets ?? []),
    ...(added.spec.subsets ?? []).filter(subset => !names.has(subset.name)),
  ]
  const trafficPolicy = mergedTopLevel(existing.rule, added)
  const { trafficPolicy: _, ...rest } = spec
  const merged = {
    ...rest,
    ...(subsets.length > 0 ? { subsets } : {}),
    ...(trafficPolicy ? { trafficPolicy } : {}),
  }
  return { ...existing, rule: { ...existing.rule, spec: merged }, from: [...existing.from, added] }
}

const isBackendPolicy = (config: Config<DestinationRule>): boolean =>
  config.annotations['internal.istio.io/parents'] !== undefined

function mergedTopLevel(
  existing: Config<DestinationRule>,
  added: Config<DestinationRule>,
): TrafficPolicy | undefined {
  const first = existing.spec.trafficPolicy
  const second = added.spec.trafficPolicy
  if (isBackendPolicy(existing) === isBackendPolicy(added)) return first ?? second
  return isBackendPolicy(added) ? underlay(first, second) : underlay(second, first)
}

/** The user's policy with a Gateway API policy beneath it. */
function underlay(
  user: TrafficPolicy | undefined,
  backend: TrafficPolicy | undefined,
): TrafficPolicy | undefined {
  if (!user || !backend) return user ?? backend
  const ports = user.portLevelSettings ?? []
  const merged = ports.map(port => {
    const below = (backend.portLevelSettings ?? []).find(other => other.port?.number === port.port?.number)
    return below ? { ...below, ...port } : port
  })
  const more = (backend.portLevelSettings ?? []).filter(
    port => !ports.some(other => other.port?.number === port.port?.number),
  )
  const portLevelSettings = [...merged, ...more]
  return { ...backend, ...user, ...(portLevelSettings.length > 0 ? { portLevelSettings } : {}) }
}

/** The rules for a service as clients of a namespace see them: own namespace, the service's, the root's; the first tier with a match decides. istio: push_context.go destinationRule. */
export function destinationRulesFor(
  push: PushContext,
  clientNamespace: string,
  service: Pick<Service, 'hostname' | 'namespace'>,
): readonly ConsolidatedRule[] {
  const index = ruleIndex(push)
  const root = push.mesh.rootNamespace ?? ''
  const own = clientNamespace === root ? index.rootLocal : index.local.get(clientNamespace)
  const local = own && mostSpecificHost(service.hostname, own)
  if (local) return local.value
  const exported = (owner: string): readonly ConsolidatedRule[] => {
    const table = index.exported.get(owner)
    const found = table && mostSpecificHost(service.hostname, table)
    return (found?.value ?? []).filter(
      ({ exportTo }) => exportTo.size === 0 || exportTo.has('*') || exportTo.has(clientNamespace),
    )
  }
  const ofService = service.namespace === '' ? [] : exported(service.namespace)
  return ofService.length > 0 ? ofService : exported(root)
}

/** Among the rules for a service the one for this workload: in the scope's own namespace a matching workloadSelector, outbound only; else the one without. istio: pilot/pkg/model/sidecar.go DestinationRule. */
export function ruleForWorkload(
  rules: readonly ConsolidatedRule[],
  scopeNamespace: string,
  labels: Labels,
  direction: 'inbound' | 'outbound',
): ConsolidatedRule | undefined {
  if (direction === 'outbound') {
    const selected = rules.find(
      ({ rule }) =>
        rule.namespace === scopeNamespace &&
        rule.spec.workloadSelector !== undefined &&
        selects(rule.spec.workloadSelector.matchLabels ?? {}, labels),
    )
    if (selected) return selected
  }
  return rules.findLast(({ rule }) => rule.spec.workloadSelector === undefined)
}

/** Lays one policy over another block by block; a port's settings replace the blocks a port can have, set or not. istio: destination_rule.go MergeTrafficPolicy. */
function over(base: TrafficPolicy, top: TrafficPolicy | PortTrafficPolicy, ofPort: boolean): TrafficPolicy {
  const { portLevelSettings: _, ...below } = base
  const { port: __, portLevelSettings: ___, ...above } = top as TrafficPolicy & PortTrafficPolicy
  if (!ofPort) return { ...below, ...above }
  const { connectionPool: _a, outlierDetection: _b, loadBalancer: _c, tls: _d, ...kept } = below
  return { ...kept, ...above }
}

const portSettings = (
  policy: TrafficPolicy,
  port: Pick<ServicePort, 'number'>,
): PortTrafficPolicy | undefined =>
  policy.portLevelSettings?.find(settings => settings.port?.number === port.number)

/** A rule's policy as it applies to one port: settings of the port alone, where it has some. istio: pilot/pkg/networking/util/util.go GetPortLevelTrafficPolicy. */
export function policyForPort(
  policy: TrafficPolicy | undefined,
  port: Pick<ServicePort, 'number'> | undefined,
): TrafficPolicy | undefined {
  if (!policy || !port) return policy
  const settings = portSettings(policy, port)
  if (!settings) return policy
  const { port: _, ...blocks } = settings
  return blocks
}

/** A subset's policy over the rule's; settings for the port take the place of the whole. istio: pilot/pkg/networking/util/util.go MergeSubsetTrafficPolicy. */
export function policyForSubset(
  original: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: Pick<ServicePort, 'number'>,
): TrafficPolicy | undefined {
  const base = policyForPort(original, port)
  if (!subset) return base
  if (!base) return policyForPort(subset, port)
  const settings = portSettings(subset, port)
  return settings ? over(base, settings, true) : over(base, subset, false)
}
