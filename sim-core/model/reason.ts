/** The line of the user's configuration that made the difference. `path` is a dotted path into the document: `spec.http[1].match[0].uri`. */
export interface ConfigRef {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly path: string
  /** Version of the resource tree that it was read from; 0 before the first change. */
  readonly version: number
}

/** Values that a reason mentions. Sentences are made from them when somebody reads, in `run/explain.ts` or a plug-in's `say`. */
export type Facts = Readonly<Record<string, string | number | boolean>>

/** Why something was chosen, refused or failed: a code such as `route.matched`, never a sentence. */
export interface Reason {
  readonly code: `${string}.${string}`
  readonly ref?: ConfigRef
  readonly facts?: Facts
}

/** What a pure decision answers. */
export type Decision<T> =
  | { readonly chose: T; readonly because: Reason }
  | { readonly chose: undefined; readonly because: Reason }

/** Errors a user can cause are values; errors only we can cause are thrown. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Diagnostic[] }

/** Something about a file that its author should know. Line and column count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info'
  /** Stable and documented: `yaml.syntax`, `field.unknown`, `kind.unknown`, `reference.missing`, … */
  readonly code: `${string}.${string}`
  /** What is wrong and what to do, in one or two sentences. */
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly effect: 'simulated' | 'parsed-only' | 'ignored'
  readonly resource?: { readonly kind: string; readonly namespace: string; readonly name: string }
  /** Dotted path of the field, where there is one. */
  readonly path?: string
}
