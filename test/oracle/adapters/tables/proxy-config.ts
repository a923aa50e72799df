import { proxyConfigFor } from '../../../../sim-core/istiod/injection/proxy-config-resources.ts'
import type { Adapter, Json } from '../../corpus.ts'
import { equal, plain, table, treeOfConfigs } from './table.ts'

/** Go's constant of the annotation as its text. */
const ANNOTATION = 'proxy.istio.io/config'

function effective(row: Json) {
  const annotations: Json = Object.fromEntries(
    Object.entries(row.proxy.annotations ?? {}).map(([name, value]) => [
      name === 'annotation.ProxyConfig.Name' ? ANNOTATION : name,
      value,
    ]),
  )
  const tree = treeOfConfigs((row.configs ?? []).map((each: Json) => ({ ...each, spec: plain(each.spec) })))
  const mesh = row.defaultConfig ? { defaultConfig: plain(row.defaultConfig) } : {}
  const got = proxyConfigFor(tree, mesh, {
    namespace: row.proxy.namespace,
    labels: row.proxy.labels ?? {},
    annotations,
  })
  return equal(plain(row.expected ?? {}), got)
}

/** ProxyConfig resources, annotations and the mesh's default, laid over each other. */
export const istioProxyconfig: Adapter = table({ TestEffectiveProxyConfig: effective })
