import { describe, it } from 'vitest'
import { expectGolden, told } from './golden.ts'

const bookinfo = ['explain', '--manifests', 'bookinfo', '--from', 'default/productpage-v1']
const mistakes = ['explain', '--manifests', 'broken-config', '--from', 'front/web-v1']
const strict = [
  'explain',
  '--manifests',
  'mtls-migration/shop.yaml',
  'mtls-migration/changes',
  '--from',
  'legacy/till-v1',
]

describe.concurrent('explain', () => {
  it.each<readonly [story: string, args: readonly string[]]>([
    ['bookinfo-jason', [...bookinfo, '--url', 'http://reviews:9080/reviews/0', '-H', 'end-user: jason']],
    ['bookinfo-everybody', [...bookinfo, '--url', 'http://reviews:9080/reviews/0']],
    ['mistake-1-short-host', [...mistakes, '--url', 'http://orders.back:8080/']],
    ['mistake-2-undefined-subset', [...mistakes, '--url', 'http://stock.back:8080/']],
    ['mistake-3-shadowed-route', [...mistakes, '--url', 'http://search.back:8080/search/next']],
    ['mistake-4-plaintext-to-strict', [...mistakes, '--url', 'http://ledger.back:8080/']],
    ['mistake-5-http-rule-on-tcp', [...mistakes, '--url', 'tcp://database.back:5432']],
    ['strict-refuses-plaintext', [...strict, '--url', 'http://pay.shop:8000/ip']],
  ])('tells %s as it was reviewed', async (story, args) => {
    expectGolden(story, await told(...args))
  })
})
