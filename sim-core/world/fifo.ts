/** A first-in-first-out list of numbers as plain data: `items` from `head` up to `tail`. What lies beside is left over. */
export interface Fifo {
  items: number[]
  head: number
  tail: number
}

/** An empty list. */
export function createFifo(): Fifo {
  return { items: [], head: 0, tail: 0 }
}

/** How many wait. */
export function lengthOf(fifo: Fifo): number {
  return fifo.tail - fifo.head
}

/** Adds at the end. */
export function put(fifo: Fifo, value: number): void {
  fifo.items[fifo.tail++] = value
}

/** Takes a value out, wherever it waits; the others keep their order. */
export function withdraw(fifo: Fifo, value: number): void {
  const at = fifo.items.indexOf(value, fifo.head)
  if (at < 0 || at >= fifo.tail) return
  fifo.items.copyWithin(at, at + 1, fifo.tail)
  fifo.tail--
}

/** Takes the first; `undefined` when empty. What was taken is dropped in one go now and then, which makes it O(1). */
export function take(fifo: Fifo): number | undefined {
  const { items, head, tail } = fifo
  if (head === tail) return undefined
  const value = items[head]
  const next = head + 1
  if (next === tail) {
    fifo.head = 0
    fifo.tail = 0
  } else if (next >= 1024 && next * 2 > tail) {
    items.copyWithin(0, next, tail)
    fifo.head = 0
    fifo.tail = tail - next
  } else fifo.head = next
  return value
}
