import { chmodSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { folderOf, glassmesh, scenarios } from './command-line.ts'

const apps = `
apiVersion: v1
kind: Service
metadata: { name: b }
spec: { selector: { app: b }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec: { selector: { matchLabels: { app: a } }, template: { metadata: { labels: { app: a } }, spec: { containers: [{ name: app, image: a }] } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: b }
spec: { selector: { matchLabels: { app: b } }, template: { metadata: { labels: { app: b } }, spec: { containers: [{ name: app, image: b }] } } }
`
const virtualService = (http: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: b }\nspec: { hosts: [b], http: [${http}] }\n`

const calm = `expect: { never: [{ name: no error, where: "response.status >= 500" }] }`
const load = `traffic: [{ name: load, from: { workload: a }, request: { url: "http://b/" }, arrival: { open: { rate: 10/s } } }]`
const scenario = (...spec: readonly string[]) =>
  [
    'apiVersion: glassmesh.dev/v1alpha1',
    'kind: Scenario',
    'metadata: { name: it }',
    'spec:',
    ...['manifests: [apps.yaml]', ...spec].map(line => `  ${line}`),
  ].join('\n')

const files: Readonly<Record<string, string | Uint8Array>> = {
  'apps.yaml': apps,
  'broken.yaml': 'a: [b\n',
  'empty.yaml': '',
  'text.yaml': 'just text',
  'list.yaml': '- a\n- b\n',
  'nameless.yaml': 'foo: bar\n',
  'secret.yaml': apps,
  'binary.yaml': Uint8Array.from({ length: 2000 }, (_, index) => (index * 7) % 256),
  'folder/notes.txt': 'nothing here',
  'aliases.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\nx: &a [1]\ny:\n${'- *a\n'.repeat(1_000_000)}`,
  'bomb.yaml': `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(n => `a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(', ')}]`).join('\n')}\n`,
  'huge.yaml': `x: "${'a'.repeat(65 * 1024 * 1024)}"\n`,
  'many-keys.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata:\n${Array.from({ length: 100_000 }, (_, n) => `  k${n}: v\n`).join('')}`,
  'deep.json': '['.repeat(100_000) + ']'.repeat(100_000),
  'twice.yaml': `${apps}---${apps}`,
  'types.yaml': virtualService('{ route: 5 }'),
  'port.yaml':
    'apiVersion: v1\nkind: Service\nmetadata: { name: b }\nspec: { ports: [{ name: http, port: 99999 }] }\n',
  'weight.yaml': virtualService('{ route: [{ destination: { host: b }, weight: -4 }] }'),
  'regex.yaml': `${apps}---\n${virtualService('{ match: [{ uri: { regex: "(?=x)y" } }], route: [{ destination: { host: b } }] }')}`,
  'mesh.yaml': 'accessLogFile: /dev/stdout\noutboundTrafficPolicy: { mode: NOPE }\n',
  'negative.sim.yaml': scenario(calm, 'run: { duration: -5s }'),
  'nan.sim.yaml': scenario(calm, 'run: { seed: .nan }'),
  'unitless.sim.yaml': scenario(calm, 'run: { duration: 5 }'),
  'eternity.sim.yaml': scenario(calm, 'run: { duration: 100000h }'),
  'typo.sim.yaml': scenario(calm, 'trafic: []'),
  'field.sim.yaml': scenario('expect: { never: [{ name: x, where: "response.statsu >= 500" }] }'),
  'lookahead.sim.yaml': scenario(`expect: { never: [{ name: x, where: "request.url.matches('(?=a)')" }] }`),
  'gone.sim.yaml': scenario(calm, 'timeline: [{ at: 1s, do: { apply: gone.yaml } }]'),
  'refused.sim.yaml': scenario(calm, 'timeline: [{ at: 1s, do: { apply: weight.yaml } }]'),
  'after.sim.yaml': scenario(calm, 'timeline: [{ after: nothing+1s, do: { note: hi } }]'),
  'instant.sim.yaml': scenario(calm, 'timeline: [{ every: 0s, do: { note: hi } }]'),
  'nobody.sim.yaml': scenario(calm, load.replace('workload: a', 'workload: nobody'), 'run: { duration: 1s }'),
  'far-port.sim.yaml': scenario(calm, load.replace('http://b/', 'http://b:99999/'), 'run: { duration: 1s }'),
  'kill.sim.yaml': scenario(
    calm,
    'timeline: [{ at: 1s, do: { kill: { pod: nobody } } }]',
    'run: { duration: 2s }',
  ),
  'mesh.sim.yaml': scenario('mesh: { meshConfig: broken.yaml }', calm),
  'samples.sim.yaml': scenario(
    'behaviors: [{ select: { workload: b }, routes: [{ serviceTime: { empirical: text.yaml } }] }]',
    calm,
  ),
  'limit.sim.yaml': scenario(load, calm, 'run: { duration: 2000h, maxEvents: 1000 }'),
  'long.sim.yaml': scenario(load, calm, 'run: { duration: 2000h }'),
}
const cwd = folderOf(files)
chmodSync(`${cwd}/secret.yaml`, 0)

const from = ['--from', 'default/a', '--url', 'http://b/']
const explain = ['explain', '--manifests', 'apps.yaml', ...from]
const clusters = ['pc', 'clusters', 'a', '--manifests', 'apps.yaml']

describe.concurrent('bad input', () => {
  it.each<readonly [args: readonly string[], says: string]>([
    [['run', 'absent.sim.yaml'], 'absent.sim.yaml:1:1 error: There is no such file. Check the path.'],
    [['run', 'folder'], 'folder:1:1 error: This is a folder; give a file.'],
    [['run', 'empty.yaml'], 'empty.yaml:1:1 error: The file must hold one Scenario; it holds 0 documents.'],
    [['run', 'binary.yaml'], 'binary.yaml:1:1 error: This is a binary file'],
    [['run', 'bomb.yaml'], 'bomb.yaml:1:1 error: Excessive alias count'],
    [['run', 'negative.sim.yaml'], 'negative.sim.yaml:7:20 error: This must be a duration with its unit'],
    [['run', 'nan.sim.yaml'], 'error: NaN and infinity'],
    [['run', 'unitless.sim.yaml'], 'unitless.sim.yaml:7:20 error: This must be a duration with its unit'],
    [['run', 'eternity.sim.yaml'], 'eternity.sim.yaml:7:20 error: Virtual time is exact up to 104 days'],
    [
      ['run', 'typo.sim.yaml'],
      'typo.sim.yaml:7:3 error: There is no field trafic here. Did you mean traffic?',
    ],
    [['run', 'field.sim.yaml'], 'field.sim.yaml:6:39 error: There is no field statsu. Did you mean status?'],
    [['run', 'lookahead.sim.yaml'], 'lookahead.sim.yaml:6:39 error: "(?=a)" is no RE2 expression'],
    [['run', 'gone.sim.yaml'], 'gone.sim.yaml:7:24 error: gone.yaml: There is no such file or folder.'],
    [['run', 'refused.sim.yaml'], 'weight.yaml:4:'],
    [['run', 'after.sim.yaml'], 'No entry of the timeline is called nothing.'],
    [['run', 'instant.sim.yaml'], 'instant.sim.yaml:7:23 error: This must be longer than nothing.'],
    [
      ['run', 'nobody.sim.yaml'],
      'nobody.sim.yaml:7:13 error: This cannot be done: there is no pod or workload',
    ],
    [
      ['run', 'far-port.sim.yaml'],
      'error: This cannot be done: there is no port 99999; ports are 1 to 65535.',
    ],
    [['run', 'kill.sim.yaml'], 'kill.sim.yaml:7:14 error: This cannot be done: no running pod is nobody.'],
    [['run', 'mesh.sim.yaml'], 'broken.yaml:2:1 error: This is not valid YAML'],
    [['run', 'samples.sim.yaml'], 'text.yaml:1:1 error: The file holds no duration.'],
    [['probe', 'absent.yaml'], 'absent.yaml:1:1 error: There is no such file. Check the path.'],
    [['probe', 'folder'], 'folder:1:1 error: This is a folder; give a file.'],
    [[...explain, '--manifests', 'broken.yaml'], 'broken.yaml:2:1 error: This is not valid YAML'],
    [
      ['explain', '--manifests', 'twice.yaml', ...from],
      'twice.yaml:17:1 error: Service default/b is already',
    ],
    [
      ['explain', '--manifests', 'regex.yaml', ...from],
      'regex.yaml:20:40 error: "(?=x)y" is no RE2 expression',
    ],
    [
      ['explain', '--manifests', 'types.yaml', ...from],
      'types.yaml:4:37 error: spec.http[0].route must be a list',
    ],
    [['explain', '--manifests', 'port.yaml', ...from], 'port.yaml:4:37 error: spec.ports[0].port is 99999'],
    [
      ['explain', '--manifests', 'nameless.yaml', ...from],
      'nameless.yaml:1:1 error: The object has no apiVersion.',
    ],
    [['explain', '--manifests', 'folder', ...from], 'folder:1:1 error: The folder holds no .yaml'],
    [
      ['explain', '--manifests', 'apps.yaml', '--from', 'x/y', '--url', 'http://b/'],
      'there is no pod or workload x/y',
    ],
    [['explain', '--manifests', 'apps.yaml', '--from', 'default/a', '--url', '::'], 'this is no URL: ::.'],
    [[...explain, '--jwt', 'absent'], 'absent:1:1 error: There is no such file.'],
    [[...explain, '--mesh-config', 'text.yaml'], 'text.yaml:1:1 error: The document must be a map'],
    [
      [...clusters, '--mesh-config', 'mesh.yaml'],
      'mesh.yaml:2:32 error: outboundTrafficPolicy.mode is "NOPE"',
    ],
    [[...clusters, '--jwks', 'issuer=text.yaml'], 'text.yaml: this is not JSON'],
    [['pc', 'all', 'nobody', '--manifests', 'apps.yaml'], 'there is no pod or workload default/nobody'],
    [['inject', '-f', 'text.yaml'], 'text.yaml:1:1 error: A Kubernetes object is a map'],
    [
      ['inject', '-f', 'apps.yaml', '--mesh-config', 'broken.yaml'],
      'broken.yaml:2:1 error: This is not valid YAML',
    ],
    [['analyze', 'list.yaml'], 'list.yaml:1:1 error: A Kubernetes object is a map'],
    [['iptables', '--config', 'text.yaml'], 'The configuration is no JSON object.'],
    [['iptables', '--config', 'absent.json'], 'absent.json:1:1 error: There is no such file.'],
    [['iptables', 'nobody', '--manifests', 'apps.yaml'], 'There is no pod default/nobody in the manifests.'],
  ])('is refused with its place: %j', async (args, says) => {
    const { code, err } = await glassmesh(args, { cwd })
    expect(err).toContain(says)
    expect(err).not.toMatch(/^\s+at /m)
    expect(code).toBe(65)
  })

  it.each<readonly [file: string, says: string]>([
    ['aliases.yaml', 'aliases; at most 10000 are followed'],
    ['huge.yaml', 'The input is larger than 64 MiB.'],
    ['deep.json', 'nests deeper than 200 levels'],
    ['binary.yaml', 'This is a binary file'],
  ])('is refused by validate before it costs anything: %s', async (file, says) => {
    const { code, out } = await glassmesh(['validate', file], { cwd })
    expect(out).toContain(says)
    expect(code).toBe(65)
  })

  it('has no trouble with a map of a hundred thousand keys', async () => {
    expect(await glassmesh(['validate', 'many-keys.yaml'], { cwd })).toMatchObject({ code: 0, err: '' })
  })

  it.skipIf(process.getuid?.() === 0)('says when a file may not be read', async () => {
    const { code, err } = await glassmesh(['analyze', 'secret.yaml'], { cwd })
    expect(err).toContain('You may not read this file.')
    expect(code).toBe(65)
  })

  it.each<readonly [args: readonly string[], says: string]>([
    [[], 'Usage: glassmesh'],
    [['frobnicate'], 'unknown command'],
    [['run'], 'missing required argument'],
    [['run', 'x', '--seed', '-1'], 'give a whole number'],
    [['run', 'x', '--until', 'NaN'], 'give a duration'],
    [['run', 'x', '--reporter', 'fax'], 'there is no reporter fax'],
    [['run', 'x', '--shard', '5/4'], 'give i/n'],
    [['pc', 'frob', 'a', '--manifests', 'apps.yaml'], 'There is no part frob'],
    [[...clusters, '--envoy-bootstrap', '--bind-loopback', 'x'], 'give a port'],
    [[...clusters, '--profile', 'huge'], 'Allowed choices are'],
    [[...clusters, '--jwks', 'issuer'], 'give ISSUER=FILE'],
    [[...explain, '-H', 'broken'], "give 'name: value'"],
    [['schema', 'frob'], 'There is no schema frob'],
    [['iptables'], 'Give --config, or a pod and --manifests.'],
  ])('in the arguments is a matter of usage: %j', async (args, says) => {
    const { code, out, err } = await glassmesh(args, { cwd })
    expect(err).toContain(says)
    expect(out).toBe('')
    expect(code).toBe(64)
  })
})

describe.concurrent('probe -', () => {
  const call = { mode: 'outbound', address: '1.3.3.7', port: 80, protocol: 'http', host: 'b' }
  const good = (name: string) => JSON.stringify({ config: '', calls: [{ name, ...call }] })

  it('answers the good lines among bad ones, each in its place', async () => {
    const input = [
      good('first'),
      '{"calls": [{]}',
      '',
      '[1, 2]',
      JSON.stringify({ name: 'port', calls: [{ ...call, port: 70000 }] }),
      JSON.stringify({ name: 'yaml', config: 'a: [', calls: [call] }),
      JSON.stringify({
        name: 'files',
        manifests: ['absent.yaml'],
        probes: [{ from: { workload: 'a' }, request: { url: 'http://b' } }],
      }),
      JSON.stringify({
        documents: apps,
        probes: [{ name: 'who', from: { workload: 'default/nobody' }, request: { url: 'http://b' } }],
      }),
      '{}',
      good('last'),
    ].join('\n')
    const { code, out, err } = await glassmesh(['probe', '-'], { cwd, input })
    const lines = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.map(line => [line.name, line.invalid?.[0]?.line])).toEqual([
      ['first', undefined],
      [null, 2],
      [null, 4],
      ['port', 5],
      ['yaml', 1],
      ['files', 7],
      ['who', 8],
      [null, 9],
      ['last', undefined],
    ])
    expect(err).toBe('')
    expect(code).toBe(65)
  })
})

describe.concurrent('a run', () => {
  it('stops at its limit of events and says so', async () => {
    const { code, out } = await glassmesh(['run', '--json', 'limit.sim.yaml'], { cwd })
    expect(JSON.parse(out)).toMatchObject({ stopped: 'events', verdict: 'inconclusive' })
    expect(code).toBe(75)
  })

  it('gives what it has when it is interrupted', async () => {
    const { code, out } = await glassmesh(['run', '--json', 'long.sim.yaml'], { cwd, interruptAfter: 4000 })
    expect(JSON.parse(out)).toMatchObject({ stopped: 'interrupted', verdict: 'inconclusive' })
    expect(JSON.parse(out).virtualNs).toBeGreaterThan(0)
    expect(code).toBe(130)
  })
})

describe.concurrent('output', () => {
  const canary = `${scenarios}/mtls-migration/migration.sim.yaml`

  it('has the documented keys in the documented order', async () => {
    const { out, err } = await glassmesh(['run', '--json', canary])
    expect(err).toBe('')
    expect(Object.keys(JSON.parse(out))).toEqual(
      'scenario file seed replications digest verdict stopped virtualNs events expectations unsimulated'.split(
        ' ',
      ),
    )
    expect(Object.keys(JSON.parse(out).expectations[0])).toEqual(
      'name kind verdict atNs exchange because'.split(' '),
    )
  })

  it.each(['run', 'explain', 'probe', 'proxy-config', 'analyze', 'validate', 'inject', 'iptables', 'schema'])(
    'of %s --help is on stdout',
    async command => {
      const { code, out, err } = await glassmesh([command, '--help'])
      expect(out).toContain(`Usage: glassmesh ${command}`)
      expect(err).toBe('')
      expect(code).toBe(0)
    },
  )

  it('is coloured when it is asked to be, and not otherwise', async () => {
    const plain = await glassmesh(['validate', 'broken.yaml'], { cwd })
    const forced = await glassmesh(['validate', 'broken.yaml'], { cwd, env: { FORCE_COLOR: '1' } })
    const refused = await glassmesh(['validate', 'broken.yaml'], {
      cwd,
      env: { FORCE_COLOR: '1', NO_COLOR: '1' },
    })
    expect(plain.out).not.toContain('\u001b')
    expect(forced.out).toContain('\u001b[31m')
    expect(refused.out).toBe(plain.out)
  })
})
