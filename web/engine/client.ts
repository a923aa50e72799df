import type { Answer, CallName, Calls, Progress } from './protocol.ts'

export interface EngineClient {
  /** Asks the engine; rejects with a sentence for people. */
  call<N extends CallName>(name: N, ...args: Parameters<Calls[N]>): Promise<ReturnType<Calls[N]>>
  close(): void
}

interface Listeners {
  readonly onProgress: (progress: Progress) => void
  /** The engine has stopped for good; what was shown stays. */
  readonly onBroken: (message: string) => void
}

/** The engine in its worker. */
export function connectEngine({ onProgress, onBroken }: Listeners): EngineClient {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'glassmesh' })
  const waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (error: Error) => void }
  >()
  const fail = (message: string) => {
    for (const { reject } of waiting.values()) reject(new Error(message))
    waiting.clear()
    onBroken(message)
  }
  let last = 0
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (data.kind === 'progress') return onProgress(data.progress)
    const asked = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.kind === 'answer') asked?.resolve(data.value as never)
    else asked?.reject(new Error(data.message))
  }
  worker.onerror = event =>
    fail(
      `The engine stopped: ${event.message || 'its worker could not be started'}. The last picture stays; reload the page to start again.`,
    )
  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        last++
        waiting.set(last, { resolve, reject })
        worker.postMessage({ id: last, call: name, with: args[0] })
      }),
    close: () => worker.terminate(),
  }
}
