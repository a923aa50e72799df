import { type LayoutEdge, type LayoutNode, place } from './layout.ts'

interface Wish {
  readonly key: string
  readonly nodes: readonly LayoutNode[]
  readonly edges: readonly LayoutEdge[]
}

self.onmessage = ({ data: { key, nodes, edges } }: MessageEvent<Wish>) => {
  self.postMessage({ key, placed: place(nodes, edges) })
}
