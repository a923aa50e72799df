import { z } from 'zod'
import { nanosOf } from '../quantity.ts'
import { from, request } from './request.ts'
import { cel, count, dist, duration, moment, oneKey, patch, percent, rate, select, target } from './words.ts'

const paths = z.union([z.string(), z.array(z.string()).min(1)])
const yes = z.literal(true)
const share = z.union([z.int().min(0), percent])

const actions = {
  apply: paths.describe('Files, as kubectl apply -f.'),
  delete: z.union([paths, target]),
  patch,
  scale: z.strictObject({ workload: z.string(), replicas: count }),
  rollout: z.strictObject({
    workload: z.string(),
    image: z.string().exactOptional(),
    labels: z.record(z.string(), z.string()).exactOptional(),
    maxSurge: share.exactOptional(),
    maxUnavailable: share.exactOptional(),
  }),
  kill: z
    .strictObject({
      pod: z.string().exactOptional(),
      select: select.exactOptional(),
      count: z.int().min(1).exactOptional(),
    })
    .refine(value => (value.pod === undefined) !== (value.select === undefined), {
      error: 'Give pod or select.',
    }),
  drain: oneKey({ node: z.string(), zone: z.string() }),
  partition: z.strictObject({
    between: z.tuple([select, select]),
    direction: z.enum(['both', 'forward', 'backward']).exactOptional(),
  }),
  slow: z
    .strictObject({ select, factor: z.number().positive().exactOptional(), add: dist.exactOptional() })
    .refine(value => (value.factor === undefined) !== (value.add === undefined), {
      error: 'Give factor or add.',
    }),
  loss: z.strictObject({
    select: select.exactOptional(),
    between: z.tuple([select, select]).exactOptional(),
    rate: percent,
  }),
  refuse: z.strictObject({ select }),
  errors: z.strictObject({ select, rate: percent, status: z.int().min(100).max(599).exactOptional() }),
  istiod: z.union([
    z.enum(['down', 'up']),
    oneKey({
      down: yes,
      up: yes,
      slow: dist,
      env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
  ]),
  ca: oneKey({ rotateRoot: yes, expire: yes, outage: yes }),
  clock: z.strictObject({ advance: duration }),
  load: z
    .strictObject({
      traffic: z.string(),
      set: rate.exactOptional(),
      scale: z.number().min(0).exactOptional(),
    })
    .refine(value => (value.set === undefined) !== (value.scale === undefined), {
      error: 'Give set or scale.',
    }),
  send: z.strictObject({ from, request, label: z.string().exactOptional() }),
  note: z.string(),
}

/** Something that is done to the world: exactly one of its fields is set. */
export const action = oneKey(actions).meta({ id: 'Action', minProperties: 1, maxProperties: 1 })

/** Actions that leave nothing to take back. */
const final: readonly string[] = ['rollout', 'kill', 'clock', 'send', 'note']

const starts = ['at', 'after', 'every', 'when'] as const

/** One thing that happens. */
export const entry = z
  .strictObject({
    at: moment.exactOptional(),
    after: moment.exactOptional(),
    every: duration.refine(text => nanosOf(text) !== 0, 'This must be longer than nothing.').exactOptional(),
    when: cel.exactOptional(),
    name: z
      .string()
      .regex(/^[A-Za-z_][\w-]*$/, 'A name begins with a letter and has letters, digits, - and _ only.')
      .exactOptional(),
    for: duration.exactOptional().describe('Undone after so long.'),
    do: action,
  })
  .refine(value => starts.filter(key => value[key] !== undefined).length === 1, {
    error: `Give exactly one of ${starts.join(', ')}.`,
  })
  .superRefine((value, context) => {
    const [verb] = Object.keys(value.do)
    const isFinal =
      verb !== undefined && (final.includes(verb) || (value.do.ca !== undefined && !value.do.ca.outage))
    if (value.for !== undefined && isFinal)
      context.addIssue({ code: 'custom', path: ['for'], message: `${verb} cannot be undone. Remove for.` })
  })
