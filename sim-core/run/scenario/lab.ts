import { z } from 'zod'
import { API_VERSION, inlineScenarioSpec, metadata } from './schema.ts'
import { action } from './timeline.ts'
import { cel, name } from './words.ts'

const file = z.strictObject({ path: z.string(), content: z.string() })
const open = z.record(z.string(), z.unknown())
const id = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'An id has lower-case letters, digits and - only.')

const answer = z.union([
  z.strictObject({ expr: cel, map: z.record(z.string(), z.string()).exactOptional() }),
  open,
])
const predict = z.strictObject({
  ask: z.string(),
  pick: z.enum(['hop', 'pod', 'line']).exactOptional(),
  options: z.array(z.string()).min(2).exactOptional(),
  answer: answer.describe('Computed from the run, never typed.'),
})
const task = z.strictObject({
  id,
  text: z.string().exactOptional(),
  check: cel,
  why_not: z.string().exactOptional(),
  forbid: z.array(cel).exactOptional(),
})
const hint = z.union([z.string(), z.strictObject({ text: z.string(), show: open.exactOptional() })])
const step = z.strictObject({
  id,
  text: z.string(),
  do: action.exactOptional(),
  predict: predict.exactOptional(),
  show: open.exactOptional(),
  tasks: z.array(task).exactOptional(),
  hints: z.array(hint).exactOptional(),
  reveal: z.string().exactOptional(),
})
const question = z.strictObject({
  q: z.string(),
  options: z.record(z.string(), z.string()),
  answer,
  explain: z
    .union([z.string(), z.strictObject({ text: z.string(), moment: open.exactOptional() })])
    .exactOptional(),
})

/** A whole `*.lab.yaml`: a scenario, and what somebody is to find out with it. */
export const labSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Lab'),
    metadata,
    spec: z.strictObject({
      title: name,
      order: z.int().min(0),
      minutes: z.int().min(1),
      level: z.enum(['intro', 'core', 'advanced', 'extra']),
      needs: z.array(z.string()).exactOptional(),
      goal: name,
      concepts: z.array(z.string()).exactOptional(),
      scenario: z.union([z.string(), inlineScenarioSpec]),
      seed: z.int().min(0).exactOptional(),
      overlay: z
        .array(
          z.strictObject({ path: z.string(), editable: z.boolean().exactOptional(), content: z.string() }),
        )
        .exactOptional()
        .describe('Files laid over those of the scenario.'),
      view: open.exactOptional(),
      allow: z.array(z.string()).exactOptional().describe('edit:FILE, send, break:WHAT.'),
      steps: z.array(step).min(2, 'A lab has at least two steps: see, then do.'),
      quiz: z.array(question).exactOptional(),
      solution: z.array(file).min(1),
      done: z.strictObject({ text: z.string(), next: z.array(z.string()).exactOptional() }).exactOptional(),
    }),
  })
  .meta({ title: 'Glassmesh lab' })

/** A lab as its author wrote it, checked. */
export type LabDocument = z.infer<typeof labSchema>
