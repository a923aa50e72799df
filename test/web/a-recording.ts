import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  createLogReader,
  createScenarioRun,
  gatherScenario,
  LogIndex,
  readScenario,
} from '../../sim-core/index.ts'
import { pictureOf } from '../../web/draw/geometry.ts'
import { type GraphLevel, graphOf } from '../../web/draw/graph.ts'
import { place } from '../../web/draw/layout.ts'
import { castOf } from '../../web/engine/cast.ts'

/** The log and the cast of a bundled scenario's first `seconds`. */
export function aRecording(file: string, seconds: number) {
  const read = readScenario(file, readFileSync(file, 'utf8'))
  if (!read.ok) throw new Error('the scenario cannot be read')
  const gathered = gatherScenario(read.value, path => ({
    files: { [path]: readFileSync(join(dirname(file), path), 'utf8') },
    problems: [],
  }))
  if (!gathered.ok) throw new Error('its files cannot be read')
  const run = createScenarioRun(gathered.value, { trace: 'all', replications: 1, actions: [] })
  while (run.simulation.now < seconds * 1e9 && run.step());
  const index = new LogIndex()
  index.append(createLogReader(run.simulation.log)())
  const cast = castOf(run.simulation, { templates: 0, reasons: 0, arrivals: 0 })
  const pictureAt = (level: GraphLevel) => {
    const graph = graphOf(cast, index.connections, level)
    return pictureOf(graph, place(graph.nodes, [...graph.edges, ...graph.hints]))
  }
  return { index, cast, pictureAt }
}
