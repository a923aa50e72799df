import { z } from 'zod'
import { istioProxyCost, proxyCostNames } from '../../config/defaults/proxy-cost.ts'
import { expectation } from './expect.ts'
import { behavior, traffic } from './request.ts'
import { entry } from './timeline.ts'
import { count, dist, duration, name, namedPatch, patch, percent, select } from './words.ts'

/** The head that every file of ours begins with. */
export const API_VERSION = 'glassmesh.dev/v1alpha1'

/** Kubernetes' own head: name, labels, annotations. */
export const metadata = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'A name has lower-case letters, digits, - and . only.'),
  labels: z.record(z.string(), z.string()).exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
  namespace: z.string().exactOptional(),
})

const dataplane = z.enum(['sidecar', 'ambient', 'none'])
const mesh = z.strictObject({
  kind: z
    .enum(['istio', 'linkerd', 'consul', 'none'])
    .refine(
      kind => kind === 'istio' || kind === 'none',
      'Linkerd and Consul are not simulated; write istio or none.',
    )
    .exactOptional(),
  version: z.string().exactOptional(),
  profile: z.enum(['default', 'minimal', 'ambient']).exactOptional(),
  dataplane: z.union([dataplane, z.strictObject({ force: dataplane })]).exactOptional(),
  meshConfig: z.union([z.string(), z.record(z.string(), z.unknown())]).exactOptional(),
  features: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
  jwks: z.record(z.string(), z.unknown()).exactOptional(),
  istiod: z
    .strictObject({
      replicas: z.int().min(1).exactOptional(),
      cpu: z.union([z.string(), z.number()]).exactOptional(),
    })
    .exactOptional(),
  unknownFields: z.enum(['warn', 'fail', 'ignore']).exactOptional(),
})

const manifest = z.union([
  z.string(),
  z.strictObject({ path: z.string(), namespace: z.string().exactOptional() }),
])

const zone = z.union([
  z.string(),
  z.strictObject({ name, region: z.string().exactOptional(), nodes: z.int().min(1).exactOptional() }),
])
/** Microseconds of a worker, under the names of the preset. */
const proxyCostRow = Object.fromEntries(
  Object.keys(istioProxyCost).map(work => [work, z.number().min(0).exactOptional()]),
)
const topology = z.strictObject({
  zones: z.array(zone).min(1).exactOptional(),
  place: z.array(z.strictObject({ select, zone: z.string() })).exactOptional(),
  latency: z
    .strictObject({ samePod: dist, sameNode: dist, sameZone: dist, crossZone: dist, crossRegion: dist })
    .partial()
    .exactOptional(),
  loss: percent.exactOptional(),
  proxyCost: z.union([z.enum(proxyCostNames), z.strictObject(proxyCostRow)]).exactOptional(),
  clockSkew: dist.exactOptional(),
})

const parameter = z.array(z.union([z.string(), z.number(), z.boolean()])).min(1)
const sweep = z
  .object({
    patch: z.array(namedPatch).exactOptional(),
    exclude: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))).exactOptional(),
    include: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))).exactOptional(),
  })
  .catchall(parameter)

const run = z.strictObject({
  duration: duration.exactOptional(),
  warmup: duration.exactOptional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .exactOptional(),
  startTime: z.string().exactOptional().describe('RFC 3339.'),
  replications: z
    .union([
      z.int().min(1),
      z
        .strictObject({
          min: z.int().min(1),
          max: z.int().min(1),
          until: z
            .strictObject({ relativeHalfWidth: percent, level: percent.exactOptional() })
            .exactOptional(),
        })
        .refine(value => value.min <= value.max, { error: 'min must not be more than max.' }),
    ])
    .exactOptional(),
  confidence: z
    .strictObject({ alpha: z.number().gt(0).lt(1).exactOptional(), level: percent.exactOptional() })
    .exactOptional(),
  sweep: sweep.exactOptional(),
  maxEvents: count.exactOptional(),
})

const report = z.strictObject({
  traces: z.enum(['none', 'sample', 'failing', 'all']).exactOptional(),
  accessLog: z.boolean().exactOptional(),
  formats: z.array(z.string()).exactOptional(),
})

const spec = {
  description: z.string().exactOptional().describe('Markdown; the first line is the title.'),
  refs: z.array(z.string()).exactOptional(),
  requires: z.array(z.string()).exactOptional(),
  mesh: mesh.exactOptional(),
  manifests: z.array(manifest).min(1),
  patches: z.array(patch).exactOptional(),
  topology: topology.exactOptional(),
  behaviors: z.array(behavior).exactOptional(),
  traffic: z.array(traffic).exactOptional(),
  timeline: z.array(entry).exactOptional(),
  expect: z.union([expectation, z.array(expectation).min(1)]),
  run: run.exactOptional(),
  report: report.exactOptional(),
  view: z.record(z.string(), z.unknown()).exactOptional(),
}

/** The `spec` of a Scenario. */
const scenarioSpec = z.strictObject(spec)

/** The same where a Lab holds it inline: the lab's own tasks judge, so `expect` may be absent. */
export const inlineScenarioSpec = z.strictObject({ ...spec, expect: spec.expect.exactOptional() })

/** A whole `*.sim.yaml`. */
export const scenarioSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Scenario'),
    metadata,
    spec: scenarioSpec,
  })
  .meta({ title: 'Glassmesh scenario' })

/** A scenario as its author wrote it, checked. */
export type ScenarioDocument = z.infer<typeof scenarioSchema>
