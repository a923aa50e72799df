import type { Layer4RouteSpec } from '../../../model/gateway-api.ts'
import type { RouteDestination, TCPRoute, TLSRoute } from '../../../model/istio.ts'
import { withOrigin } from '../../../model/xds/origins.ts'
import type { PushContext } from '../push-context.ts'
import { destinationsOf, totalWeight } from './backends.ts'
import type { Rules } from './http-rules.ts'
import type { ConfigError, Kubernetes } from './objects.ts'

/** A cluster that never exists: a route without weight closes its connections. istio: conversion.go convertTCPRoute. */
const NOWHERE: readonly RouteDestination[] = [
  {
    destination: { host: 'internal.cluster.local', subset: 'zero-weight', port: { number: 65535 } },
    weight: 0,
  },
]

/** A TCPRoute's rules. */
export const tcpRules = (
  push: PushContext,
  route: Kubernetes<Layer4RouteSpec>,
  needsGrant: boolean,
): Rules<TCPRoute> => rules(push, route, needsGrant, destinations => ({ route: destinations }))

/** A TLSRoute's rules, all for the SNI names of the route. */
export const tlsRules = (
  push: PushContext,
  route: Kubernetes<Layer4RouteSpec>,
  needsGrant: boolean,
): Rules<TLSRoute> => {
  const sniHosts = route.spec.hostnames?.length ? route.spec.hostnames : ['*']
  return rules(push, route, needsGrant, destinations =>
    destinations === NOWHERE ? { route: destinations } : { match: [{ sniHosts }], route: destinations },
  )
}

function rules<T extends object>(
  push: PushContext,
  { kind, namespace, name, spec }: Kubernetes<Layer4RouteSpec>,
  needsGrant: boolean,
  convert: (destinations: readonly RouteDestination[]) => T,
): Rules<T> {
  const routes: T[] = []
  let error: ConfigError | undefined
  for (const [index, { backendRefs = [] }] of (spec.rules ?? []).entries()) {
    const owner = { kind, namespace, needsGrant }
    const found =
      totalWeight(backendRefs) === 0
        ? { route: NOWHERE }
        : destinationsOf(push, backendRefs, owner, destination => destination)
    if ('fatal' in found && found.fatal) return { routes: [], error: found.fatal }
    if ('error' in found && found.error) error = found.error
    const ref = { kind, namespace, name, path: `spec.rules[${index}]`, version: push.version }
    routes.push(withOrigin(convert(found.route), ref))
  }
  return { routes, ...(error ? { error } : {}) }
}
