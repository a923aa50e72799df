import { captures, fullMatch } from './string-match.ts'

/** What one `*` may cover: anything printable but slashes, square brackets and backslashes. Asked of Envoy 1.40, character by character; earlier ones took only RFC 3986 path characters without `*`. */
const SEGMENT = '[!-.0-Z^-~]+'
/** What `**` may cover: the same and slashes; also nothing. */
const REST = '[!-Z^-~]*'

const expressions = new Map<string, { readonly regex: string; readonly names: readonly string[] }>()

/** Whether a path (without query) fits a URI template such as `/users/{id}/posts/*` or `/files/{path=**}`. */
export function matchesTemplate(template: string, path: string): boolean {
  return fullMatch(expressionOf(template).regex, path)
}

/** The path that a rewrite template makes from the captures of the match; `undefined` when the path does not fit. */
export function rewriteByTemplate(template: string, rewrite: string, path: string): string | undefined {
  const { regex, names } = expressionOf(template)
  const found = captures(regex, path)
  return found && rewrite.replace(/\{(\w+)\}/g, (_, name: string) => found[names.indexOf(name) + 1] ?? '')
}

function expressionOf(template: string): { readonly regex: string; readonly names: readonly string[] } {
  const known = expressions.get(template)
  if (known) return known
  const names: string[] = []
  const regex = template.replace(/\{(\w+)(?:=([^}]*))?\}|\*\*|\*|[^{}*]+/g, (token, name, pattern) => {
    if (token === '**') return REST
    if (token === '*') return SEGMENT
    if (name === undefined) return quoted(token)
    names.push(name)
    return `(${pattern === undefined ? SEGMENT : patternOf(pattern)})`
  })
  const made = { regex, names }
  expressions.set(template, made)
  return made
}

function patternOf(pattern: string): string {
  return pattern.replace(/\*\*|\*|[^*]+/g, token =>
    token === '**' ? REST : token === '*' ? SEGMENT : quoted(token),
  )
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
