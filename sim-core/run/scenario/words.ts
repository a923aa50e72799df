import { z } from 'zod'
import {
  bytesPattern,
  durationPattern,
  momentPattern,
  nanosOf,
  percentPattern,
  ratePattern,
} from '../quantity.ts'

/** A string of a certain look, and an error that says which. */
function like(pattern: RegExp, what: string, example: string) {
  const error = `This must be ${what} such as ${example}.`
  return z.string({ error: issue => (issue.input === undefined ? undefined : error) }).regex(pattern, error)
}

/** Nanoseconds are counted in whole doubles. ECMA-262 Number.MAX_SAFE_INTEGER. */
const LONGEST = Number.MAX_SAFE_INTEGER

/** Go’s notation. */
export const duration = like(durationPattern, 'a duration with its unit', '250ms or 1m30s').refine(
  text => !(nanosOf(text) > LONGEST),
  'Virtual time is exact up to 104 days (2496h); give less.',
)
/** Events per second, minute or hour. */
export const rate = like(ratePattern, 'a rate', '200/s')
/** With its sign. */
export const percent = like(percentPattern, 'a percentage', '10%')
/** A number, or Kubernetes’ notation. */
export const bytes = z.union([z.int().min(0), like(bytesPattern, 'a number of bytes', '10Ki')])
/** A point of the run. */
export const moment = like(
  momentPattern,
  'a duration from the start or a timeline entry',
  '30s, canary or canary+5s',
)
/** A condition or a value. */
export const cel = z.string().min(1).describe('A CEL expression. Put it in quotes.')
/** Any words. */
export const name = z.string().min(1)
/** Label by label. */
const labels = z.record(z.string(), z.string())
/** Zero or more. */
export const count = z.int().min(0)

/** An object of which exactly one key is given. Reads better than a union when something is wrong. */
export function oneKey<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape)
  const optional = z.strictObject(shape).partial()
  return optional
    .refine(value => Object.keys(value).length === 1, { error: `Give exactly one of ${keys.join(', ')}.` })
    .meta({ minProperties: 1, maxProperties: 1 })
}

const positive = z.number().positive()
const shaped = oneKey({
  constant: duration,
  exp: duration.describe('Exponential, by its mean.'),
  lognormal: z.strictObject({ p50: duration, p99: duration }),
  uniform: z.tuple([duration, duration]),
  gamma: z.strictObject({ shape: positive, mean: duration }),
  erlang: z.strictObject({ k: z.int().min(1), mean: duration }),
  weibull: z.strictObject({ shape: positive, scale: duration }),
  pareto: z.strictObject({ shape: positive, min: duration }),
  empirical: z.string().describe('A CSV file: one duration a line, or duration,weight.'),
  get mixture() {
    return z.array(z.strictObject({ weight: positive, of: dist })).min(1)
  },
})

/** A duration, or a distribution of durations. */
export const dist: z.ZodType<Dist> = z.union([duration, shaped]).meta({ id: 'Dist' })

/** A duration, or a distribution of durations. */
export type Dist =
  | string
  | {
      readonly constant?: string | undefined
      readonly exp?: string | undefined
      readonly lognormal?: { readonly p50: string; readonly p99: string } | undefined
      readonly uniform?: readonly [string, string] | undefined
      readonly gamma?: { readonly shape: number; readonly mean: string } | undefined
      readonly erlang?: { readonly k: number; readonly mean: string } | undefined
      readonly weibull?: { readonly shape: number; readonly scale: string } | undefined
      readonly pareto?: { readonly shape: number; readonly min: string } | undefined
      readonly empirical?: string | undefined
      readonly mixture?: readonly { readonly weight: number; readonly of: Dist }[] | undefined
    }

/** Which pods something is about. Several fields: all must hold. */
export const select = z
  .strictObject({
    workload: z.string().exactOptional().describe('NS/WORKLOAD, NS/WORKLOAD@N, or * for every one.'),
    pod: z.string().exactOptional(),
    service: z.string().exactOptional(),
    labels: labels.exactOptional(),
    namespace: z.string().exactOptional(),
    zone: z.string().exactOptional(),
    node: z.string().exactOptional(),
  })
  .refine(value => Object.keys(value).length > 0, {
    error: 'Select by workload, pod, service, labels, namespace, zone or node.',
  })
  .meta({ id: 'Select', minProperties: 1 })

/** Names of a resource. */
export const target = z.strictObject({ kind: name, name, namespace: z.string().exactOptional() })
const jsonPatch = z.array(
  z.strictObject({
    op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
    path: z.string(),
    from: z.string().exactOptional(),
    value: z.unknown().optional(),
  }),
)

/** A change to one resource. */
const patchFields = {
  target,
  patch: jsonPatch.exactOptional().describe('RFC 6902.'),
  merge: z.record(z.string(), z.unknown()).exactOptional().describe('RFC 7386: null removes.'),
  strategic: z
    .record(z.string(), z.unknown())
    .exactOptional()
    .describe('As merge, but lists of named things merge by name.'),
}
const hasOnePatch = (value: { patch?: unknown; merge?: unknown; strategic?: unknown }) =>
  [value.patch, value.merge, value.strategic].filter(part => part !== undefined).length === 1

/** One of three ways to write a patch is required. */
export const patch = z
  .strictObject(patchFields)
  .refine(hasOnePatch, { error: 'Give exactly one of patch, merge, strategic.' })
/** The same with a name, for sweeps. */
export const namedPatch = z
  .strictObject({ name, ...patchFields })
  .refine(hasOnePatch, { error: 'Give exactly one of patch, merge, strategic.' })
