import type { HTTPMatchRequest, HTTPRoute, StringMatch } from '../../model/istio.ts'
import { originOf, withOrigin } from '../../model/xds/origins.ts'

/** The routes of a delegate as they stand in place of the root's route: matches combined, unset fields from the root, contradicting routes dropped. istio: pilot/pkg/model/virtualservice.go MergeHTTPRoutes. */
export function mergeHttpRoutes(root: HTTPRoute, delegateRoutes: readonly HTTPRoute[]): readonly HTTPRoute[] {
  return delegateRoutes.flatMap(route => {
    const match = mergeMatches(root.match ?? [], route.match ?? [])
    if (!match) return []
    const { delegate: _, match: __, name: ___, redirect: ____, route: _____, ...inherited } = root
    const name = joinNames(root.name, route.name)
    const merged: HTTPRoute = {
      ...inherited,
      ...definedOf(route),
      ...(match.length > 0 ? { match } : {}),
      ...(name === '' ? {} : { name }),
    }
    return [withOrigin(merged, originOf(route))]
  })
}

function definedOf(route: HTTPRoute): HTTPRoute {
  const { match: _, name: __, ...rest } = route
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null))
}

const joinNames = (root: string | undefined, leaf: string | undefined): string =>
  [root, leaf].filter(name => name !== undefined && name !== '').join('-')

/** Every delegate match with every root match that it does not contradict; `undefined` when one of them has none. */
function mergeMatches(
  root: readonly HTTPMatchRequest[],
  leaf: readonly HTTPMatchRequest[],
): readonly HTTPMatchRequest[] | undefined {
  if (root.length === 0) return leaf
  if (leaf.length === 0) return root
  const merged: HTTPMatchRequest[] = []
  for (const match of leaf) {
    const compatible = root.filter(candidate => !contradicts(candidate, match))
    if (compatible.length === 0) return undefined
    merged.push(...compatible.map(candidate => mergeMatch(candidate, match)))
  }
  return merged
}

function mergeMatch(root: HTTPMatchRequest, leaf: HTTPMatchRequest): HTTPMatchRequest {
  const name = joinNames(root.name, leaf.name)
  const both = <K extends 'headers' | 'withoutHeaders' | 'queryParams' | 'sourceLabels'>(key: K) =>
    root[key] || leaf[key] ? { [key]: { ...root[key], ...leaf[key] } } : {}
  const gateways = (leaf.gateways ?? []).length > 0 ? leaf.gateways : root.gateways
  return {
    ...root,
    ...leaf,
    ...(name === '' ? {} : { name }),
    ...both('headers'),
    ...both('withoutHeaders'),
    ...both('queryParams'),
    ...both('sourceLabels'),
    ...pick('port', leaf.port || root.port),
    ...pick('sourceNamespace', leaf.sourceNamespace || root.sourceNamespace),
    ...pick('statPrefix', leaf.statPrefix || root.statPrefix),
    ...pick('gateways', gateways),
  }
}

const pick = <K extends keyof HTTPMatchRequest>(key: K, value: HTTPMatchRequest[K]): HTTPMatchRequest =>
  value === undefined ? {} : { [key]: value }

/** istio: pilot/pkg/model/virtualservice.go hasConflict. */
function contradicts(root: HTTPMatchRequest, leaf: HTTPMatchRequest): boolean {
  const texts = (['uri', 'scheme', 'method', 'authority'] as const).some(key =>
    textsContradict(root[key], leaf[key]),
  )
  const tables = (['headers', 'withoutHeaders', 'queryParams'] as const).some(key =>
    Object.entries(leaf[key] ?? {}).some(([name, match]) => textsContradict(root[key]?.[name], match)),
  )
  const rootGateways = root.gateways ?? []
  const leafGateways = leaf.gateways ?? []
  return (
    texts ||
    tables ||
    (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false) ||
    Boolean(root.port && leaf.port && root.port !== leaf.port) ||
    Boolean(root.sourceNamespace && leaf.sourceNamespace !== root.sourceNamespace) ||
    Object.entries(leaf.sourceLabels ?? {}).some(
      ([key, value]) => (root.sourceLabels?.[key] ?? value) !== value,
    ) ||
    (rootGateways.length > 0 &&
      (rootGateways.length < leafGateways.length ||
        leafGateways.some(gateway => !rootGateways.includes(gateway))))
  )
}

/** True unless everything that the leaf matches, the root matches too; regular expressions match nothing but the absence of another condition. */
function textsContradict(root: StringMatch | undefined, leaf: StringMatch | undefined): boolean {
  if (!root || !leaf) return false
  if (root.regex && (leaf.regex || leaf.prefix || leaf.exact)) return true
  if (leaf.regex && (root.regex || root.prefix || root.exact)) return true
  if (root.exact) return Boolean(leaf.prefix) || leaf.exact !== root.exact
  if (root.prefix && leaf.prefix) return !leaf.prefix.startsWith(root.prefix)
  if (root.prefix && leaf.exact) return !leaf.exact.startsWith(root.prefix)
  return true
}
