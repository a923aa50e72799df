import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml'

/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Map keys and list indices from the root of a document. */
export type Path = readonly (string | number)[]

/** `spec.http[1].headers["x-a.b"]` → its steps. Unbalanced brackets are read as plain text. */
export function parsePath(text: string): Path {
  const steps: (string | number)[] = []
  for (const match of text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) steps.push(match[1].replace(/\\(.)/g, '$1'))
    else if (match[2] !== undefined) steps.push(Number(match[2]))
    else if (match[3] !== undefined) steps.push(match[3])
  }
  return steps
}

/** Steps → `spec.http[1].headers["x-a.b"]`, as `parsePath` reads it. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[^.[\]"]+$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `["${step.replace(/["\\]/g, '\\$&')}"]`
  }
  return text
}

interface Found {
  readonly node: Node | undefined
  readonly offset: number
}

/** Where the key of a map entry, or a list item, begins. What is absent is found at its nearest ancestor. */
export function positionOf(
  document: Document.Parsed,
  lines: LineCounter,
  path: Path,
  of: 'key' | 'value',
): Position {
  let found: Found = {
    node: document.contents ?? undefined,
    offset: document.contents?.range?.[0] ?? document.range[0],
  }
  for (const [index, step] of path.entries()) {
    const next = child(resolved(found.node, document), step, index === path.length - 1 && of === 'value')
    if (!next) break
    found = next
  }
  const { line, col } = lines.linePos(found.offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function resolved(node: Node | undefined, document: Document.Parsed): Node | undefined {
  return node && isAlias(node) ? node.resolve(document) : node
}

function child(node: Node | undefined, step: string | number, wantsValue: boolean): Found | undefined {
  if (isSeq<Node>(node) && typeof step === 'number') {
    const item = node.items[step]
    return item?.range ? { node: item, offset: item.range[0] } : undefined
  }
  if (!isMap<Node, Node | null>(node)) return undefined
  for (const pair of node.items) {
    if (!isScalar(pair.key) || String(pair.key.value) !== String(step)) continue
    const value = pair.value ?? undefined
    const at = (wantsValue ? value?.range?.[0] : undefined) ?? pair.key.range?.[0]
    return at === undefined ? undefined : { node: value, offset: at }
  }
  return undefined
}
