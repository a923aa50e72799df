import { z } from 'zod'
import type { InvalidInput } from './probe-input.ts'

const texts = z.record(z.string(), z.union([z.string(), z.array(z.string())]))

const from = z.union([
  z.strictObject({ workload: z.string() }),
  z.strictObject({ pod: z.string() }),
  z.strictObject({ external: z.string(), via: z.string().optional() }),
  z.strictObject({ kubelet: z.string() }),
])

const request = z.strictObject({
  url: z.string().optional(),
  method: z.string().optional(),
  headers: texts.optional(),
  address: z.string().optional(),
  port: z.int().min(1).max(65535).optional(),
  host: z.string().optional(),
  path: z.string().optional(),
  protocol: z.enum(['http', 'http2', 'grpc', 'tcp', 'tls', 'https', 'websocket']).optional(),
  tls: z
    .strictObject({
      sni: z.string().optional(),
      alpn: z.union([z.string(), z.array(z.string())]).optional(),
      clientCertificate: z.string().optional(),
    })
    .optional(),
  jwt: z.string().optional(),
  sourceAddress: z.string().optional(),
  forwardedFor: z.string().optional(),
  count: z.int().min(1).max(100_000).optional(),
})

const mesh = z.strictObject({
  dataplane: z
    .union([z.enum(['sidecar', 'ambient', 'none']), z.strictObject({ force: z.enum(['sidecar', 'none']) })])
    .optional(),
  profile: z.enum(['default', 'minimal', 'ambient']).optional(),
  meshConfig: z.record(z.string(), z.unknown()).optional(),
  features: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  jwks: z.record(z.string(), z.unknown()).optional(),
})

const meshProbe = z.object({
  name: z.string().nullish(),
  manifests: z.union([z.string(), z.array(z.string())]).optional(),
  documents: z.string().optional(),
  mesh: mesh.optional(),
  probes: z.array(
    z.object({
      name: z.string().nullish(),
      from,
      request,
      expect: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
})

/** A file of mesh-level probes as a user writes it. */
export type MeshProbe = z.infer<typeof meshProbe>
/** Who sends. */
export type ProbeFrom = z.infer<typeof from>
/** What is sent. */
export type ProbeRequest = z.infer<typeof request>
/** The mesh that it is sent in. */
export type ProbeMesh = z.infer<typeof mesh>

/** Reads mesh-level probes, or says what is wrong with them. */
export function readMeshProbe(value: unknown): MeshProbe | readonly InvalidInput[] {
  const read = meshProbe.safeParse(value)
  return read.success
    ? read.data
    : read.error.issues.map(issue => ({ message: issue.message, path: issue.path.join('.') }))
}
