import { z } from 'zod'
import { bytes, count, dist, duration, moment, name, oneKey, percent, rate, select } from './words.ts'

/** Who calls. */
export const from = z
  .strictObject({
    workload: z.string().exactOptional().describe('NS/WORKLOAD or NS/WORKLOAD@N.'),
    pod: z.string().exactOptional(),
    external: z.string().exactOptional().describe('Any name for somebody outside the cluster.'),
    via: z.string().exactOptional().describe('NS/WORKLOAD of the gateway that somebody outside reaches.'),
    kubelet: z.string().exactOptional().describe('The node whose kubelet probes.'),
  })
  .refine(
    value =>
      [value.workload, value.pod, value.external, value.kubelet].filter(part => part !== undefined).length ===
      1,
    {
      error: 'Give exactly one of workload, pod, external, kubelet.',
    },
  )
  .meta({ id: 'From' })

const oneOrMore = <T extends z.ZodType>(of: T) => z.union([of, z.array(of).min(1)])
const headers = z.record(z.string(), z.union([z.string(), z.array(z.string())]))

/** One request, or several at once where a field is a list: then every combination is sent. */
export const request = z
  .strictObject({
    url: oneOrMore(z.string()).exactOptional(),
    method: oneOrMore(z.string()).exactOptional(),
    headers: oneOrMore(headers).exactOptional(),
    address: oneOrMore(z.string()).exactOptional(),
    port: oneOrMore(z.int().min(1).max(65_535)).exactOptional(),
    host: oneOrMore(z.string()).exactOptional(),
    path: oneOrMore(z.string()).exactOptional(),
    protocol: oneOrMore(
      z.enum(['http', 'http2', 'grpc', 'tcp', 'tls', 'https', 'websocket']),
    ).exactOptional(),
    tls: z
      .strictObject({
        sni: z.string().exactOptional(),
        alpn: oneOrMore(z.string()).exactOptional(),
        clientCertificate: z.string().exactOptional().describe('istio, none, or a file.'),
      })
      .exactOptional(),
    jwt: oneOrMore(z.union([z.string(), z.record(z.string(), z.unknown())])).exactOptional(),
    sourceAddress: z.string().exactOptional(),
    forwardedFor: z.string().exactOptional(),
    bodyBytes: bytes.exactOptional(),
    count: z.int().min(1).exactOptional(),
  })
  .refine(value => value.url !== undefined || value.address !== undefined || value.host !== undefined, {
    error: 'Say where the request goes: url, or address or host with port and path.',
  })
  .meta({ id: 'Request' })

const open = z
  .strictObject({
    rate: rate.exactOptional(),
    stages: z
      .array(z.strictObject({ for: duration, rate }))
      .min(1)
      .exactOptional(),
    process: z.enum(['poisson', 'constant', 'mmpp', 'trace']).exactOptional(),
    burst: z
      .strictObject({ rate, on: duration, off: duration })
      .exactOptional()
      .describe('For mmpp: the rate within bursts and the mean lengths of bursts and pauses.'),
    trace: z.string().exactOptional().describe('For trace: a CSV file of arrival times.'),
  })
  .refine(value => value.rate !== undefined || value.stages !== undefined || value.trace !== undefined, {
    error: 'Give rate, stages or trace.',
  })
const users = z.union([z.int().min(0), z.string().regex(/^\d+$/, 'This must be a whole number.')])
const closed = z
  .strictObject({
    users: users.exactOptional(),
    stages: z
      .array(z.strictObject({ for: duration, users }))
      .min(1)
      .exactOptional(),
    think: dist.exactOptional(),
  })
  .refine(value => value.users !== undefined || value.stages !== undefined, {
    error: 'Give users or stages.',
  })

/** One stream of requests. */
export const traffic = z.strictObject({
  name,
  from,
  client: z.enum(['curl', 'browser', 'grpc', 'fortio']).exactOptional(),
  request,
  arrival: oneKey({ open, closed }),
  timeout: duration.exactOptional(),
  clientRetries: count.exactOptional(),
  start: moment.exactOptional(),
  stop: moment.exactOptional(),
})

const step: z.ZodType<Step> = z.lazy(() =>
  z.union([
    z.strictObject({
      call: z.union([
        z.string(),
        z.strictObject({
          service: z.string(),
          port: z.int().min(1).max(65_535).exactOptional(),
          path: z.string().exactOptional(),
          method: z.string().exactOptional(),
          size: bytes.exactOptional(),
          probability: percent.exactOptional(),
        }),
      ]),
    }),
    z.strictObject({ sleep: dist }),
    z.array(step),
  ]),
)

/** What an app does for a request: calls and pauses in order, a nested list all at once (as Istio's isotope has it). */
export type Step = CallStep | { sleep: z.infer<typeof dist> } | readonly Step[]

/** A call of another service. */
interface CallStep {
  call:
    | string
    | {
        service: string
        port?: number
        path?: string
        method?: string
        size?: string | number
        probability?: string
      }
}

/** What the apps behind a selection do. */
export const behavior = z.strictObject({
  select,
  concurrency: z.int().min(1).exactOptional(),
  queue: z
    .strictObject({ limit: count.exactOptional(), discipline: z.enum(['fifo', 'lifo']).exactOptional() })
    .exactOptional(),
  keepAlive: duration.exactOptional(),
  startup: z
    .strictObject({ proxy: dist.exactOptional(), app: dist.exactOptional(), ready: dist.exactOptional() })
    .exactOptional(),
  routes: z
    .array(
      z.strictObject({
        match: z
          .strictObject({
            path: z.string().exactOptional().describe('A prefix.'),
            method: z.string().exactOptional(),
            port: z.int().min(1).max(65_535).exactOptional(),
          })
          .exactOptional(),
        serviceTime: dist,
        errorRate: percent.exactOptional(),
        response: z
          .strictObject({
            status: z.int().min(100).max(599).exactOptional(),
            headers: z.record(z.string(), z.string()).exactOptional(),
            bodyBytes: bytes.exactOptional(),
          })
          .exactOptional(),
        script: z.array(step).exactOptional(),
      }),
    )
    .min(1),
})
