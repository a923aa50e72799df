import { z } from 'zod'
import { from, request } from './request.ts'
import { cel, duration, moment, name } from './words.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])
const part = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.union([z.strictObject(shape).partial(), z.null()])
const word = scalar

const proxy = part({
  listener: word,
  filterChain: word,
  routeConfig: word,
  virtualHost: word,
  route: word,
  cluster: word,
  endpoint: word,
})

/** Any part of what `glassmesh probe` prints; what is left out is free. */
const decision = z
  .strictObject({
    outcome: z.enum(['response', 'reset', 'refused', 'timeout', 'tlsError', 'dnsError']),
    stoppedAt: word,
    status: word,
    grpcStatus: word,
    flags: z.array(z.string()),
    details: word,
    body: word,
    attempts: word,
    duration,
    reached: part({ namespace: word, workload: word, pod: word, port: word }),
    client: proxy,
    gateway: proxy,
    waypoint: proxy,
    server: proxy,
    tls: part({ mode: word, peer: word, sni: word, alpn: word }),
    authz: part({ action: word, policy: word, rule: word }),
    jwt: part({ issuer: word, subject: word }),
    mirrored: z.array(z.string()),
    requestAtApp: part({ method: word, path: word, host: word, headers: z.record(z.string(), word) }),
    response: part({ headers: z.record(z.string(), word) }),
    shares: z.record(z.string(), z.unknown()),
    cluster: word,
    route: word,
    virtualHost: word,
    subset: word,
    policySource: part({ connectionPool: word, outlierDetection: word, tls: word, loadBalancer: word }),
  })
  .partial()
  .meta({ id: 'DecisionPartial' })

const probe = z.strictObject({
  name,
  at: z
    .union([moment, z.array(moment).min(1)])
    .exactOptional()
    .describe('Absent: the end of the run.'),
  from,
  request,
  expect: decision,
})

const window = z.strictObject({ from: moment.exactOptional(), to: moment.exactOptional() })
const is = z.union([
  z.string(),
  z.strictObject({
    stat: z.string(),
    filter: z.array(z.strictObject({ label: z.string(), op: z.string(), value: z.string() })).exactOptional(),
    op: z.enum(['<', '<=', '>', '>=', '==', '~']),
    value: z.union([z.string(), z.number()]),
  }),
])
const threshold = z.strictObject({
  name: name.exactOptional(),
  metric: z
    .string()
    .describe('requests{traffic=users}, duration{…}, or a metric by Istio’s or Envoy’s own name.'),
  window: window.exactOptional(),
  is: is.describe('p(99) < 200ms, count(status=503) == 0, share(subset=v2) ~ 10%.'),
  within: z
    .string()
    .regex(/^\d+(?:\.\d+)?pp$/, 'This must be percentage points such as 1pp.')
    .exactOptional(),
  confident: z.boolean().exactOptional(),
  severity: z.enum(['hard', 'soft']).exactOptional(),
  abortOnFail: z.boolean().exactOptional(),
})

const condition = z.strictObject({
  name,
  on: z.enum(['request', 'attempt', 'connection', 'state']).exactOptional().describe('request when absent.'),
  where: cel,
  during: window.exactOptional(),
})
const eventually = z.strictObject({
  name,
  where: cel,
  within: duration,
  after: moment.exactOptional(),
  holdsFor: duration.exactOptional(),
})

const manifests = z.array(z.string()).min(1)
const matrix = z.strictObject({
  from: z.array(z.string()).min(1),
  to: z.array(z.string()).min(1),
  at: z.union([moment, z.array(moment)]).exactOptional(),
  golden: z.string().describe('A CSV file beside the scenario.'),
})

/** Invariants that need no words: name → what it says. */
const invariants = [
  'noNack',
  'noUnresolvedReference',
  'noShadowedRoute',
  'noMixedVersionFailure',
  'noPlaintextToMesh',
] as const
const invariant = z.union([
  z.enum(invariants),
  z
    .string()
    .regex(
      /^coverage\((?:routes|policies|chains)\)\s*(?:>=|>)\s*\d+(?:\.\d+)?%$/,
      `This must be ${invariants.join(', ')} or coverage(routes) >= 90%.`,
    ),
])

/** What must hold. */
export const expectation = z
  .strictObject({
    when: cel.exactOptional().describe('Only in sweep cells where this holds.'),
    probes: z.array(probe).exactOptional(),
    matrix: matrix.exactOptional(),
    thresholds: z.array(threshold).exactOptional(),
    always: z.array(condition).exactOptional(),
    never: z.array(condition).exactOptional(),
    eventually: z.array(eventually).exactOptional(),
    invariants: z.array(invariant).exactOptional(),
    diff: z
      .strictObject({
        baseline: z.strictObject({ manifests }),
        unchanged: z.array(z.string()).exactOptional(),
        changed: z.array(z.string()).exactOptional(),
      })
      .exactOptional(),
  })
  .meta({ id: 'Expectation' })
