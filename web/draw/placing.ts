import type { Graph } from './graph.ts'
import type { Placed } from './layout.ts'

const known = new Map<string, Promise<Placed>>()
const waiting = new Map<string, (placed: Placed) => void>()
const staff: { worker: Worker | undefined } = { worker: undefined }

/** Where the nodes of a graph go: worked out beside the page, remembered by the graph's key. */
export function placeGraph(graph: Graph): Promise<Placed> {
  const before = known.get(graph.key)
  if (before) return before
  staff.worker ??= hire()
  const { worker } = staff
  const promise = new Promise<Placed>(resolve => {
    waiting.set(graph.key, resolve)
    const nodes = graph.nodes.map(({ id, group, width, height }) => ({ id, group, width, height }))
    const edges = [...graph.edges, ...graph.hints].map(({ from, to }) => ({ from, to }))
    worker.postMessage({ key: graph.key, nodes, edges })
  })
  known.set(graph.key, promise)
  return promise
}

function hire(): Worker {
  const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), {
    type: 'module',
    name: 'layout',
  })
  worker.onmessage = ({ data }: MessageEvent<{ readonly key: string; readonly placed: Placed }>) => {
    waiting.get(data.key)?.(data.placed)
    waiting.delete(data.key)
  }
  return worker
}
