/** The Gateway API resources that we read, typed as their CRDs are. gateway.networking.k8s.io/v1. */

import type { LabelSelector } from './kubernetes.ts'

export interface ParentReference {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly sectionName?: string
  readonly port?: number
}
export interface BackendRef {
  readonly group?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
  readonly port?: number
  readonly weight?: number
}
export interface NamedMatch {
  readonly type?: 'Exact' | 'RegularExpression'
  readonly name: string
  readonly value?: string
}
export interface HttpHeader {
  readonly name: string
  readonly value: string
}
export interface HeaderModifier {
  readonly set?: readonly HttpHeader[]
  readonly add?: readonly HttpHeader[]
  readonly remove?: readonly string[]
}
export interface PathModifier {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch'
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}
export interface RequestMirror {
  readonly backendRef: BackendRef
  readonly percent?: number
  readonly fraction?: { readonly numerator: number; readonly denominator?: number }
}
export interface RouteFilter {
  readonly type: string
  readonly requestHeaderModifier?: HeaderModifier
  readonly responseHeaderModifier?: HeaderModifier
  readonly requestMirror?: RequestMirror
  readonly requestRedirect?: {
    readonly scheme?: string
    readonly hostname?: string
    readonly path?: PathModifier
    readonly port?: number
    readonly statusCode?: number
  }
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: PathModifier }
  readonly cors?: {
    readonly allowOrigins?: readonly string[]
    readonly allowCredentials?: boolean
    readonly allowMethods?: readonly string[]
    readonly allowHeaders?: readonly string[]
    readonly exposeHeaders?: readonly string[]
    readonly maxAge?: number
  }
  readonly extensionRef?: { readonly group?: string; readonly kind?: string; readonly name?: string }
}
export interface RouteBackendRef extends BackendRef {
  readonly filters?: readonly RouteFilter[]
}
export interface HttpRouteMatch {
  readonly path?: { readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value?: string }
  readonly headers?: readonly NamedMatch[]
  readonly queryParams?: readonly NamedMatch[]
  readonly method?: string
}
export interface HttpRouteRule {
  readonly name?: string
  readonly matches?: readonly HttpRouteMatch[]
  readonly filters?: readonly RouteFilter[]
  readonly backendRefs?: readonly RouteBackendRef[]
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: {
    readonly codes?: readonly number[]
    readonly attempts?: number
    readonly backoff?: string
  }
}
export interface GrpcRouteMatch {
  readonly method?: {
    readonly type?: 'Exact' | 'RegularExpression'
    readonly service?: string
    readonly method?: string
  }
  readonly headers?: readonly NamedMatch[]
}
export interface GrpcRouteRule {
  readonly name?: string
  readonly matches?: readonly GrpcRouteMatch[]
  readonly filters?: readonly RouteFilter[]
  readonly backendRefs?: readonly RouteBackendRef[]
}
interface CommonRoute {
  readonly parentRefs?: readonly ParentReference[]
}
export interface HttpRouteSpec extends CommonRoute {
  readonly hostnames?: readonly string[]
  readonly rules?: readonly HttpRouteRule[]
}
export interface GrpcRouteSpec extends CommonRoute {
  readonly hostnames?: readonly string[]
  readonly rules?: readonly GrpcRouteRule[]
}
export interface Layer4RouteSpec extends CommonRoute {
  /** TLSRoute only. */
  readonly hostnames?: readonly string[]
  readonly rules?: readonly { readonly name?: string; readonly backendRefs?: readonly BackendRef[] }[]
}

export interface RouteKind {
  readonly group?: string
  readonly kind: string
}
export interface RouteNamespaces {
  readonly from?: 'All' | 'Same' | 'Selector' | 'None'
  readonly selector?: LabelSelector
}
export interface ObjectReference {
  readonly group?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
}
export interface ListenerTls {
  readonly mode?: 'Terminate' | 'Passthrough'
  readonly certificateRefs?: readonly ObjectReference[]
  readonly options?: Readonly<Record<string, string>>
}
export interface GatewayListener {
  readonly name: string
  readonly hostname?: string
  readonly port: number
  readonly protocol: string
  readonly tls?: ListenerTls
  readonly allowedRoutes?: {
    readonly namespaces?: RouteNamespaces
    readonly kinds?: readonly RouteKind[]
  }
}
/** How a Gateway checks its clients' certificates. */
export interface FrontendTls {
  readonly validation?: {
    readonly mode?: 'AllowValidOnly' | 'AllowInsecureFallback'
    readonly caCertificateRefs?: readonly ObjectReference[]
  }
}
export interface KubernetesGatewaySpec {
  readonly gatewayClassName?: string
  readonly listeners?: readonly GatewayListener[]
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[]
  readonly infrastructure?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly allowedListeners?: { readonly namespaces?: RouteNamespaces }
  readonly tls?: {
    readonly frontend?: {
      readonly default?: FrontendTls
      readonly perPort?: readonly { readonly port: number; readonly tls?: FrontendTls }[]
    }
  }
}
export interface ListenerSetSpec {
  readonly parentRef?: ParentReference
  readonly listeners?: readonly (Omit<GatewayListener, 'port'> & { readonly port?: number })[]
}
export interface ReferenceGrantSpec {
  readonly from?: readonly { readonly group?: string; readonly kind: string; readonly namespace: string }[]
  readonly to?: readonly { readonly group?: string; readonly kind: string; readonly name?: string }[]
}
export interface PolicyTarget {
  readonly group?: string
  readonly kind: string
  readonly name: string
  readonly sectionName?: string
}
export interface BackendTLSPolicySpec {
  readonly targetRefs?: readonly PolicyTarget[]
  readonly validation?: {
    readonly caCertificateRefs?: readonly ObjectReference[]
    readonly wellKnownCACertificates?: string
    readonly hostname?: string
    readonly subjectAltNames?: readonly {
      readonly type: 'Hostname' | 'URI'
      readonly hostname?: string
      readonly uri?: string
    }[]
  }
}
export interface BackendTrafficPolicySpec {
  readonly targetRefs?: readonly PolicyTarget[]
  readonly retryConstraint?: {
    readonly budget?: { readonly percent?: number; readonly interval?: string }
    readonly minRetryRate?: { readonly count?: number; readonly interval?: string }
  }
  readonly sessionPersistence?: Readonly<Record<string, unknown>>
}
