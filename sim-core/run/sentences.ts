import { httpFilters } from '../envoy/http-filters/index.ts'
import type { Facts, Reason } from '../model/reason.ts'

type Say = (facts: Facts) => string

/** What a client gets that is no response. */
const endings: Readonly<Record<string, string>> = {
  reset: 'a reset',
  refused: 'no connection',
  timeout: 'no answer in time',
  tlsError: 'no TLS session',
  dnsError: 'no address',
}

/** How the core's own reasons read; each HTTP filter brings the sentences of its own. */
const core: Readonly<Record<string, Say>> = {
  'netfilter.matched': ({ table, rule }) => `The pod's rules capture the connection: ${table} ${rule}.`,
  'netfilter.notCaptured': () => `No rule of the pod captures the connection.`,
  'netfilter.none': () => `The pod has no rules: nothing is captured.`,
  'dns.resolved': ({ host, address }) => `${host} is ${address}.`,
  'dns.nxdomain': ({ host }) => `No name ${host} exists.`,
  'dns.address': ({ address }) => `${address} is an address already.`,
  'service.translated': ({ vip, endpoint }) => `kube-proxy sends ${vip} to ${endpoint}.`,
  'listener.matched': ({ listener, destination }) =>
    `Listener ${listener} takes connections to ${destination}.`,
  'listener.none': ({ destination }) => `No listener takes connections to ${destination}.`,
  'filterChain.matched': ({ chain, listener }) =>
    chain ? `Filter chain ${chain} of ${listener} matches.` : `The filter chain of ${listener} matches.`,
  'filterChain.default': ({ chain }) => `No filter chain matches, so the default chain ${chain} takes it.`,
  'filterChain.none': ({ listener, port, transport, sni }) =>
    `No filter chain of ${listener} takes ${transport === 'tls' ? `TLS${sni ? ` for ${sni}` : ''}` : 'plain text'} to port ${port}: the connection is closed.`,
  'virtualHost.matched': ({ virtualHost, domain, host }) =>
    `Virtual host ${virtualHost} has domain ${domain}, which is the best match for ${host}.`,
  'virtualHost.none': ({ host }) => `No virtual host has a domain for ${host}.`,
  'route.matched': ({ route, path, headers, parameters }) =>
    `Route ${route || '(unnamed)'} matches ${path}${headers ? ` with header ${headers}` : ''}${parameters ? ` and query ${parameters}` : ''}.`,
  'route.none': ({ virtualHost, path }) => `No route of ${virtualHost} matches ${path}.`,
  'route.notKnown': ({ config }) => `The route configuration ${config} has not arrived.`,
  'route.noCluster': () => `The route sends the request nowhere.`,
  'tcp.proxied': ({ chain }) => `Chain ${chain || '(unnamed)'} passes the bytes on.`,
  'cluster.named': ({ cluster }) => `The route names cluster ${cluster}.`,
  'cluster.weighted': ({ cluster }) => `The weights gave cluster ${cluster}.`,
  'cluster.notFound': ({ cluster }) =>
    `The route names cluster ${cluster}, and this proxy has no such cluster.`,
  'cluster.noHealthyHost': ({ cluster }) => `Cluster ${cluster} has no healthy endpoint.`,
  'cluster.headerMissing': ({ header }) => `The header ${header} that should name the cluster is missing.`,
  'host.picked': ({ host, cluster }) => `The balancer of ${cluster} picked ${host}.`,
  'tls.accepted': () => `Both sides accept the handshake.`,
  'tls.trusted': () => `The client trusts the server's certificate.`,
  'tls.expected': ({ chain }) => `Chain ${chain || '(unnamed)'} expects TLS, and plain bytes came.`,
  'tls.unknownRoot': () => `The certificate leads to a root that is not trusted.`,
  'tls.sent': ({ mode, sni, alpn }) =>
    `It dials with ${mode}${sni ? `, SNI ${sni}` : ''}${alpn ? `, ALPN ${alpn}` : ''}.`,
  'tls.none': () => `It dials in plain text.`,
  'http.notHttp': () => `What came is no HTTP.`,
  'pool.overflow': ({ cluster, limit }) => `The circuit breaker of ${cluster} is open: ${limit} is reached.`,
  'retry.again': ({ attempt, reset, status }) =>
    `Attempt ${attempt} failed (${reset || status}); it tries again.`,
  'outlier.ejected': ({ host }) => `The outlier detector takes ${host} out.`,
  'config.made': ({ kind, name }) => `This is made from ${kind} ${name}.`,
  'app.answered': ({ status }) => `The application answers ${status}.`,
  'app.reached': ({ port }) => `The request reaches the application on port ${port}.`,
  'journey.ended': ({ outcome, status, details }) =>
    `The client gets ${endings[String(outcome)] ?? status}${details ? ` (${details})` : ''}.`,
}

const plugged: Readonly<Record<string, Say>> = Object.assign(
  {},
  ...Object.values<{ readonly say: Readonly<Record<string, Say>> }>(httpFilters).map(filter => filter.say),
)

/** A reason in English; its code and facts where nobody has written a sentence. */
export function sentence({ code, facts = {} }: Reason): string {
  const say = core[code] ?? plugged[code]
  if (say) return say(facts)
  const said = Object.entries(facts).map(([name, value]) => `${name} ${value}`)
  return `${code}${said.length > 0 ? `: ${said.join(', ')}` : ''}.`
}
