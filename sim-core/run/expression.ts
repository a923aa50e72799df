import { type ASTNode, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import { serialize } from '@marcbachmann/cel-js/serialize'
import { RE2JS } from 're2js'
import { didYouMean } from '../config/nearest.ts'
import {
  checkFunctions,
  type On,
  stateFunctions,
  types,
  variables,
  windowMethods,
} from './expression-types.ts'
import { type Bound, bind, constructors, plain, valueOf } from './expression-values.ts'

type Fields = Readonly<Record<string, unknown>>

/** What expressions of `state` and `check` may ask the world. Answers are plain data; an unknown name is `undefined` and makes the expression an error. */
export interface Questions {
  readonly workload: (name: string) => Fields | undefined
  readonly pod: (name: string) => Fields | undefined
  readonly endpoint: (name: string) => Fields | undefined
  readonly cluster: (name: string) => Fields | undefined
  readonly clients: (name: string) => readonly string[] | undefined
  readonly proxy: (name: string) => Fields | undefined
  readonly baseline: (traffic: string) => number | undefined
  readonly goodput: (window: string, traffic: string) => number | undefined
  readonly share: (window: string, labels: Fields) => number | undefined
  readonly probe: (request: Fields) => Fields | undefined
  readonly hops: (request: unknown) => readonly Fields[] | undefined
  readonly config: (kind: string, name: string) => unknown
}

/** Something is wrong with an expression; `offset` counts characters from its beginning. */
export interface ExpressionProblem {
  readonly message: string
  readonly offset: number
}

/** What an expression comes to. */
type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

/** A checked expression. */
export interface Expression {
  readonly text: string
  readonly on: On
  /** `bool`, `int`, `string`, … */
  readonly type: string
  /** Names of variables and functions that it uses: nothing else can change its value. */
  readonly reads: readonly string[]
  evaluate(context: Context): Answer
}

/** The values of the variables, made by `Language.bind` once for any number of expressions. */
type Context = Readonly<Record<string, unknown>>

/** CEL as our files speak it. */
export interface Language {
  /** Checks names, fields and types; nothing misspelt gets past. */
  compile(text: string, on: On, wants?: 'bool' | 'any'): Expression | ExpressionProblem
  bind(on: On, values: Fields): Context
}

/** True for what `compile` refused. */
export const isProblem = (compiled: Expression | ExpressionProblem): compiled is ExpressionProblem =>
  'offset' in compiled

/** Nobody needs more, and a run must not be held up by one line. */
const limits = {
  maxAstNodes: 2000,
  maxDepth: 60,
  maxListElements: 500,
  maxMapEntries: 100,
  maxCallArguments: 16,
}
const MAX_NESTING = 2
const loops: readonly string[] = ['all', 'exists', 'exists_one', 'map', 'filter']

/** A language whose functions ask this world; without one it only checks. */
export function createLanguage(questions?: Questions, parameters: Fields = {}): Language {
  const expressions = new Map<string, RE2JS>()
  const param = valueOf('map<string, dyn>', parameters)
  const environments = new Map<On, Environment>()
  const environmentFor = (on: On): Environment => {
    const known = environments.get(on)
    if (known) return known
    const made = environment(on, questions, expressions)
    environments.set(on, made)
    return made
  }
  return {
    compile: (text, on, wants = 'bool') => compile(environmentFor(on), text, on, wants),
    bind: (on, values) => {
      const context: Record<string, unknown> = { param }
      for (const [name, type] of Object.entries(variables[on]))
        if (values[name] !== undefined) context[name] = valueOf(type, values[name])
      return context
    },
  }
}

function environment(on: On, questions: Questions | undefined, expressions: Map<string, RE2JS>): Environment {
  const made = new Environment({ limits, homogeneousAggregateLiterals: false })
  for (const [name, fields] of Object.entries(types))
    made.registerType(name, { ctor: constructors[name as keyof typeof types], fields: { ...fields } })
  made.registerVariable('param', 'map<string, dyn>')
  for (const [name, type] of Object.entries(variables[on])) made.registerVariable(name, type)
  // The library's own `matches` backtracks; expressions are rewritten to this one.
  made.registerFunction('string.matchesLinear(string): bool', (text: string, regex: string) => {
    const known = expressions.get(regex) ?? RE2JS.compile(regex)
    expressions.set(regex, known)
    return known.matcher(text).find()
  })
  if (on === 'state' || on === 'check') registerState(made, questions)
  if (on === 'check') registerCheck(made, questions)
  return made
}

/** An answer, or an error that names the question. */
function known<T>(answer: T | undefined, question: string): T {
  if (answer === undefined) throw new Error(`nothing is known of ${question}`)
  return answer
}

function registerState(made: Environment, questions: Questions | undefined): void {
  const ask = (name: keyof typeof stateFunctions, answer: (argument: string) => unknown) =>
    made.registerFunction(stateFunctions[name][0], (argument: string) =>
      known(answer(argument), `${name} '${argument}'`),
    )
  const thing = (
    type: 'Workload' | 'Pod' | 'Endpoint' | 'Cluster' | 'Proxy',
    fields: Fields | undefined,
  ): Bound | undefined => fields && bind(type, fields)
  ask('workload', name => thing('Workload', questions?.workload(name)))
  ask('pod', name => thing('Pod', questions?.pod(name)))
  ask('endpoint', name => thing('Endpoint', questions?.endpoint(name)))
  ask('cluster', name => thing('Cluster', questions?.cluster(name)))
  ask('proxy', name => thing('Proxy', questions?.proxy(name)))
  ask('clients', name => questions?.clients(name))
  ask('baseline', traffic => questions?.baseline(traffic))
  made.registerFunction('window(string): Window', (of: string) => bind('Window', { of }))
  made.registerFunction(windowMethods.goodput[0], (window: { of: string }, traffic: string) =>
    known(questions?.goodput(window.of, traffic), `traffic '${traffic}'`),
  )
  made.registerFunction(windowMethods.share[0], (window: { of: string }, labels: unknown) =>
    known(questions?.share(window.of, fieldsOf(labels)), 'these labels'),
  )
}

function registerCheck(made: Environment, questions: Questions | undefined): void {
  made.registerFunction(checkFunctions.probe[0], (request: unknown) =>
    bind('Response', known(questions?.probe(fieldsOf(request)), 'this probe')),
  )
  made.registerFunction(checkFunctions.hops[0], (request: unknown) =>
    known(questions?.hops(plain(request)), 'this request').map(hop => bind('Hop', hop)),
  )
  made.registerFunction(checkFunctions.config[0], (kind: string, name: string) =>
    valueOf('dyn', known(questions?.config(kind, name), `${kind} '${name}'`)),
  )
}

function fieldsOf(value: unknown): Fields {
  const read = plain(value)
  return typeof read === 'object' && read !== null ? Object.fromEntries(Object.entries(read)) : {}
}

function compile(
  made: Environment,
  text: string,
  on: On,
  wants: 'bool' | 'any',
): Expression | ExpressionProblem {
  const checked = made.check(text)
  if (!checked.valid) return problemOf(checked.error, on)
  const type = checked.type ?? 'dyn'
  if (wants === 'bool' && type !== 'bool' && type !== 'dyn')
    return { message: `This must be true or false; it is of type ${type}.`, offset: 0 }
  const { ast } = made.parse(text)
  const seen: Walk = { reads: new Set(), deepest: 0, badRegex: undefined }
  walk(ast, 0, seen)
  if (seen.badRegex) return seen.badRegex
  if (seen.deepest > MAX_NESTING)
    return { message: `Loops (${loops.join(', ')}) may nest ${MAX_NESTING} deep only.`, offset: 0 }
  const run = made.parse(serialize(ast))
  const evaluate = (context: Context): Answer => {
    try {
      return { ok: true, value: plain(run(context)) }
    } catch (error) {
      return { ok: false, error: sentence(error) }
    }
  }
  return { text, on, type, reads: [...seen.reads].sort(), evaluate }
}

const sentence = (error: unknown): string =>
  error instanceof EvaluationError ? error.summary : error instanceof Error ? error.message : String(error)

function problemOf(
  error: { readonly summary: string; readonly range?: { readonly start: number } } | undefined,
  on: On,
): ExpressionProblem {
  const summary = error?.summary ?? 'This is no CEL expression'
  const offset = error?.range?.start ?? 0
  const variable = /^Unknown variable: (\w+)$/.exec(summary)?.[1]
  if (variable !== undefined) {
    const names = ['param', ...Object.keys(variables[on])]
    return {
      message: `There is no ${variable} here (on: ${on}); known are ${names.join(', ')}.${didYouMean(variable, names)}`,
      offset,
    }
  }
  const field = /^No such key: (\w+)$/.exec(summary)?.[1]
  if (field !== undefined) {
    const names = new Set(Object.values(types).flatMap(fields => Object.keys(fields)))
    return { message: `There is no field ${field}.${didYouMean(field, names)}`, offset }
  }
  if (error instanceof ParseError) return { message: `This is no CEL expression: ${summary}.`, offset }
  return { message: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, offset }
}

interface Walk {
  readonly reads: Set<string>
  deepest: number
  badRegex: ExpressionProblem | undefined
}

/** Collects names, measures loops and renames `matches`. */
function walk(node: ASTNode, depth: number, seen: Walk): void {
  if (node.op === 'id') seen.reads.add(node.args)
  if (node.op === 'call') seen.reads.add(node.args[0])
  let inner = depth
  if (node.op === 'rcall') {
    const [name, , given] = node.args
    if (loops.includes(name) && given.length > 1) inner++
    if (name === 'matches') {
      Reflect.set(node.args, 0, 'matchesLinear')
      const [regex] = given
      if (regex?.op === 'value' && typeof regex.args === 'string')
        seen.badRegex ??= regexProblem(regex.args, regex.start)
    }
  }
  seen.deepest = Math.max(seen.deepest, inner)
  for (const child of childrenOf(node.args)) walk(child, inner, seen)
}

function regexProblem(regex: string, offset: number): ExpressionProblem | undefined {
  try {
    RE2JS.compile(regex)
    return undefined
  } catch (error) {
    return { message: `"${regex}" is no RE2 expression: ${sentence(error)}.`, offset }
  }
}

function childrenOf(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf)
  return isNode(args) ? [args] : []
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value
