/** A first-in-first-out list of numbers as plain data: `items` from `head` on. */
export interface Fifo {
  items: number[]
  head: number
}

/** An empty list. */
export function createFifo(): Fifo {
  return { items: [], head: 0 }
}

/** How many wait. */
export function lengthOf(fifo: Fifo): number {
  return fifo.items.length - fifo.head
}

/** Adds at the end. */
export function put(fifo: Fifo, value: number): void {
  fifo.items.push(value)
}

/** Takes the first; `undefined` when empty. What was taken is dropped in one go now and then, which makes it O(1). */
export function take(fifo: Fifo): number | undefined {
  if (fifo.head === fifo.items.length) return undefined
  const value = fifo.items[fifo.head++]
  if (fifo.head === fifo.items.length) {
    fifo.items.length = 0
    fifo.head = 0
  } else if (fifo.head >= 64 && fifo.head * 2 > fifo.items.length) {
    fifo.items.splice(0, fifo.head)
    fifo.head = 0
  }
  return value
}

/** Takes one out of the middle; false when it is not there. */
export function remove(fifo: Fifo, value: number): boolean {
  const index = fifo.items.indexOf(value, fifo.head)
  if (index < 0) return false
  fifo.items.splice(index, 1)
  return true
}
