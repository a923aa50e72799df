import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonSchemas } from '../../../sim-core/run/scenario/json-schema.ts'

const folder = resolve(import.meta.dirname, '../../../scenarios/schema')
const schemas = Object.entries(jsonSchemas()).map(([name, schema]): [string, string] => [
  name,
  `${JSON.stringify(schema, undefined, 2)}\n`,
])
if (process.env.GLASSMESH_GOLDEN === 'write') {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of schemas) writeFileSync(join(folder, name), text)
}

describe('jsonSchemas', () => {
  it.each(schemas)('are those that editors find beside the scenarios: %s', (name, text) => {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
  })

  it('refuse unknown fields', () => {
    expect(jsonSchemas()['scenario.schema.json']).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
    })
  })
})
