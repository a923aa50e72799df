import type { HeadersRule } from '../../model/istio.ts'
import type { HeaderValueOption } from '../../model/xds/core.ts'
import type { Route } from '../../model/xds/route.ts'

/** The fields by which a route, a virtual host or a weighted cluster changes headers. */
export type HeaderChanges = Pick<
  Route,
  'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'
>

/** Envoy's header changes of an Istio header rule; empty lists are left out. */
export function headerChanges(headers: HeadersRule | undefined): HeaderChanges {
  const { request, response } = headers ?? {}
  const requestAdds = [...settings(request?.set, 'OVERWRITE_IF_EXISTS_OR_ADD'), ...settings(request?.add)]
  const responseAdds = [...settings(response?.set, 'OVERWRITE_IF_EXISTS_OR_ADD'), ...settings(response?.add)]
  return withoutEmpty({
    requestHeadersToAdd: requestAdds,
    requestHeadersToRemove: (request?.remove ?? []).filter(isPlain),
    responseHeadersToAdd: responseAdds,
    responseHeadersToRemove: (response?.remove ?? []).filter(isPlain),
  })
}

/** The host that a request header rule sets by `:authority` or `host`, which Envoy wants as a host rewrite. */
export function authorityOf(headers: HeadersRule | undefined): string | undefined {
  const { set, add } = headers?.request ?? {}
  return authorityIn(set) || authorityIn(add) || undefined
}

/** Both lists of changes, those of the destination after those of the route. */
export function joinHeaderChanges(first: HeaderChanges, second: HeaderChanges): HeaderChanges {
  return withoutEmpty({
    requestHeadersToAdd: [...(first.requestHeadersToAdd ?? []), ...(second.requestHeadersToAdd ?? [])],
    requestHeadersToRemove: [
      ...(first.requestHeadersToRemove ?? []),
      ...(second.requestHeadersToRemove ?? []),
    ],
    responseHeadersToAdd: [...(first.responseHeadersToAdd ?? []), ...(second.responseHeadersToAdd ?? [])],
    responseHeadersToRemove: [
      ...(first.responseHeadersToRemove ?? []),
      ...(second.responseHeadersToRemove ?? []),
    ],
  })
}

function withoutEmpty(changes: Required<HeaderChanges>): HeaderChanges {
  return {
    ...(changes.requestHeadersToAdd?.length ? { requestHeadersToAdd: changes.requestHeadersToAdd } : {}),
    ...(changes.requestHeadersToRemove?.length
      ? { requestHeadersToRemove: changes.requestHeadersToRemove }
      : {}),
    ...(changes.responseHeadersToAdd?.length ? { responseHeadersToAdd: changes.responseHeadersToAdd } : {}),
    ...(changes.responseHeadersToRemove?.length
      ? { responseHeadersToRemove: changes.responseHeadersToRemove }
      : {}),
  }
}

type Values = Readonly<Record<string, string>> | undefined

function settings(
  values: Values,
  appendAction: HeaderValueOption['appendAction'] = 'APPEND_IF_EXISTS_OR_ADD',
): readonly HeaderValueOption[] {
  return Object.keys(values ?? {})
    .filter(isPlain)
    .sort()
    .map(key => ({ header: { key, value: values?.[key] ?? '' }, ...(appendAction ? { appendAction } : {}) }))
}

/** Pseudo headers and `host` cannot be changed as headers. */
const isPlain = (header: string): boolean => !header.startsWith(':') && header.toLowerCase() !== 'host'

function authorityIn(values: Values): string | undefined {
  const key = Object.keys(values ?? {}).find(name => /^(:authority|host)$/i.test(name))
  return key === undefined ? undefined : values?.[key]
}
