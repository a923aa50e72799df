import type { Command } from 'commander'
import { jsonSchemas } from '../../run/scenario/json-schema.ts'
import { exitCode } from '../exit-code.ts'

/** `glassmesh schema [NAME]`: the JSON Schemas of scenarios and labs. */
export function schemaCommand(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schemas of scenarios and labs')
    .argument('[name]', 'scenario or lab; all when absent')
    .option('--json', 'what it prints is JSON anyway')
    .action((name: string | undefined) => {
      process.exitCode = print(name)
    })
}

function print(name: string | undefined): number {
  const schemas = jsonSchemas()
  const chosen = name === undefined ? schemas : schemas[`${name}.schema.json`]
  if (chosen === undefined) {
    const names = Object.keys(schemas).map(file => file.replace('.schema.json', ''))
    process.stderr.write(`There is no schema ${name}. Known: ${names.join(', ')}.\n`)
    return exitCode.usage
  }
  process.stdout.write(`${JSON.stringify(chosen, undefined, 2)}\n`)
  return exitCode.pass
}
