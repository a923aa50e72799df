import type { Headers } from '../model/http.ts'
import type { HeaderValueOption } from '../model/xds/core.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../model/xds/route.ts'
import { type RequestHead, valuesOf } from './header-match.ts'
import type { ClusterChoice } from './route.ts'

/** The parts of the configuration whose header mutations apply to one request. */
export interface RoutePath {
  readonly config: RouteConfiguration
  readonly virtualHost: VirtualHost
  readonly route: Route
  readonly choice?: ClusterChoice
}

/** Answers a format command such as `DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT`; `undefined` prints as nothing. */
export type Substitute = (command: string) => string | undefined

interface Mutations {
  readonly add: readonly HeaderValueOption[] | undefined
  readonly remove: readonly string[] | undefined
}

/** The request's headers as they go upstream: weighted cluster, route, virtual host, configuration, in this order, or the other way round with `mostSpecificHeaderMutationsWins`. */
export function mutateRequest<R extends RequestHead>(
  request: R,
  path: RoutePath,
  substitute?: Substitute,
): R {
  return inOrder(path, part => ({
    add: part.requestHeadersToAdd,
    remove: part.requestHeadersToRemove,
  })).reduce((now, { add, remove }) => {
    const left: R = { ...now, headers: apply(now.headers, { add: undefined, remove }, text => text) }
    // What is added is written from what the removals have left, and none of it sees the others.
    return applyToRequest(left, { add, remove: undefined }, formatter(left, substitute))
  }, request)
}

/** The response's headers on their way down; `request` feeds `%REQ(…)%`. */
export function mutateResponse(
  headers: Headers,
  request: RequestHead,
  path: RoutePath,
  substitute?: Substitute,
): Headers {
  const from = formatter(request, substitute)
  return inOrder(path, part => ({
    add: part.responseHeadersToAdd,
    remove: part.responseHeadersToRemove,
  })).reduce((now, mutations) => apply(now, mutations, from), headers)
}

interface MutationLists {
  readonly requestHeadersToAdd?: readonly HeaderValueOption[]
  readonly requestHeadersToRemove?: readonly string[]
  readonly responseHeadersToAdd?: readonly HeaderValueOption[]
  readonly responseHeadersToRemove?: readonly string[]
}

function inOrder(path: RoutePath, pick: (part: MutationLists) => Mutations): readonly Mutations[] {
  const parts: readonly MutationLists[] = [
    path.choice?.entry ?? {},
    path.route,
    path.virtualHost,
    path.config,
  ]
  const picked = parts.map(pick).filter(each => each.add?.length || each.remove?.length)
  return path.config.mostSpecificHeaderMutationsWins ? picked.reverse() : picked
}

/** Removes first, then adds: envoy HeaderParser::evaluateHeaders. */
function apply(headers: Headers, { add, remove }: Mutations, format: (text: string) => string): Headers {
  let now = remove?.length
    ? headers.filter(([name]) => !remove.some(gone => gone.toLowerCase() === name))
    : headers
  for (const option of add ?? []) {
    const name = option.header.key.toLowerCase()
    const value = format(option.header.value ?? '')
    if (value === '' && !option.keepEmptyValue) continue
    now = withHeader(now, name, value, actionOf(option))
  }
  return now
}

function applyToRequest<R extends RequestHead>(
  request: R,
  mutations: Mutations,
  format: (text: string) => string,
): R {
  const pseudo = new Map<string, string>()
  const plain = mutations.add?.filter(option => {
    const name = option.header.key.toLowerCase()
    const isPseudo = name.startsWith(':') || name === 'host'
    if (isPseudo) pseudo.set(name === 'host' ? ':authority' : name, format(option.header.value ?? ''))
    return !isPseudo
  })
  const headers = apply(request.headers, { add: plain, remove: mutations.remove }, format)
  return {
    ...request,
    headers,
    authority: pseudo.get(':authority') ?? request.authority,
    path: pseudo.get(':path') ?? request.path,
    method: pseudo.get(':method') ?? request.method,
  }
}

type AppendAction = NonNullable<HeaderValueOption['appendAction']>

function actionOf(option: HeaderValueOption): AppendAction {
  if (option.append !== undefined)
    return option.append ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD'
  return option.appendAction ?? 'APPEND_IF_EXISTS_OR_ADD'
}

function withHeader(headers: Headers, name: string, value: string, action: AppendAction): Headers {
  const exists = headers.some(header => header[0] === name)
  switch (action) {
    case 'APPEND_IF_EXISTS_OR_ADD':
      return [...headers, [name, value]]
    case 'ADD_IF_ABSENT':
      return exists ? headers : [...headers, [name, value]]
    case 'OVERWRITE_IF_EXISTS':
      return exists ? [...headers.filter(header => header[0] !== name), [name, value]] : headers
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      return [...headers.filter(header => header[0] !== name), [name, value]]
  }
}

/** Envoy's substitution format: `%COMMAND(argument)%`, `%%` for a percent sign. Of a repeated header the first counts. */
function formatter(request: RequestHead, substitute: Substitute | undefined): (text: string) => string {
  return text =>
    text.replace(
      /%%|%([A-Z_0-9]+)(?:\(([^)]*)\))?(?::\d+)?%/g,
      (_, command: string | undefined, argument?: string) => {
        if (command === undefined) return '%'
        if (command === 'REQ' && argument !== undefined) {
          for (const name of argument.split('?')) {
            const [found] = valuesOf(request, name.toLowerCase())
            if (found !== undefined) return found
          }
          return ''
        }
        return substitute?.(argument === undefined ? command : `${command}(${argument})`) ?? ''
      },
    )
}
