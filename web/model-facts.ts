/** A file of the engine. */
interface Source {
  readonly path: string
  readonly text: string
}

/** Something that the model does otherwise than the real thing. */
export interface Simplification {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** A number of the model, and where it is from. */
export interface SourcedConstant {
  readonly path: string
  readonly line: number
  readonly name: string
  readonly value: string
  readonly text: string
}

/** What the engine's comments say about the model. */
export interface ModelFacts {
  readonly simplified: readonly Simplification[]
  readonly constants: readonly SourcedConstant[]
}

/** Reads simplifications (`Simplified:`) and constants with their sources out of the engine's text. */
export function modelFacts(sources: readonly Source[]): ModelFacts {
  return { simplified: sources.flatMap(simplifiedIn), constants: sources.flatMap(constantsIn) }
}

const COMMENT = /\/\*\*?([\s\S]*?)\*\/|((?:^[ \t]*\/\/.*\n)+|\/\/.*$)/gm

function simplifiedIn({ path, text }: Source): readonly Simplification[] {
  return [...text.matchAll(COMMENT)].flatMap(match => {
    const said = cleaned(match[1] ?? match[2] ?? '')
    const at = said.indexOf('Simplified:')
    if (at < 0) return []
    return [{ path, line: lineOf(text, match.index), text: said.slice(at + 'Simplified:'.length).trim() }]
  })
}

const CONSTANT =
  /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:export )?const ([A-Z][A-Z0-9_]{2,})(?:: [^=\n]+)? = ([^\n]+)/g

/** Comments name a source as `istio: path`, `envoy: path`, an RFC or an address. */
const SOURCE = /\b(istio|envoy|kubernetes|linux|rfc)\b ?[:\d]|https?:/i

function constantsIn({ path, text }: Source): readonly SourcedConstant[] {
  return [...text.matchAll(CONSTANT)].flatMap(match => {
    const said = cleaned(match[1] ?? '')
    const value = (match[3] ?? '').trim()
    if (!SOURCE.test(said) || /[{[(]$/.test(value)) return []
    return [{ path, line: lineOf(text, match.index), name: match[2] ?? '', value, text: said }]
  })
}

function cleaned(comment: string): string {
  return comment
    .split('\n')
    .map(line => line.replace(/^\s*(\*|\/\/)\s?/, '').trim())
    .join(' ')
    .trim()
}

const lineOf = (text: string, index: number) => text.slice(0, index).split('\n').length
