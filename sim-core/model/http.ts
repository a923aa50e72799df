/** Header names are lower case; order and repetition are kept. */
export type Headers = readonly (readonly [name: string, value: string])[]

/** What a client speaks; gRPC is `h2`. */
export type HttpProtocol = 'http/1.0' | 'http/1.1' | 'h2'

/** What a client sends, once per distinct request; interned by value, so a plan's key is a small integer. */
export interface RequestTemplate {
  readonly protocol: HttpProtocol | 'tcp'
  readonly grpc: boolean
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** `:authority` or Host as sent, port included. */
  readonly authority: string
  /** With query. */
  readonly path: string
  readonly headers: Headers
  readonly bodyBytes: number
}

/** All values of a header, in order. `name` is lower case. */
export function headerValues(headers: Headers, name: string): readonly string[] {
  return headers.filter(header => header[0] === name).map(header => header[1])
}
