import { type ExchangeRecord, GAUGE, LEG, type LogSlice, RECORD } from '../../sim-core/index.ts'
import type { Outcome } from '../../sim-core/model/outcome.ts'
import { RECORD_BYTES } from '../../sim-core/world/trace.ts'

const NOBODY = 0xffffffff
const LEGS = [
  LEG['client.call'],
  LEG['capture.outbound'],
  LEG['wire.send'],
  LEG['app.serve'],
  LEG['wire.reply'],
]
/** Records of one request: one per leg, and its end. */
const EACH = LEGS.length + 1

/** Nanoseconds between the starts of two requests. */
export const GAP = 100_000

/** A log of requests one after the other, each tenth of them failed, each hundredth followed by a push. Made without an engine, as long as one likes. */
export function syntheticLog(requests: number, from = 0): LogSlice {
  const pushes = Math.floor(requests / 100)
  const count = requests * EACH + pushes
  const bytes = new ArrayBuffer(count * RECORD_BYTES)
  const f64 = new Float64Array(bytes)
  const u32 = new Uint32Array(bytes)
  const u16 = new Uint16Array(bytes)
  const exchanges: ExchangeRecord[] = []
  let size = 0
  const write = (time: number, kind: number, exchange: number, cause: number, leg: number, actor: number) => {
    f64[size * 6] = time
    u32.set([cause, exchange, actor, NOBODY, NOBODY, 1], size * 12 + 4)
    u16.set([kind, leg, 0, 0], size * 24 + 20)
    return size++
  }
  for (let i = 0; i < requests; i++) {
    const serial = from + i
    const start = serial * GAP
    let cause = NOBODY
    const offset = (from / 100) * (100 * EACH + 1)
    LEGS.forEach((leg, step) => {
      cause = offset + write(start + step * 15_000, RECORD.hop, serial, cause, leg, step > 2 ? 1 : 0)
    })
    const end = start + 90_000
    write(end, RECORD.end, serial, cause, LEG['client.done'], 0)
    if (i % 100 === 99) write(end, RECORD.gauge + GAUGE['proxy.pushed'], NOBODY, NOBODY, 0, 0)
    exchanges.push(exchangeOf(serial, start, end))
  }
  return { records: bytes, exchanges, changed: [], connections: [] }
}

function exchangeOf(serial: number, start: number, end: number): ExchangeRecord {
  const outcome: Outcome = { kind: 'response', status: serial % 10 === 9 ? 503 : 200, flags: [], details: '' }
  return {
    serial,
    parent: -1,
    root: serial,
    traffic: 0,
    number: serial,
    template: 0,
    arrival: 0,
    configuration: 0,
    fromPod: 0,
    fromProxy: -1,
    atPod: 0,
    atProxy: -1,
    orphan: false,
    start: start as ExchangeRecord['start'],
    outcome,
    end: end as ExchangeRecord['start'],
  }
}
