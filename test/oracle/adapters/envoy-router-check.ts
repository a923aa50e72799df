import { type RequestHead, valuesOf } from '../../../sim-core/decide/header-match.ts'
import { mutateRequest, mutateResponse } from '../../../sim-core/decide/header-mutation.ts'
import {
  redirectOf,
  redirectsToTls,
  rewrittenHost,
  rewrittenPath,
  tlsRedirect,
} from '../../../sim-core/decide/rewrite.ts'
import { chooseCluster, chooseRoute, virtualClusterOf } from '../../../sim-core/decide/route.ts'
import { chooseVirtualHost } from '../../../sim-core/decide/virtual-host.ts'
import type { Headers } from '../../../sim-core/model/http.ts'
import type { RouteConfiguration } from '../../../sim-core/model/xds/route.ts'
import { type Adapter, casesOf, differs, type Json, lines, verdictOf } from '../corpus.ts'

/** Routes of Envoy's router check tool: snake_case and field names of older releases become today's JSON. */
export const envoyRouterCheck: Adapter = content => {
  const configs = new Map(
    Object.entries((content as Json).routeConfigs).map(([name, config]) => [
      name,
      { ...(camelCased(config) as RouteConfiguration), name },
    ]),
  )
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const config = configs.get(each.routeConfig)
      return config
        ? verdictOf(compare(config, each.request, each.expect))
        : { unsupported: 'no such configuration' }
    },
  }))
}

function compare(config: RouteConfiguration, given: Json, expect: Json): readonly string[] {
  const got = answer(config, given)
  return Object.entries(expect).flatMap(([field, want]) => {
    if (field === 'header_fields' || field === 'custom_header_fields')
      return Object.entries(want as Json).flatMap(([name, value]) =>
        lines(differs(name, value ?? '', valuesOf(got.request, name.toLowerCase())[0] ?? '')),
      )
    if (field === 'response_headers')
      return Object.entries(want as Json).flatMap(([name, value]) => {
        const values = got.responseHeaders.filter(header => header[0] === name).map(header => header[1])
        return lines(differs(name, value, values.length > 0 ? values.join(',') : null))
      })
    return lines(differs(field, want, got.fields[field]))
  })
}

interface Answer {
  readonly fields: Readonly<Record<string, unknown>>
  readonly request: RequestHead
  readonly responseHeaders: Headers
}

/** The tool's view of what the router decides. */
function answer(config: RouteConfiguration, given: Json): Answer {
  const request: RequestHead = {
    method: given.method ?? 'GET',
    scheme: given.ssl ? 'https' : 'http',
    authority: given.authority,
    path: given.path,
    headers: [
      ...Object.entries(given.headers ?? {}).map(
        ([name, value]) => [name.toLowerCase(), String(value)] as const,
      ),
      ...(given.internal ? [['x-envoy-internal', 'true'] as const] : []),
    ],
  }
  const nothing = {
    cluster_name: '',
    virtual_cluster_name: '',
    virtual_host_name: '',
    path_rewrite: '',
    host_rewrite: '',
  }
  const host = chooseVirtualHost(config, request.authority).chose
  if (!host) return { fields: { ...nothing, path_redirect: '' }, request, responseHeaders: [] }
  if (redirectsToTls(host, request)) {
    const redirect = tlsRedirect(request)
    return {
      fields: { ...nothing, path_redirect: redirect.location, code_redirect: redirect.status },
      request,
      responseHeaders: [],
    }
  }
  const random = given.random_value ?? 0
  const route = chooseRoute(host, request, { random }).chose
  if (!route) return { fields: { ...nothing, path_redirect: '' }, request, responseHeaders: [] }
  const choice = chooseCluster(route, request, random).chose
  const path = { config, virtualHost: host, route, ...(choice && { choice }) }
  if (!route.route) {
    const redirect = redirectOf(route, request)
    const body = route.directResponse?.body?.inlineString ?? ''
    const own: Headers =
      body === ''
        ? []
        : [
            ['content-length', String(body.length)],
            ['content-type', 'text/plain'],
          ]
    return {
      fields: { ...nothing, path_redirect: redirect.location, code_redirect: redirect.status },
      request,
      responseHeaders: mutateResponse(own, request, path),
    }
  }
  const sent = mutateRequest(request, path, command =>
    command === 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT' ? '127.0.0.1' : undefined,
  )
  const fields = {
    cluster_name: choice?.cluster ?? '',
    virtual_cluster_name: virtualClusterOf(host, request) ?? 'other',
    virtual_host_name: host.name,
    path_rewrite: rewrittenPath(route, request),
    host_rewrite: rewrittenHost(route, request, choice) ?? '',
    path_redirect: '',
  }
  return {
    fields,
    request: { ...sent, authority: fields.host_rewrite, path: fields.path_rewrite },
    responseHeaders: mutateResponse([], request, path),
  }
}

/** Names of fields in Envoy's older releases. */
const RENAMED: Readonly<Record<string, string>> = { hostRewrite: 'hostRewriteLiteral' }

function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
      return [RENAMED[name] ?? name, camelCased(inner)]
    }),
  )
}
