import { readdirSync } from 'node:fs'
import { describe, it } from 'vitest'
import { scenarios } from '../cli/command-line.ts'
import { expectGolden, told } from './golden.ts'

const files = readdirSync(scenarios, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.sim.yaml'))
  .sort()

describe.concurrent('the bundled scenario', () => {
  it.each(files)(
    '%s reports as it was reviewed',
    async file => {
      const name = file.replace(/\.sim\.yaml$/, '').replaceAll(/[/\\]/g, '-')
      expectGolden(`run-${name}`, await told('run', file))
    },
    60_000,
  )
})
