import { describe, expect, it } from 'vitest'
import { createLogReader, LEG, LogIndex } from '../../sim-core/index.ts'
import type { Nanos } from '../../sim-core/kernel/time.ts'
import { createConnection } from '../../sim-core/world/connection.ts'
import { createExchange, type Exchange, resetExchange } from '../../sim-core/world/exchange.ts'
import { createTrace } from '../../sim-core/world/trace.ts'
import { pictureOf } from '../../web/draw/geometry.ts'
import { graphOf } from '../../web/draw/graph.ts'
import { place } from '../../web/draw/layout.ts'
import { scene } from '../../web/draw/scene.ts'
import type { Cast } from '../../web/engine/protocol.ts'

const PODS = 60
const cast: Cast = {
  pods: Array.from({ length: PODS }, (_, id) => ({
    id,
    namespace: `ns${id % 6}`,
    name: `app-${id}`,
    workload: `app-${id}`,
    ordinal: 0,
    node: 'n',
    zone: 'z',
    proxy: id,
    ip: '',
  })),
  proxies: Array.from({ length: PODS }, (_, id) => ({ id, pod: id, type: 'sidecar', name: `app-${id}` })),
  templates: [],
  reasons: [],
  sentences: [],
  traffics: [],
  arrivals: [],
}

/** A log of `records` records in which `flying` calls are on their way at any time, each for a hundred records of its own. */
function aBusyLog(records: number, flying: number): LogIndex {
  const clock = { now: 0 as Nanos }
  const trace = createTrace('all', clock)
  for (let row = 0; row < PODS; row++)
    trace.connection(
      Object.assign(createConnection(row), {
        serial: row,
        fromPod: row,
        fromProxy: row,
        toPod: (row + 1) % PODS,
        toProxy: (row + 1) % PODS,
      }),
    )
  let serial = 0
  const renew = (x: Exchange, row: number) => {
    resetExchange(x, serial++, clock.now)
    const pod = row % PODS
    return Object.assign(x, {
      fromPod: pod,
      fromProxy: pod,
      atProxy: pod,
      connection: pod,
      leg: LEG['wire.send'],
    })
  }
  const rows = Array.from({ length: flying }, (_, row) => renew(createExchange(row), row))
  for (let n = PODS; n < records; n++) {
    clock.now = (clock.now + 1000) as Nanos
    const row = (n * 7919) % flying
    const x = rows[row]
    if (!x) continue
    if (n % 100 === 0) {
      trace.ended(x)
      renew(x, row)
    } else {
      x.leg = n % 3 === 0 ? LEG['envoy.route'] : LEG['wire.send']
      trace.hop(x)
    }
  }
  trace.flush()
  const index = new LogIndex()
  index.append(createLogReader(trace.log)())
  return index
}

function frames(index: LogIndex, instants: readonly number[]) {
  const graph = graphOf(cast, index.connections, 3)
  const picture = pictureOf(graph, place(graph.nodes, graph.edges))
  const times = instants.map(time => {
    const start = performance.now()
    const ops = scene({
      index,
      view: index.view(time),
      cast,
      picture,
      selected: undefined,
      isFollowing: false,
      linger: 5e6,
      isStill: false,
    })
    return { millis: performance.now() - start, ops }
  })
  const sorted = times.map(each => each.millis).sort((a, b) => a - b)
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    p95: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    ops: times.at(-1)?.ops ?? [],
  }
}

const scattered = (index: LogIndex, count: number) =>
  Array.from({ length: count }, (_, i) => ((i * 2_654_435_761) % 1e9) * (index.end / 1e9))

describe('the pace of the stage', () => {
  it('finds and lays out any instant of a million records within a frame', () => {
    const index = aBusyLog(1_000_000, 40)
    const { median, p95, ops } = frames(index, scattered(index, 300))
    console.info(`scrubbing a million records: median ${median.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`)
    expect(ops.length).toBeGreaterThan(0)
  })

  it('lays out two thousand requests in flight within a frame', () => {
    const index = aBusyLog(60_000, 2000)
    const from = index.end / 2
    const { median, p95, ops } = frames(
      index,
      Array.from({ length: 120 }, (_, i) => from + i * 16_000),
    )
    const drawn = ops.reduce(
      (sum, op) => sum + (op.kind === 'convoy' || op.kind === 'queue' ? op.records.length : 1),
      0,
    )
    console.info(`two thousand in flight: median ${median.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`)
    expect(drawn).toBeGreaterThanOrEqual(1900)
  })
})
