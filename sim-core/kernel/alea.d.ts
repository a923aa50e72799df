declare module 'seedrandom/lib/alea.js' {
  /** The state of the generator; exact arithmetic only. */
  export interface AleaState {
    readonly c: number
    readonly s0: number
    readonly s1: number
    readonly s2: number
  }
  export interface Alea {
    (): number
    int32(): number
    double(): number
    state(): AleaState
  }
  export default function alea(seed: string, options: { readonly state: true | AleaState }): Alea
}
