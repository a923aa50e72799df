import type { Command } from 'commander'
import {
  checkFunctions,
  stateFunctions,
  types,
  variables,
  windowMethods,
} from '../../run/expression-types.ts'
import { jsonSchemas } from '../../run/scenario/json-schema.ts'
import { exitCode } from '../exit-code.ts'

/** `glassmesh schema [NAME]`: the JSON Schemas of scenarios and labs, and what expressions may speak of. */
export function schemaCommand(program: Command): void {
  program
    .command('schema')
    .summary('print the JSON Schemas of scenarios and labs, and the vocabulary of expressions')
    .argument('[name]', 'scenario, lab or expressions; all when absent')
    .option('--json', 'what it prints is JSON anyway')
    .action((name: string | undefined) => {
      process.exitCode = print(name)
    })
}

/** Everything that can be printed, by its name. */
function printable(): Readonly<Record<string, unknown>> {
  const schemas = Object.entries(jsonSchemas()).map(([file, schema]) => [
    file.replace('.schema.json', ''),
    schema,
  ])
  return { ...Object.fromEntries(schemas), expressions: vocabulary() }
}

function vocabulary() {
  const described = (functions: Readonly<Record<string, readonly [signature: string, says: string]>>) =>
    Object.fromEntries(Object.values(functions))
  return {
    variables: { everywhere: { param: 'map<string, dyn>' }, ...variables },
    functions: {
      state: {
        ...described(stateFunctions),
        'window(string): Window': "The time before now: window('10s').",
        ...described(windowMethods),
      },
      check: described(checkFunctions),
    },
    types,
  }
}

function print(name: string | undefined): number {
  const all = printable()
  const chosen = name === undefined ? all : all[name]
  if (chosen === undefined) {
    process.stderr.write(`There is no schema ${name}. Known: ${Object.keys(all).join(', ')}.\n`)
    return exitCode.usage
  }
  process.stdout.write(`${JSON.stringify(chosen, undefined, 2)}\n`)
  return exitCode.pass
}
