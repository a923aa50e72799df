import { describe, expect, it } from 'vitest'
import { effectiveMeshConfig } from '../../sim-core/config/defaults/mesh-config.ts'
import { load } from '../../sim-core/config/load.ts'
import { readMeshConfig } from '../../sim-core/config/mesh-config-text.ts'

const configMap = (mesh: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n${mesh
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')}\n`

describe('readMeshConfig', () => {
  it('leaves out what nobody could read, and says so', () => {
    const { mesh, problems } = readMeshConfig(
      'trustDomain: a.b\nenableAutoMtls: maybe\nconnectTimeout: 5\nnew: 1\n',
    )
    expect(mesh).toEqual({ trustDomain: 'a.b', new: 1 })
    expect(problems.map(({ line }) => line)).toEqual([2, 3])
  })

  it('survives text that is no YAML', () => {
    expect(readMeshConfig('a: [')).toMatchObject({ mesh: {}, problems: [{ line: 1 }] })
  })
})

describe('load', () => {
  it('tells what is wrong in the mesh configuration', () => {
    const { tree, diagnostics } = load({ 'm.yaml': configMap('trustDomain: x\nenableAutoMtls: [1]') })
    expect(diagnostics).toMatchObject([{ code: 'mesh.config', line: 5, severity: 'warning' }])
    expect(effectiveMeshConfig(tree)).toMatchObject({ trustDomain: 'x', enableAutoMtls: true })
  })
})
