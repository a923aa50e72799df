import { parseAllDocuments } from 'yaml'
import type { Json } from '../../corpus.ts'

/** What a case's checks ask besides its plain expectations; `undefined` when one of them is a function in Go that says nothing of itself. */
export function checksOf(each: Json, config: string): Json | undefined {
  if (each.fullyMechanical !== false) return {}
  const found: Json = {}
  for (const check of each.rawCheck?.fn === 'check.And' ? each.rawCheck.args : [each.rawCheck]) {
    const asked = check === '<func>' ? shares(each, config) : CHECKS[check?.fn]?.(...check.args)
    if (!asked) return undefined
    Object.assign(found, asked)
  }
  return found
}

const CHECKS: Readonly<Record<string, (...args: readonly Json[]) => Json>> = {
  'check.OK': () => ({ ok: true }),
  'check.ResponseHeaders': headers => ({ responseHeaders: headers }),
  'check.RequestHeaders': headers => ({ requestHeadersAtBackend: headers }),
  'check.ProxyProtocolVersion': version => ({ ok: true, proxyProtocolAtBackend: `V${version}` }),
  'check.Protocol': protocol => ({ protocolAtBackend: protocol }),
}

/** A function that counts many answers compares them with the weights of the one route, within ten points. */
function shares(each: Json, config: string): Json | undefined {
  if ((each.request.count ?? 1) < 2) return undefined
  const routes = parseAllDocuments(config)
    .map(document => document.toJS())
    .filter(object => object?.kind === 'VirtualService')
    .flatMap(object => object.spec.http)
  if (routes.length !== 1) return undefined
  return {
    sharesByHost: Object.fromEntries(
      routes[0].route.map((part: Json) => [part.destination.host, (part.weight ?? 100) / 100]),
    ),
  }
}
