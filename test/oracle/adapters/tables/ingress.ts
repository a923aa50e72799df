import { servesIngress } from '../../../../sim-core/istiod/compile/ingress.ts'
import { equal, table } from './table.ts'

/** Upstream's defaults and the name of its controller, as the table spells them. */
const CONSTANTS: Readonly<Record<string, string>> = {
  IngressClass: 'istio',
  IstioIngressController: 'istio.io/ingress-controller',
}
const named = (text: string) => CONSTANTS[text] ?? text

/** Which Ingresses are Istio's. */
export const istioIngressConv = table({
  TestIngressClass: row => {
    const { annotation, ingressClass, ingressMode } = row
    const mesh = { ingressClass: 'istio', ingressControllerMode: String(ingressMode) }
    return equal(
      row.shouldProcess,
      servesIngress(
        mesh,
        annotation === '' ? undefined : named(annotation),
        ingressClass ? { controller: named(ingressClass.spec.controller) } : undefined,
      ),
    )
  },
})
