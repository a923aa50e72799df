import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import { type Change, createResourceStore, diff } from '../../sim-core/config/resource-store.ts'

const service = (name: string, port = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec:\n  selector: {app: a}\n  ports: [{name: http, port: ${port}}]\n`
const apply = (yaml: string): Change[] =>
  load({ 'x.yaml': yaml }).resources.map(resource => ({ verb: 'apply', resource }))
const aStore = () => createResourceStore(load({ 'a.yaml': `${service('a')}---\n${service('b')}` }).tree)
const a = { kind: 'Service', namespace: 'default', name: 'a' }

describe('resourceStore', () => {
  it('keeps every version and shares what did not change', () => {
    const store = aStore()
    store.commit(apply(service('a', 81)), 5)
    expect(store.head.number).toBe(1)
    expect(store.version(0)?.resources.Service?.default?.a?.spec).toMatchObject({ ports: [{ port: 80 }] })
    expect(store.head.resources.Service?.default?.b).toBe(store.version(0)?.resources.Service?.default?.b)
  })

  it('makes all changes of a commit or none', () => {
    const store = aStore()
    const result = store.commit(
      [
        { verb: 'delete', ...a },
        { verb: 'delete', ...a },
      ],
      1,
    )
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'resource.missing' }] })
    expect(store.head.resources.Service?.default?.a).toBeDefined()
  })

  it('merges, and removes what is null', () => {
    const store = aStore()
    store.commit(
      [
        {
          verb: 'patch',
          ...a,
          patch: { merge: { metadata: { labels: { x: 'y' } }, spec: { selector: null } } },
        },
      ],
      1,
    )
    expect(store.head.resources.Service?.default?.a).toMatchObject({ metadata: { labels: { x: 'y' } } })
    expect(store.head.resources.Service?.default?.a?.spec).toEqual({ ports: [{ name: 'http', port: 80 }] })
  })

  it('merges named list items by name', () => {
    const store = aStore()
    const strategic = {
      spec: {
        ports: [
          { name: 'http', targetPort: 8080 },
          { name: 'grpc', port: 90 },
        ],
      },
    }
    store.commit([{ verb: 'patch', ...a, patch: { strategic } }], 1)
    expect(store.head.resources.Service?.default?.a?.spec).toMatchObject({
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'grpc', port: 90 },
      ],
    })
  })

  it('follows the steps of a JSON patch and says which one fails', () => {
    const store = aStore()
    const good: Change = {
      verb: 'patch',
      ...a,
      patch: { json6902: [{ op: 'replace', path: '/spec/ports/0/port', value: 8080 }] },
    }
    const bad: Change = { ...good, patch: { json6902: [{ op: 'remove', path: '/spec/nothing' }] } }
    expect(store.commit([good], 1).ok).toBe(true)
    expect(store.commit([bad], 2)).toMatchObject({ ok: false, problems: [{ code: 'patch.failed' }] })
    expect(store.head.resources.Service?.default?.a?.spec).toMatchObject({ ports: [{ port: 8080 }] })
  })

  it('refuses a patch whose result the API server would refuse', () => {
    const store = aStore()
    const result = store.commit([{ verb: 'patch', ...a, patch: { merge: { spec: { ports: 5 } } } }], 1)
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'field.type', path: 'spec.ports' }] })
  })

  it('knows which change set gave a field its value', () => {
    const store = aStore()
    store.commit(apply(service('a', 81)), 1)
    store.commit(apply(service('c')), 2)
    store.commit([{ verb: 'patch', ...a, patch: { merge: { spec: { selector: { app: 'z' } } } } }], 3)
    expect(store.blame({ ...a, path: 'spec.ports[0].port' })?.number).toBe(1)
    expect(store.blame({ ...a, path: 'spec.selector.app' })?.number).toBe(3)
    expect(store.blame({ ...a, path: 'spec.ports[0].name' })?.number).toBe(0)
    expect(store.blame({ ...a, name: 'c', path: 'spec' })?.number).toBe(2)
    expect(store.blame({ ...a, name: 'none', path: 'spec' })).toBeUndefined()
  })

  it('lists what two versions differ in', () => {
    const store = aStore()
    store.commit([...apply(service('a', 81)), ...apply(service('c')), { verb: 'delete', ...a, name: 'b' }], 1)
    expect(diff(store.version(0)?.resources ?? {}, store.head.resources)).toEqual([
      { ...a, verb: 'changed', paths: ['spec.ports[0].port'] },
      { ...a, name: 'b', verb: 'removed', paths: [] },
      { ...a, name: 'c', verb: 'added', paths: [] },
    ])
  })
})
