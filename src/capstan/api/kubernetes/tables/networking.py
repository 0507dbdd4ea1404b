"""The messages of networking: one line each; the notation is told in the package."""

TABLE = """\
enum PathType Exact|Prefix|ImplementationSpecific
enum PolicyType Ingress|Egress
HTTPIngressPath 1=path:string 2=backend:IngressBackend!+ 3=pathType:PathType*+
HTTPIngressRuleValue 1=paths:[HTTPIngressPath]!+@atomic
IPAddress 1=metadata:meta.ObjectMeta 2=spec:IPAddressSpec+
IPAddressSpec 1=parentRef:ParentReference*+
IPBlock 1=cidr:string!+ 2=except:[string]@atomic
Ingress 1=metadata:meta.ObjectMeta 2=spec:IngressSpec 3=status:IngressStatus
IngressBackend 3=resource:core.TypedLocalObjectReference* 4=service:IngressServiceBackend*
IngressClass 1=metadata:meta.ObjectMeta 2=spec:IngressClassSpec
IngressClassParametersReference 1=apiGroup:string* 2=kind:string!+ 3=name:string!+ 4=scope:string* 5=namespace:string*
IngressClassSpec 1=controller:string 2=parameters:IngressClassParametersReference*
IngressLoadBalancerIngress 1=ip:string 2=hostname:string 4=ports:[IngressPortStatus]@atomic
IngressLoadBalancerStatus 1=ingress:[IngressLoadBalancerIngress]@atomic
IngressPortStatus 1=port:int32!+ 2=protocol:string!+ 3=error:string*
IngressRule 1=host:string 2=ingressRuleValue:IngressRuleValue^
IngressRuleValue 1=http:HTTPIngressRuleValue*
IngressServiceBackend 1=name:string!+ 2=port:ServiceBackendPort
IngressSpec 1=defaultBackend:IngressBackend* 2=tls:[IngressTLS]@atomic 3=rules:[IngressRule]@atomic
  4=ingressClassName:string*
IngressStatus 1=loadBalancer:IngressLoadBalancerStatus
IngressTLS 1=hosts:[string]@atomic 2=secretName:string
NetworkPolicy 1=metadata:meta.ObjectMeta 2=spec:NetworkPolicySpec
NetworkPolicyEgressRule 1=ports:[NetworkPolicyPort]@atomic 2=to:[NetworkPolicyPeer]@atomic
NetworkPolicyIngressRule 1=ports:[NetworkPolicyPort]@atomic 2=from:[NetworkPolicyPeer]@atomic
NetworkPolicyPeer 1=podSelector:meta.LabelSelector* 2=namespaceSelector:meta.LabelSelector* 3=ipBlock:IPBlock*
NetworkPolicyPort 1=protocol:core.Protocol* 2=port:intstr* 3=endPort:int32*
NetworkPolicySpec 1=podSelector:meta.LabelSelector! 2=ingress:[NetworkPolicyIngressRule]@atomic
  3=egress:[NetworkPolicyEgressRule]@atomic 4=policyTypes:[PolicyType]@atomic
ParentReference 1=group:string 2=resource:string+ 3=namespace:string 4=name:string+
ServiceBackendPort@atomic 1=name:string 2=number:int32
ServiceCIDR 1=metadata:meta.ObjectMeta 2=spec:ServiceCIDRSpec 3=status:ServiceCIDRStatus
ServiceCIDRSpec 1=cidrs:[string]@atomic
ServiceCIDRStatus 1=conditions:[meta.Condition]@type~m:type
"""
