import { z } from 'zod'

/** What is wrong with a probe's input, and where. */
export interface InvalidInput {
  readonly message: string
  /** Dotted path into the input. */
  readonly path: string
}

const text = z.string().nullish()
const names = z.record(z.string(), z.unknown()).nullish()

const call = z.object({
  name: text,
  mode: z.enum(['gateway', 'outbound', 'inbound']),
  address: text,
  port: z.int().min(0).max(65535),
  protocol: z.enum(['http', 'http2', 'tcp', '']).nullish(),
  tls: z.enum(['plaintext', 'tls', 'mtls']).nullish(),
  host: text,
  path: text,
  sni: text,
  alpn: text,
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).nullish(),
})

const proxy = z.object({
  type: z.enum(['sidecar', 'router', 'waypoint']).nullish(),
  id: text,
  namespace: text,
  labels: z.record(z.string(), z.string()).nullish(),
  serviceAccount: text,
  ipAddresses: z.array(z.string()).nullish(),
  locality: text,
  network: text,
  nodeName: text,
  metadata: names,
})

const proxyProbe = z.object({
  name: text,
  config: text,
  kubeConfig: text,
  mesh: names,
  features: names,
  proxy: proxy.nullish(),
  calls: z.array(call).nullish(),
  dump: z.boolean().nullish(),
})

/** A proxy-level probe as a user writes it. */
export type ProxyProbe = z.infer<typeof proxyProbe>
/** One call of a proxy-level probe. */
export type ProxyCall = z.infer<typeof call>

/** Reads a proxy-level probe, or says what is wrong with it. */
export function readProxyProbe(value: unknown): ProxyProbe | readonly InvalidInput[] {
  const read = proxyProbe.safeParse(value)
  if (read.success && !read.data.calls && !read.data.dump)
    return [{ message: 'Nothing is asked. Give probes (of a mesh) or calls (of one proxy).', path: '' }]
  return read.success
    ? read.data
    : read.error.issues.map(issue => ({ message: issue.message, path: issue.path.join('.') }))
}
