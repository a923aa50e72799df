import { type ConnectionRecord, type ExchangeRecord, type Log, RECORD_BYTES } from '../world/trace.ts'

/** New entries of a run's log since the slice before. Plain data and one buffer, so that a worker can hand it over. */
export interface LogSlice {
  /** Whole records, `RECORD_BYTES` each. */
  readonly records: ArrayBuffer
  readonly exchanges: readonly ExchangeRecord[]
  /** Entries of the exchange table that were handed out before and have changed, with their place. */
  readonly changed: readonly (readonly [index: number, record: ExchangeRecord])[]
  readonly connections: readonly ConnectionRecord[]
}

/** Hands out a log piece by piece: each call gives what has been written since the one before. */
export function createLogReader(log: Log): () => LogSlice {
  const done = { records: 0, exchanges: 0, ended: 0, connections: 0 }
  return () => {
    const slice: LogSlice = {
      records: copyRecords(log.chunks, done.records, log.records),
      exchanges: log.exchanges.slice(done.exchanges),
      changed: log.ended.slice(done.ended).flatMap(index => {
        const record = log.exchanges[index]
        return record && index < done.exchanges ? [[index, record] as const] : []
      }),
      connections: log.connections.slice(done.connections),
    }
    done.records = log.records
    done.exchanges = log.exchanges.length
    done.ended = log.ended.length
    done.connections = log.connections.length
    return slice
  }
}

function copyRecords(chunks: readonly ArrayBuffer[], from: number, to: number): ArrayBuffer {
  const copy = new Uint8Array((to - from) * RECORD_BYTES)
  const perChunk = (chunks[0]?.byteLength ?? RECORD_BYTES) / RECORD_BYTES
  for (let at = from; at < to; ) {
    const chunk = chunks[Math.floor(at / perChunk)]
    if (!chunk) break
    const start = at % perChunk
    const count = Math.min(perChunk - start, to - at)
    copy.set(new Uint8Array(chunk, start * RECORD_BYTES, count * RECORD_BYTES), (at - from) * RECORD_BYTES)
    at += count
  }
  return copy.buffer
}
