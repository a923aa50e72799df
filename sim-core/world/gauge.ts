/**
 * What stays and changes, by number: the second family of the log's records. `actor` is a row of the table named first
 * (pods, proxies, pools, nodes), `value` what the comment says.
 */
export const GAUGES = [
  // A pod entered a phase: index in POD_PHASES.
  'pod.phase',
  // 1 once ready.
  'pod.ready',
  // Calls that wait for a place in its application.
  'pod.queue',
  // 1 while broken on purpose.
  'pod.fault',
  // A proxy: index in PROXY_PHASES.
  'proxy.phase',
  // Versions in effect, per type.
  'proxy.cds',
  'proxy.eds',
  'proxy.lds',
  'proxy.rds',
  // The version that it refused.
  'proxy.nack',
  // Version that was pushed to it last, on its way.
  'proxy.pushed',
  // Certificate in use: the virtual second at which it ends.
  'proxy.certificate',
  // Connections that drain.
  'proxy.draining',
  // Streams that wait for a connection, over all pools of the proxy.
  'proxy.pending',
  // Hosts that the proxy has ejected.
  'proxy.ejected',
  // istiod: 1 while it answers; version of its newest push; proxies that wait for a push.
  'istiod.up',
  'istiod.version',
  'istiod.queue',
  // An entry of the timeline happened: its index.
  'timeline.entry',
  // 1 while a proxy has ejected a host in a pod: the proxy's row × EJECTIONS + the pod's row.
  'host.ejected',
] as const

/** `host.ejected` is of a pair: proxy × EJECTIONS + pod. */
export const EJECTIONS = 65_536

/** What a gauge counts or names. */
export type GaugeName = (typeof GAUGES)[number]

/** The number of each gauge, for `trace.gauge`. */
export const GAUGE = Object.freeze(Object.fromEntries(GAUGES.map((name, index) => [name, index]))) as {
  readonly [N in GaugeName]: number
}

/** Phases of a pod as values of `pod.phase`. */
export const POD_PHASES = ['Pending', 'Running', 'Terminating', 'Succeeded', 'Failed', 'Deleted'] as const

/** Phases of a proxy as values of `proxy.phase`. */
export const PROXY_PHASES = ['starting', 'live', 'draining', 'stopped'] as const
