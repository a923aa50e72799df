import type { Exporter } from './exporter.ts'
import { github } from './github.ts'
import { json } from './json.ts'
import { junit } from './junit.ts'
import { markdown } from './markdown.ts'

/** Every way to write down what came of runs, by name. */
export const exporters: Readonly<Record<string, Exporter>> = { github, json, junit, markdown }
