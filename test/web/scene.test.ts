import { describe, expect, it } from 'vitest'
import { createLogReader, LEG, LogIndex, RECORD, viewHash } from '../../sim-core/index.ts'
import type { Nanos } from '../../sim-core/kernel/time.ts'
import { createConnection } from '../../sim-core/world/connection.ts'
import { createExchange, resetExchange } from '../../sim-core/world/exchange.ts'
import { createTrace } from '../../sim-core/world/trace.ts'
import { backdrop } from '../../web/draw/backdrop.ts'
import { EDGE_LIMIT, scene } from '../../web/draw/scene.ts'
import { aRecording } from './a-recording.ts'

const { index, cast, pictureAt } = aRecording('scenarios/bookinfo/canary.sim.yaml', 22)
const picture = pictureAt(3)

const at = (time: number, change: Partial<Parameters<typeof scene>[0]> = {}) =>
  scene({
    index,
    view: index.view(time),
    cast,
    picture,
    selected: undefined,
    isFollowing: false,
    linger: 5e6,
    isStill: false,
    ...change,
  })

/** Instants all over the traffic, the same every time. */
const instants = Array.from({ length: 200 }, (_, i) => 2e9 + ((i * 2_654_435_761) % 20e9))

/** What is drawn of `size` requests that are on their way from the gateway to productpage at once. */
function aCrowd(size: number) {
  const gateway = cast.pods.find(pod => pod.workload === 'istio-ingressgateway')
  const page = cast.pods.find(pod => pod.workload === 'productpage-v1')
  if (!gateway || !page) throw new Error('the pods are there')
  const clock = { now: 0 as Nanos }
  const trace = createTrace('all', clock)
  const connection = Object.assign(createConnection(0), {
    serial: 0,
    fromPod: gateway.id,
    fromProxy: gateway.proxy,
    toPod: page.id,
    toProxy: page.proxy,
  })
  trace.connection(connection)
  const rows = Array.from({ length: size }, (_, row) => {
    const x = createExchange(row)
    resetExchange(x, row, clock.now)
    return Object.assign(x, {
      fromPod: gateway.id,
      fromProxy: gateway.proxy,
      atProxy: gateway.proxy,
      connection: 0,
      leg: LEG['wire.send'],
    })
  })
  for (const x of rows) trace.hop(x)
  clock.now = 1e6 as Nanos
  for (const x of rows) trace.hop(Object.assign(x, { leg: LEG['capture.inbound'] }))
  clock.now = 2e6 as Nanos
  trace.flush()
  const crowded = new LogIndex()
  crowded.append(createLogReader(trace.log)())
  return at(0, { index: crowded, view: crowded.view(5e5) })
}

describe('the scene', () => {
  it('draws nothing that is not a record of the log', () => {
    for (const time of instants)
      for (const op of at(time)) {
        const records = op.kind === 'mark' || op.kind === 'envelope' ? [op.record] : op.records
        expect(records.length).toBeGreaterThan(0)
        for (const record of records) {
          expect(index.timeOf(record)).toBeLessThanOrEqual(time)
          if (op.kind === 'mark') expect(index.record(record).exchange).toBe(op.exchange)
        }
      }
  })

  it('draws every call that waits for no other, once', () => {
    for (const time of instants.slice(0, 40)) {
      const { active } = index.view(time)
      const parents = new Set([...active.keys()].map(serial => index.exchange(serial)?.parent))
      const leaves = [...active.keys()].filter(serial => !parents.has(serial)).sort((a, b) => a - b)
      const drawn = at(time, { linger: 0 }).flatMap(op => (op.kind === 'mark' ? [op.exchange] : []))
      const flying = drawn.filter(serial => active.has(serial)).sort((a, b) => a - b)
      expect(flying).toEqual(leaves)
    }
  })

  it('draws the same backwards as forwards', () => {
    const forwards = instants.map(time => JSON.stringify(at(time)))
    const backwards = [...instants].reverse().map(time => JSON.stringify(at(time)))
    expect(backwards.reverse()).toEqual(forwards)
  })

  it('moves a request from the sender towards the receiver', () => {
    const sends = Array.from({ length: index.length }, (_, i) => i)
      .filter(i => index.kindOf(i) === RECORD.hop)
      .map(i => ({ from: index.record(i), next: index.nextOf(i) }))
      .filter(({ from, next }) => next >= 0 && index.timeOf(next) - from.time > 1e5)
      .slice(0, 400)
    let moved = 0
    for (const { from, next } of sends) {
      const spanned = index.timeOf(next) - from.time
      const spots = [0.1, 0.9].map(share =>
        at(from.time + spanned * share).find(op => op.kind === 'mark' && op.exchange === from.exchange),
      )
      const [early, late] = spots
      if (!early || !late) continue
      if (Math.hypot(late.x - early.x, late.y - early.y) > 20) moved++
    }
    expect(moved).toBeGreaterThan(20)
  })

  it('shows pushes on their way from istiod when configuration has changed', () => {
    const pushes = Array.from({ length: 400 }, (_, i) => 20e9 + i * 5e5).flatMap(time =>
      at(time, { linger: 0 }).filter(op => op.kind === 'envelope' && op.state === 'travels'),
    )
    expect(pushes.length).toBeGreaterThan(0)
  })

  it('lets nothing travel when motion is not wanted', () => {
    for (const time of instants.slice(0, 50))
      for (const op of at(time, { isStill: true })) if (op.kind === 'mark') expect(op.angle).toBeUndefined()
  })

  it('draws more than the limit of an edge as one counted convoy', () => {
    const crowd = aCrowd(200)
    const convoys = crowd.flatMap(op => (op.kind === 'convoy' ? [op] : []))
    expect(convoys.map(op => op.records.length)).toEqual([200])
    expect(aCrowd(EDGE_LIMIT).filter(op => op.kind === 'mark')).toHaveLength(EDGE_LIMIT)
  })

  it('fades all but the followed request', () => {
    const time = instants.find(each => at(each).filter(op => op.kind === 'mark').length > 1) ?? 0
    const first = at(time).find(op => op.kind === 'mark')
    const marks = at(time, { selected: first?.root, isFollowing: true }).filter(op => op.kind === 'mark')
    expect(marks.filter(op => op.look === 'selected').every(op => op.root === first?.root)).toBe(true)
    expect(marks.some(op => op.look === 'dim')).toBe(true)
  })
})

describe('stepping through a log', () => {
  it('comes back to the same state after a thousand steps to and fro', () => {
    const start = index.indexAt(6e9)
    const before = viewHash(index.viewAfter(start))
    const steps = Array.from({ length: 500 }, (_, i) => ((i * 7919) % 13) - 6)
    let record = start
    for (const step of [...steps, ...steps.map(step => -step).reverse()]) {
      record += step
      index.viewAfter(record)
    }
    expect(record).toBe(start)
    expect(viewHash(index.viewAfter(record))).toBe(before)
  })
})

describe('the backdrop', () => {
  it('draws who is there at every level, connections with their state', () => {
    for (const level of [1, 2, 3] as const) {
      const ops = backdrop({
        index,
        view: index.view(10e9),
        cast,
        picture: pictureAt(level),
        lit: undefined,
        selected: undefined,
        walked: new Set(),
      })
      const nodes = ops.flatMap(op => (op.kind === 'node' ? [op] : []))
      const pipes = ops.flatMap(op => (op.kind === 'pipe' ? [op] : []))
      expect(nodes.map(op => op.node.id)).toContain('istiod')
      expect(nodes.every(op => op.state.phase === 'ready')).toBe(true)
      expect(pipes.some(op => op.phase === 'open' && op.security === 'mutual')).toBe(true)
    }
  })
})
