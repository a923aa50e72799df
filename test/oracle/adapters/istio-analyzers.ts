import { parse } from 'yaml'
import { analyze, analyzers } from '../../../sim-core/istiod/analyze/index.ts'
import { type Adapter, casesOf, type Json, type Verdict, verdictOf } from '../corpus.ts'

/** Which analyzer finds what about which resource. */
export const istioAnalyzers: Adapter = content =>
  casesOf(content).map(each => ({ id: each.id, judge: () => judge(each) }))

function judge({ analyzer, inputs, meshConfig, meshNetworks, expect }: Json): Verdict {
  if (!analyzers[analyzer]) return { unsupported: `there is no analyzer ${analyzer}` }
  const { findings } = analyze({
    files: Object.fromEntries(inputs.map(({ file, yaml }: Json) => [file, yaml])),
    mesh: meshConfig && parse(meshConfig),
    meshNetworks: meshNetworks && parse(meshNetworks),
    analyzer,
  })
  const want: readonly string[] = expect
    .map((each: Json) => `${each.code} ${each.level} ${each.resource}`)
    .sort()
  const got = findings
    .map(({ code, level, resource: { kind, namespace, name } }) =>
      [code, level, kind, namespace ? `${namespace}/${name}` : name].join(' '),
    )
    .sort()
  return verdictOf([
    ...without(want, got).map(line => `missing ${line}`),
    ...without(got, want).map(line => `surplus ${line}`),
  ])
}

function without(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others]
  return all.filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
