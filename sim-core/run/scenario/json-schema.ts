import { z } from 'zod'
import { labSchema } from './lab.ts'
import { scenarioSchema } from './schema.ts'

/** The JSON Schemas (2020-12) of our files, by the name under which they are published. Editors read them. */
export function jsonSchemas(): Readonly<Record<string, unknown>> {
  return {
    'scenario.schema.json': jsonSchema(scenarioSchema),
    'lab.schema.json': jsonSchema(labSchema),
  }
}

function jsonSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
}
