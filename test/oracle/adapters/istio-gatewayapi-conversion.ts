import { parseAllDocuments } from 'yaml'
import { load } from '../../../sim-core/config/load.ts'
import type { Config } from '../../../sim-core/istiod/compile/configs.ts'
import { createPushContext } from '../../../sim-core/istiod/compile/create-push-context.ts'
import { gatewayApiDestinationRules } from '../../../sim-core/istiod/compile/gateway-api/backend-policies.ts'
import { gatewayApiGateways } from '../../../sim-core/istiod/compile/gateway-api/gateways.ts'
import { gatewayApiVirtualServices } from '../../../sim-core/istiod/compile/gateway-api/virtual-services.ts'
import { protoDuration } from '../../../sim-core/model/duration.ts'
import { type Adapter, casesOf, type Json, lines, type Verdict, verdictOf } from '../corpus.ts'

/** Gateway API objects → the Istio resources that istiod makes of them. */
export const istioGatewayapiConversion: Adapter = content =>
  casesOf(content).map(each => ({ id: each.id, judge: () => judge(each) }))

function judge(each: Json): Verdict {
  const { tree } = load({ 'config.yaml': each.config }, {})
  const features = { PILOT_ENABLE_ALPHA_GATEWAY_API: 'true' }
  const push = createPushContext({ tree, domainSuffix: 'domain.suffix', features })
  const made: readonly Config<unknown>[] = [
    ...gatewayApiGateways(push),
    ...gatewayApiVirtualServices(push),
    ...gatewayApiDestinationRules(push),
  ]
  const got = new Map(made.map(config => [keyOf(config.kind, config), textOf(config.spec)]))
  const want = new Map(
    parseAllDocuments(each.expect.istioResources ?? '')
      .map(document => document.toJS() as Json)
      .filter(Boolean)
      .map(object => [keyOf(object.kind, object.metadata), textOf(object.spec)]),
  )
  return verdictOf(
    lines(
      ...[...want].map(([key, spec]) =>
        got.has(key)
          ? got.get(key) === spec
            ? undefined
            : `${key}: want ${spec}, got ${got.get(key)}`
          : `${key}: missing; there are ${[...got.keys()].join(' ')}`,
      ),
      ...[...got.keys()].filter(key => !want.has(key)).map(key => `${key}: not wanted`),
    ),
  )
}

const keyOf = (kind: string, { namespace, name }: Json): string => `${kind} ${namespace}/${name}`

const textOf = (spec: unknown): string => JSON.stringify(normal(spec as Json))

/** Keys in order, nothings (and the first of an enumeration) left out, durations as protobuf writes them. */
function normal(value: Json): Json {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value === 'string') return /^[\d.]+(ms|s|m|h)$/.test(value) ? protoDuration(value) : value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, normal(value[key])] as const)
      .filter(
        ([, inner]) =>
          inner !== 'PASSTHROUGH' &&
          inner !== 0 &&
          inner !== '' &&
          inner !== false &&
          !(Array.isArray(inner) && inner.length === 0),
      ),
  )
}
