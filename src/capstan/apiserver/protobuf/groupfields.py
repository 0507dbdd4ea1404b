"""Field numbers of the metadata types and the other groups: one line a message, `number=jsonName:type` and a flag.

Types: a scalar, a message, `[repeated]`, `{map of strings to}`, or a well-known form (time, microtime, quantity,
intstr, json, strings). Flags: `*` has presence (zero is a value), `!` is written even when empty, `^` is inlined into
its parent. None: zero means absent. The facts are those of the generated.proto files and JSON tags of Kubernetes 1.37.
"""

GROUPS = """\
DeleteOptions 1=gracePeriodSeconds:int64* 2=preconditions:Preconditions* 3=orphanDependents:bool*
  4=propagationPolicy:string* 5=dryRun:[string] 6=ignoreStoreReadErrorWithClusterBreakingPotential:bool*
FieldSelectorRequirement 1=key:string! 2=operator:string! 3=values:[string]
LabelSelector 1=matchLabels:{string} 2=matchExpressions:[LabelSelectorRequirement]
LabelSelectorRequirement 1=key:string! 2=operator:string! 3=values:[string]
ListMeta 1=selfLink:string 2=resourceVersion:string 3=continue:string 4=remainingItemCount:int64*
  5=shardInfo:ShardInfo*
ManagedFieldsEntry 1=manager:string 2=operation:string 3=apiVersion:string 4=time:time* 6=fieldsType:string
  7=fieldsV1:json* 8=subresource:string
ObjectMeta 1=name:string 2=generateName:string 3=namespace:string 4=selfLink:string 5=uid:string
  6=resourceVersion:string 7=generation:int64 8=creationTimestamp:time 9=deletionTimestamp:time*
  10=deletionGracePeriodSeconds:int64* 11=labels:{string} 12=annotations:{string} 13=ownerReferences:[OwnerReference]
  14=finalizers:[string] 17=managedFields:[ManagedFieldsEntry]
OwnerReference 1=kind:string! 3=name:string! 4=uid:string! 5=apiVersion:string! 6=controller:bool*
  7=blockOwnerDeletion:bool*
Preconditions 1=uid:string* 2=resourceVersion:string*
ShardInfo 1=selector:string!
Status 1=metadata:ListMeta 2=status:string 3=message:string 4=reason:string 5=details:StatusDetails* 6=code:int32
StatusCause 1=reason:string 2=message:string 3=field:string
StatusDetails 1=name:string 2=group:string 3=kind:string 4=causes:[StatusCause] 5=retryAfterSeconds:int32 6=uid:string
Lease 1=metadata:ObjectMeta 2=spec:LeaseSpec
LeaseSpec 1=holderIdentity:string* 2=leaseDurationSeconds:int32* 3=acquireTime:microtime* 4=renewTime:microtime*
  5=leaseTransitions:int32* 6=strategy:string* 7=preferredHolder:string*
events.Event 1=metadata:ObjectMeta! 2=eventTime:microtime! 3=series:events.EventSeries* 4=reportingController:string
  5=reportingInstance:string 6=action:string 7=reason:string 8=regarding:ObjectReference 9=related:ObjectReference*
  10=note:string 11=type:string 12=deprecatedSource:EventSource 13=deprecatedFirstTimestamp:time
  14=deprecatedLastTimestamp:time 15=deprecatedCount:int32
events.EventSeries 1=count:int32! 2=lastObservedTime:microtime!
AggregationRule 1=clusterRoleSelectors:[LabelSelector]
ClusterRole 1=metadata:ObjectMeta 2=rules:[PolicyRule]! 3=aggregationRule:AggregationRule*
ClusterRoleBinding 1=metadata:ObjectMeta 2=subjects:[Subject] 3=roleRef:RoleRef!
PolicyRule 1=verbs:[string]! 2=apiGroups:[string] 3=resources:[string] 4=resourceNames:[string]
  5=nonResourceURLs:[string]
Role 1=metadata:ObjectMeta 2=rules:[PolicyRule]!
RoleBinding 1=metadata:ObjectMeta 2=subjects:[Subject] 3=roleRef:RoleRef!
RoleRef 1=apiGroup:string! 2=kind:string! 3=name:string!
Subject 1=kind:string! 2=apiGroup:string 3=name:string! 4=namespace:string
BoundObjectReference 1=kind:string 2=apiVersion:string 3=name:string 4=uid:string
SelfSubjectReview 1=metadata:ObjectMeta 2=status:SelfSubjectReviewStatus
SelfSubjectReviewStatus 1=userInfo:UserInfo
TokenRequest 1=metadata:ObjectMeta 2=spec:TokenRequestSpec! 3=status:TokenRequestStatus
TokenRequestSpec 1=audiences:[string]! 3=boundObjectRef:BoundObjectReference* 4=expirationSeconds:int64*
  5=attestations:{strings}
TokenRequestStatus 1=token:string! 2=expirationTimestamp:time!
TokenReview 1=metadata:ObjectMeta 2=spec:TokenReviewSpec! 3=status:TokenReviewStatus
TokenReviewSpec 1=token:string 2=audiences:[string]
TokenReviewStatus 1=authenticated:bool 2=user:UserInfo 3=error:string 4=audiences:[string]
UserInfo 1=username:string 2=uid:string 3=groups:[string] 4=extra:{strings}
FieldSelectorAttributes 1=rawSelector:string 2=requirements:[FieldSelectorRequirement]
LabelSelectorAttributes 1=rawSelector:string 2=requirements:[LabelSelectorRequirement]
LocalSubjectAccessReview 1=metadata:ObjectMeta 2=spec:SubjectAccessReviewSpec! 3=status:SubjectAccessReviewStatus
NonResourceAttributes 1=path:string 2=verb:string
NonResourceRule 1=verbs:[string]! 2=nonResourceURLs:[string]
ResourceAttributes 1=namespace:string 2=verb:string 3=group:string 4=version:string 5=resource:string
  6=subresource:string 7=name:string 8=fieldSelector:FieldSelectorAttributes* 9=labelSelector:LabelSelectorAttributes*
ResourceRule 1=verbs:[string]! 2=apiGroups:[string] 3=resources:[string] 4=resourceNames:[string]
SelfSubjectAccessReview 1=metadata:ObjectMeta 2=spec:SelfSubjectAccessReviewSpec! 3=status:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec 1=resourceAttributes:ResourceAttributes* 2=nonResourceAttributes:NonResourceAttributes*
SelfSubjectRulesReview 1=metadata:ObjectMeta 2=spec:SelfSubjectRulesReviewSpec! 3=status:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec 1=namespace:string
SubjectAccessReview 1=metadata:ObjectMeta 2=spec:SubjectAccessReviewSpec! 3=status:SubjectAccessReviewStatus
SubjectAccessReviewSpec 1=resourceAttributes:ResourceAttributes* 2=nonResourceAttributes:NonResourceAttributes*
  3=user:string 4=groups:[string] 5=extra:{strings} 6=uid:string
SubjectAccessReviewStatus 1=allowed:bool! 2=reason:string 3=evaluationError:string 4=denied:bool
SubjectRulesReviewStatus 1=resourceRules:[ResourceRule]! 2=nonResourceRules:[NonResourceRule]! 3=incomplete:bool!
  4=evaluationError:string
Scale 1=metadata:ObjectMeta 2=spec:ScaleSpec 3=status:ScaleStatus
ScaleSpec 1=replicas:int32
ScaleStatus 1=replicas:int32! 2=selector:string
CustomResourceColumnDefinition 1=name:string! 2=type:string! 3=format:string 4=description:string 5=priority:int32
  6=jsonPath:string!
CustomResourceConversion 1=strategy:string! 2=webhook:WebhookConversion*
CustomResourceDefinition 1=metadata:ObjectMeta 2=spec:CustomResourceDefinitionSpec!
  3=status:CustomResourceDefinitionStatus
CustomResourceDefinitionCondition 1=type:string! 2=status:string! 3=lastTransitionTime:time 4=reason:string
  5=message:string 6=observedGeneration:int64
CustomResourceDefinitionNames 1=plural:string! 2=singular:string 3=shortNames:[string] 4=kind:string!
  5=listKind:string 6=categories:[string]
CustomResourceDefinitionSpec 1=group:string! 3=names:CustomResourceDefinitionNames! 4=scope:string!
  7=versions:[CustomResourceDefinitionVersion]! 9=conversion:CustomResourceConversion* 10=preserveUnknownFields:bool
CustomResourceDefinitionStatus 1=conditions:[CustomResourceDefinitionCondition]!
  2=acceptedNames:CustomResourceDefinitionNames! 3=storedVersions:[string]! 4=observedGeneration:int64
CustomResourceDefinitionVersion 1=name:string! 2=served:bool! 3=storage:bool! 4=schema:CustomResourceValidation*
  5=subresources:CustomResourceSubresources* 6=additionalPrinterColumns:[CustomResourceColumnDefinition]
  7=deprecated:bool 8=deprecationWarning:string* 9=selectableFields:[SelectableField]
CustomResourceSubresourceScale 1=specReplicasPath:string! 2=statusReplicasPath:string! 3=labelSelectorPath:string*
CustomResourceSubresourceStatus
CustomResourceSubresources 1=status:CustomResourceSubresourceStatus* 2=scale:CustomResourceSubresourceScale*
CustomResourceValidation 1=openAPIV3Schema:JSONSchemaProps*
ExternalDocumentation 1=description:string 2=url:string
JSONSchemaProps 1=id:string 2=$schema:string 3=$ref:string* 4=description:string 5=type:string 6=format:string
  7=title:string 8=default:json* 9=maximum:double* 10=exclusiveMaximum:bool 11=minimum:double*
  12=exclusiveMinimum:bool 13=maxLength:int64* 14=minLength:int64* 15=pattern:string 16=maxItems:int64*
  17=minItems:int64* 18=uniqueItems:bool 19=multipleOf:double* 20=enum:[json] 21=maxProperties:int64*
  22=minProperties:int64* 23=required:[string] 24=items:JSONSchemaPropsOrArray* 25=allOf:[JSONSchemaProps]
  26=oneOf:[JSONSchemaProps] 27=anyOf:[JSONSchemaProps] 28=not:JSONSchemaProps* 29=properties:{JSONSchemaProps}
  30=additionalProperties:JSONSchemaPropsOrBool* 31=patternProperties:{JSONSchemaProps}
  32=dependencies:{JSONSchemaPropsOrStringArray} 33=additionalItems:JSONSchemaPropsOrBool*
  34=definitions:{JSONSchemaProps} 35=externalDocs:ExternalDocumentation* 36=example:json* 37=nullable:bool
  38=x-kubernetes-preserve-unknown-fields:bool* 39=x-kubernetes-embedded-resource:bool
  40=x-kubernetes-int-or-string:bool 41=x-kubernetes-list-map-keys:[string] 42=x-kubernetes-list-type:string*
  43=x-kubernetes-map-type:string* 44=x-kubernetes-validations:[ValidationRule]
JSONSchemaPropsOrArray 1=schema:JSONSchemaProps* 2=jSONSchemas:[JSONSchemaProps]
JSONSchemaPropsOrBool 1=allows:bool 2=schema:JSONSchemaProps*
JSONSchemaPropsOrStringArray 1=schema:JSONSchemaProps* 2=property:[string]
SelectableField 1=jsonPath:string!
ServiceReference 1=namespace:string! 2=name:string! 3=path:string* 4=port:int32*
ValidationRule 1=rule:string! 2=message:string 3=messageExpression:string 4=reason:string* 5=fieldPath:string
  6=optionalOldSelf:bool*
WebhookClientConfig 1=service:ServiceReference* 2=caBundle:bytes 3=url:string*
WebhookConversion 2=clientConfig:WebhookClientConfig* 3=conversionReviewVersions:[string]!
"""
