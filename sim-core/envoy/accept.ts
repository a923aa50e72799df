import { chooseFilterChain } from '../decide/filter-chain.ts'
import {
  chooseBoundListener,
  chooseInboundListener,
  chooseOutboundListener,
  runsListenerFilter,
} from '../decide/listener.ts'
import { acceptClient, type ClientHello, type Secrets, trustServer } from '../decide/tls.ts'
import type { Why } from '../decide/why.ts'
import type { Outcome } from '../model/outcome.ts'
import { outcome } from '../model/outcome.ts'
import type { Decision, Reason } from '../model/reason.ts'
import type { CommonTlsContext, HttpConnectionManager, TcpProxy } from '../model/xds/filters.ts'
import { TYPE } from '../model/xds/filters.ts'
import type { FilterChain, Listener } from '../model/xds/listener.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { closed } from './local-reply.ts'
import { downstreamTls, VERIFY_FAILED, WRONG_VERSION } from './tls.ts'

/** What is decided once per connection and holds as long as it lives. Frozen; equal facts are one number. */
export interface ChainFacts {
  readonly listener: Listener
  readonly chain: FilterChain
  readonly manager: HttpConnectionManager | undefined
  readonly tcpProxy: TcpProxy | undefined
  readonly protocol: 'http/1.1' | 'h2' | 'tcp'
  readonly isTls: boolean
  /** URI SAN of the verified client certificate. */
  readonly peer: string | undefined
  readonly own: string | undefined
  readonly sni: string
  readonly sourceIp: string
  /** The original destination. */
  readonly destinationIp: string
  readonly destinationPort: number
  readonly because: Reason
}

/** A connection as it reaches a proxy. */
export interface Knock {
  /** Which socket took it: 15001, 15006, or one that a listener bound itself. */
  readonly socket: 'outbound' | 'inbound' | 'bound'
  readonly destinationIp: string
  readonly destinationPort: number
  readonly sourceIp: string
  readonly protocol: 'http/1.1' | 'h2' | 'tcp'
  readonly transport: 'raw_buffer' | 'tls'
  readonly sni: string
  readonly alpn: readonly string[]
  /** The certificate that the client would show. */
  readonly certificate: ClientHello['certificate']
  /** How the client judges the server, and with which roots; `undefined` trusts everything, as `curl -k` does. */
  readonly judge:
    | { readonly tls: CommonTlsContext; readonly secrets: Secrets; readonly now: number }
    | undefined
  readonly secrets: Secrets
  readonly now: number
}

/** Either the facts, or how the connection ends. */
export type Acceptance =
  | { readonly facts: ChainFacts; readonly refused: undefined }
  | { readonly facts: undefined; readonly refused: Outcome; readonly because: Reason }

/** From a connection to its filter chain: listener, inspection, narrowing, handshake. Pure. */
export function accept(snapshot: XdsSnapshot, knock: Knock, why?: Why): Acceptance {
  const listener = listenerOf(snapshot, knock, why)
  if (!listener.chose) return refuse(closed([], 'connection_refused', listener.because), listener.because)
  const inspected = inspect(listener.chose, knock)
  const chain = chooseFilterChain(listener.chose, inspected, why)
  if (!chain.chose) return refuse(closed(['NR'], 'filter_chain_not_found', chain.because), chain.because)
  const handshake = shakeHands(chain.chose, knock, why)
  if ('refused' in handshake) return refuse(handshake.refused, handshake.because)
  const manager = managerOf(chain.chose)
  if (knock.transport === 'tls' && !handshake.isTls && manager)
    return refuse(gibberish, { code: 'http.notHttp' })
  if (knock.protocol === 'tcp' && manager) return refuse(gibberish, { code: 'http.notHttp' })
  return {
    refused: undefined,
    facts: Object.freeze({
      listener: listener.chose,
      chain: chain.chose,
      manager,
      tcpProxy: tcpProxyOf(chain.chose),
      protocol: manager ? knock.protocol : 'tcp',
      isTls: handshake.isTls,
      peer: handshake.peer,
      own: handshake.own,
      sni: inspected.serverName || (handshake.isTls ? knock.sni : ''),
      sourceIp: knock.sourceIp,
      destinationIp: knock.destinationIp,
      destinationPort: knock.destinationPort,
      because: chain.because,
    }),
  }
}

function refuse(refused: Outcome, because: Reason): Acceptance {
  return { facts: undefined, refused, because }
}

/** An HTTP parser that reads a ClientHello or a foreign protocol answers 400 and closes; a TLS client reads that as a wrong version. */
const gibberish = outcome({
  kind: 'tlsError',
  status: 400,
  flags: ['DPE'],
  details: 'http1.codec_error',
  body: WRONG_VERSION,
})

/** Which listener takes the connection. */
export function listenerOf(snapshot: XdsSnapshot, knock: Knock, why?: Why): Decision<Listener> {
  const { listeners } = snapshot
  if (knock.socket === 'inbound')
    return chooseInboundListener(listeners, knock.destinationIp, knock.destinationPort)
  if (knock.socket === 'outbound')
    return chooseOutboundListener(listeners, knock.destinationIp, knock.destinationPort, why)
  return chooseBoundListener(listeners, knock.destinationIp, knock.destinationPort, why)
}

/** What the listener filters of a connection's listener have found out. */
export type Inspected = Parameters<typeof chooseFilterChain>[1]

/** What the listener filters find out; one that does not run for this port finds nothing. */
export function inspect(listener: Listener, knock: Knock): Inspected {
  const runs = (name: string) =>
    runsListenerFilter(listener, `envoy.filters.listener.${name}`, knock.destinationPort)
  const seesTls = knock.transport === 'tls' && runs('tls_inspector')
  const seesHttp = knock.transport === 'raw_buffer' && knock.protocol !== 'tcp' && runs('http_inspector')
  const sniffed = seesHttp ? [knock.protocol === 'h2' ? 'h2c' : 'http/1.1'] : []
  return {
    destinationIp: knock.destinationIp,
    destinationPort: knock.destinationPort,
    transportProtocol: seesTls ? ('tls' as const) : ('raw_buffer' as const),
    serverName: seesTls ? knock.sni.toLowerCase() : '',
    applicationProtocols: seesTls ? knock.alpn : sniffed,
    sourceIp: knock.sourceIp,
  }
}

interface HandsShaken {
  readonly isTls: boolean
  readonly peer: string | undefined
  readonly own: string | undefined
}

/** TLS as far as the chain terminates it. TLS 1.3's client has finished before the server has judged its certificate: a refused client sees a closed connection, a refused server a failed connect. */
function shakeHands(
  chain: FilterChain,
  knock: Knock,
  why: Why | undefined,
): HandsShaken | { readonly refused: Outcome; readonly because: Reason } {
  const context = downstreamTls(chain.transportSocket)
  if (!context) return { isTls: false, peer: undefined, own: undefined }
  if (knock.transport !== 'tls') {
    const because = { code: 'tls.expected' as const, facts: { chain: chain.name ?? '' } }
    return { refused: closed([], 'tls_error', because), because }
  }
  const hello: ClientHello = {
    serverName: knock.sni,
    applicationProtocols: knock.alpn,
    ...(knock.certificate && { certificate: knock.certificate }),
  }
  const accepted = acceptClient(context, hello, knock.secrets, knock.now, why)
  const { judge } = knock
  const server = accepted.chose?.server ?? serverOf(context.commonTlsContext, knock.secrets)
  const trusted = judge && server ? trustServer(judge.tls, server, judge.secrets, judge.now) : undefined
  if (trusted && !trusted.chose) return { refused: untrusted(trusted.because), because: trusted.because }
  if (!accepted.chose)
    return { refused: closed([], 'tls_error', accepted.because), because: accepted.because }
  return { isTls: true, peer: accepted.chose.peer?.uris[0], own: accepted.chose.server.uris[0] }
}

function serverOf(tls: CommonTlsContext | undefined, secrets: Secrets) {
  const name = tls?.tlsCertificateSdsSecretConfigs?.[0]?.name
  return name === undefined ? undefined : secrets.certificate(name)
}

/** The client breaks off: its proxy calls that a failed connection. */
export function untrusted(because: Reason): Outcome {
  return outcome({
    kind: 'tlsError',
    status: 0,
    flags: [],
    details: 'certificate_verify_failed',
    body: VERIFY_FAILED,
    because,
  })
}

/** The connection manager of a chain; `undefined` when it is a TCP chain. */
export function managerOf(chain: FilterChain): HttpConnectionManager | undefined {
  const config = chain.filters?.find(filter => filter.typedConfig?.['@type'] === TYPE.hcm)?.typedConfig
  return isManager(config) ? config : undefined
}

function isManager(config: { readonly '@type': string } | undefined): config is HttpConnectionManager {
  return config?.['@type'] === TYPE.hcm
}

/** The TCP proxy of a chain. */
function tcpProxyOf(chain: FilterChain): TcpProxy | undefined {
  const config = chain.filters?.find(filter => filter.typedConfig?.['@type'] === TYPE.tcpProxy)?.typedConfig
  return isTcpProxy(config) ? config : undefined
}

function isTcpProxy(config: { readonly '@type': string } | undefined): config is TcpProxy {
  return config?.['@type'] === TYPE.tcpProxy
}
