import { TYPE } from '../../model/xds/filters.ts'
import type { AnyHttpFilter } from '../http-filters/index.ts'
import { networkExtAuthz } from './ext-authz.ts'
import { networkRbac } from './rbac.ts'

/** Network filters that judge a TCP connection before its TCP proxy, in the words of HTTP filters. Metadata exchange and statistics pass everything; the TCP proxy and the connection manager are legs. */
const networkFilters: ReadonlyMap<string, AnyHttpFilter> = new Map([
  [TYPE.networkRbac, networkRbac],
  [TYPE.networkExtAuthz, networkExtAuthz],
])

/** The filter of a type URL; `undefined` when it only looks on. */
export function networkFilterOf(type: string): AnyHttpFilter | undefined {
  return networkFilters.get(type)
}
