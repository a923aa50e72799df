import alea, { type AleaState } from 'seedrandom/lib/alea.js'

/** One named source of chance. Draws on one stream never move another. */
export interface RandomStream {
  /** Uniform in [0, 1), 32 bits. */
  next(): number
  /** Uniform among 0 … n − 1; 0 when `n` is below 2. */
  below(n: number): number
  /** True with this probability in percent; draws also where the answer is certain, so that editing a percentage moves nothing else. */
  chance(percent: number): boolean
}

/** The stream of a purpose: `app/reviews-v1-0/service`. The same name is the same stream. */
export type Streams = (name: string) => RandomStream

/** All streams of one run. */
export interface StreamTable {
  readonly stream: Streams
  save(): StreamImages
  load(images: StreamImages): void
}

/** The state of every stream by its name, for a checkpoint. */
export type StreamImages = Readonly<Record<string, AleaState>>

/** Streams whose seeds are the run's seed and their own name, so that adding one never shifts another. */
export function createStreams(seed: number): StreamTable {
  const states: States = { cells: new Float64Array(4 * 16), used: 0 }
  const streams = new Map<string, Stream>()
  const fresh = (name: string) => alea(`${seed}/${name}`, { state: true }).state()
  const add = (name: string, state: AleaState): Stream => {
    const made = new Stream(states)
    made.load(state)
    streams.set(name, made)
    return made
  }
  return {
    stream: name => streams.get(name) ?? add(name, fresh(name)),
    save: () => Object.fromEntries([...streams].map(([name, made]) => [name, made.save()])),
    load: images => {
      // Streams that the image does not know were first drawn from later: they start again when asked for.
      for (const [name, made] of streams) made.load(images[name] ?? fresh(name))
      for (const name of Object.keys(images)) if (!streams.has(name)) add(name, images[name]!)
    },
  }
}

/** The states of all streams side by side, four numbers each: carry, s0, s1, s2. A draw touches memory once. */
interface States {
  cells: Float64Array
  used: number
}

/** The generator `alea` of seedrandom, which seeds it; J. Baagøe's multiply-with-carry of 32 bits in exact doubles. */
class Stream implements RandomStream {
  private readonly states: States
  private readonly first: number

  constructor(states: States) {
    this.states = states
    this.first = states.used
    states.used += 4
    if (states.used <= states.cells.length) return
    const cells = new Float64Array(2 * states.cells.length)
    cells.set(states.cells)
    states.cells = cells
  }

  next(): number {
    const { cells } = this.states
    const i = this.first
    const sum = 2_091_639 * cells[i + 1]! + cells[i]! * STEP
    const carry = sum | 0
    cells[i] = carry
    cells[i + 1] = cells[i + 2]!
    cells[i + 2] = cells[i + 3]!
    return (cells[i + 3] = sum - carry)
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  chance(percent: number): boolean {
    return this.next() * 100 < percent
  }

  save(): AleaState {
    const [c, s0, s1, s2] = this.states.cells.subarray(this.first, this.first + 4)
    return { c: c!, s0: s0!, s1: s1!, s2: s2! }
  }

  load({ c, s0, s1, s2 }: AleaState): void {
    this.states.cells.set([c, s0, s1, s2], this.first)
  }
}

/** The generator's resolution. */
const STEP = 2 ** -32
