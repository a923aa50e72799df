import type {
  LoadBalancerSettings,
  LocalityLoadBalancerSetting,
  OutlierDetection,
} from '../../model/istio.ts'
import { each, type Notes } from './finding.ts'

/** Well-known labels that locality load balancing reads by itself. */
const topology: readonly string[] = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
]

interface Failover {
  readonly from?: string
  readonly to?: string
}

/** istio: pkg/config/validation/agent ValidateLocalityLbSetting. */
export function checkLocality(
  setting: LocalityLoadBalancerSetting | undefined,
  outlier: OutlierDetection | undefined,
  path: string,
  notes: Notes,
): void {
  if (!setting) return
  const { distribute = [], failover = [], failoverPriority = [] } = setting
  if (distribute.length > 0 && failover.length > 0) {
    notes.error(path, 'distribute and failover exclude each other.')
    return
  }
  const label = failoverPriority.find(one => topology.includes(one))
  if (failover.length > 0 && label !== undefined) {
    notes.error(`${path}.failoverPriority`, `failover and the label ${label} exclude each other.`)
    return
  }
  each(distribute, `${path}.distribute`, ({ to = {} }, at) => {
    const weights = Object.values(to)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    if (weights.some(weight => weight < 1 || weight > 100)) notes.error(at, 'A weight is between 1 and 100.')
    else if (total !== 100) notes.error(at, `The weights add up to ${total}, not to 100.`)
    notes.error(at, overlapProblem(Object.keys(to)))
  })
  notes.error(`${path}.distribute`, overlapProblem(distribute.map(({ from = '' }) => from)))
  checkFailover(setting, outlier, path, notes)
}

/** istio: pkg/config/validation/agent ValidateZoneAwareLbSetting. */
export function checkZoneAware(
  setting: LoadBalancerSettings['zoneAwareLbSetting'],
  outlier: OutlierDetection | undefined,
  path: string,
  notes: Notes,
): void {
  if (!setting) return
  const { failover, failoverPriority } = setting
  const label = failoverPriority?.find(one => topology.includes(one))
  if (label !== undefined)
    notes.error(`${path}.failoverPriority`, `Zones and regions need no priority; remove ${label}.`)
  checkFailover(
    { ...(failover && { failover }), ...(failoverPriority && { failoverPriority }) },
    outlier,
    path,
    notes,
  )
}

function checkFailover(
  {
    failover,
    failoverPriority,
  }: { readonly failover?: readonly Failover[]; readonly failoverPriority?: readonly string[] },
  outlier: OutlierDetection | undefined,
  path: string,
  notes: Notes,
): void {
  if ((failover?.length || failoverPriority?.length) && !outlier)
    notes.warn(path, 'Without outlierDetection no host is ever found unhealthy, so nothing fails over.')
  each(failover, `${path}.failover`, ({ from = '', to = '' }, at) => {
    if (from === to) notes.error(at, 'A failover goes to another region.')
    if (`${from}${to}`.includes('/')) notes.error(at, 'A failover names regions only, without zones.')
    if (`${from}${to}`.includes('*')) notes.error(at, 'A failover has no wildcards.')
  })
}

/** Localities as `region/zone/subzone`, `*` at the end: none may cover one after it, nor, unless it is a wildcard, one before. */
function overlapProblem(localities: readonly string[]): string | undefined {
  const seen: (readonly string[])[] = []
  for (const locality of localities) {
    if ((locality.match(/\*/g)?.length ?? 0) > 1 || (locality.includes('*') && !locality.endsWith('*')))
      return `${locality}: a wildcard stands at the end, once.`
    const parts = locality.split('/')
    if (parts.slice(0, 3).includes('')) return `"${locality}" has an empty part.`
    const isPlain = !locality.includes('*')
    if (seen.some(other => covers(other, parts) || (isPlain && covers(parts, other))))
      return `${locality} overlaps with another one.`
    seen.push(parts)
  }
  return undefined
}

function covers(wide: readonly string[], narrow: readonly string[]): boolean {
  for (const [index, part] of wide.entries()) {
    if (part === '*') return true
    if (part !== narrow[index]) return false
  }
  return true
}
