import alea, { type Alea, type AleaState } from 'seedrandom/lib/alea.js'

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

export type StreamImages = Readonly<Record<string, AleaState>>

/** Streams whose seeds are the run's seed and their own name, so that adding one never shifts another. */
export function createStreams(seed: number): StreamTable {
  const streams = new Map<string, Stream>()
  const stream = (name: string): RandomStream => {
    const known = streams.get(name)
    if (known) return known
    const made = new Stream(alea(`${seed}/${name}`, { state: true }))
    streams.set(name, made)
    return made
  }
  return {
    stream,
    save: () => Object.fromEntries([...streams].map(([name, made]) => [name, made.generator.state()])),
    load: images => {
      // Streams that the image does not know were first drawn from later: they start again when asked for.
      for (const [name, made] of streams)
        made.generator = alea(`${seed}/${name}`, { state: images[name] ?? true })
      for (const name of Object.keys(images))
        if (!streams.has(name)) streams.set(name, new Stream(alea('', { state: images[name] ?? true })))
    },
  }
}

class Stream implements RandomStream {
  generator: Alea

  constructor(generator: Alea) {
    this.generator = generator
  }

  next(): number {
    return this.generator()
  }

  below(n: number): number {
    return Math.floor(this.generator() * n)
  }

  chance(percent: number): boolean {
    return this.generator() * 100 < percent
  }
}
