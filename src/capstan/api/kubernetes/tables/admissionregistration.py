"""The messages of admissionregistration: one line each; the notation is told in the package."""

TABLE = """\
enum FailurePolicyType Ignore|Fail
enum MatchPolicyType Exact|Equivalent
enum OperationType *|CREATE|UPDATE|DELETE|CONNECT
enum PatchType ApplyConfiguration|JSONPatch
enum ReinvocationPolicyType Never|IfNeeded
enum ScopeType Cluster|Namespaced|*
enum SideEffectClass Unknown|None|Some|NoneOnDryRun
enum ValidationAction Deny|Warn|Audit
ApplyConfiguration 1=expression:string
AuditAnnotation 1=key:string!+ 2=valueExpression:string!+
ExpressionWarning 2=fieldRef:string!+ 3=warning:string!+
JSONPatch 1=expression:string
MatchCondition 1=name:string!+ 2=expression:string!+
MatchResources@atomic 1=namespaceSelector:meta.LabelSelector* 2=objectSelector:meta.LabelSelector*
  3=resourceRules:[NamedRuleWithOperations]@atomic 4=excludeResourceRules:[NamedRuleWithOperations]@atomic
  7=matchPolicy:MatchPolicyType*
MutatingAdmissionPolicy 1=metadata:meta.ObjectMeta 2=spec:MutatingAdmissionPolicySpec
MutatingAdmissionPolicyBinding 1=metadata:meta.ObjectMeta 2=spec:MutatingAdmissionPolicyBindingSpec
MutatingAdmissionPolicyBindingSpec 1=policyName:string 2=paramRef:ParamRef* 3=matchResources:MatchResources*
MutatingAdmissionPolicySpec 1=paramKind:ParamKind* 2=matchConstraints:MatchResources* 3=variables:[Variable]@atomic
  4=mutations:[Mutation]@atomic 5=failurePolicy:FailurePolicyType* 6=matchConditions:[MatchCondition]@name~m:name
  7=reinvocationPolicy:ReinvocationPolicyType
MutatingWebhook 1=name:string!+ 2=clientConfig:WebhookClientConfig!+ 3=rules:[RuleWithOperations]@atomic
  4=failurePolicy:FailurePolicyType* 5=namespaceSelector:meta.LabelSelector* 6=sideEffects:SideEffectClass*+
  7=timeoutSeconds:int32* 8=admissionReviewVersions:[string]!+@atomic 9=matchPolicy:MatchPolicyType*
  10=reinvocationPolicy:ReinvocationPolicyType* 11=objectSelector:meta.LabelSelector*
  12=matchConditions:[MatchCondition]@name~m:name
MutatingWebhookConfiguration 1=metadata:meta.ObjectMeta 2=webhooks:[MutatingWebhook]@name~m:name
Mutation 2=patchType:PatchType!+ 3=applyConfiguration:ApplyConfiguration* 4=jsonPatch:JSONPatch*
NamedRuleWithOperations@atomic 1=resourceNames:[string]@atomic 2=ruleWithOperations:RuleWithOperations^
ParamKind@atomic 1=apiVersion:string 2=kind:string
ParamRef@atomic 1=name:string 2=namespace:string 3=selector:meta.LabelSelector* 4=parameterNotFoundAction:string*
Rule 1=apiGroups:[string]@atomic 2=apiVersions:[string]@atomic 3=resources:[string]@atomic 4=scope:ScopeType*
RuleWithOperations 1=operations:[OperationType]@atomic 2=rule:Rule^
ServiceReference 1=namespace:string!+ 2=name:string!+ 3=path:string* 4=port:int32*
TypeChecking 1=expressionWarnings:[ExpressionWarning]@atomic
ValidatingAdmissionPolicy 1=metadata:meta.ObjectMeta 2=spec:ValidatingAdmissionPolicySpec
  3=status:ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding 1=metadata:meta.ObjectMeta 2=spec:ValidatingAdmissionPolicyBindingSpec+
ValidatingAdmissionPolicyBindingSpec 1=policyName:string+ 2=paramRef:ParamRef* 3=matchResources:MatchResources*
  4=validationActions:[ValidationAction]+@set
ValidatingAdmissionPolicySpec 1=paramKind:ParamKind* 2=matchConstraints:MatchResources*
  3=validations:[Validation]@atomic 4=failurePolicy:FailurePolicyType* 5=auditAnnotations:[AuditAnnotation]@atomic
  6=matchConditions:[MatchCondition]@name~m:name 7=variables:[Variable]@name~m:name
ValidatingAdmissionPolicyStatus 1=observedGeneration:int64 2=typeChecking:TypeChecking*
  3=conditions:[meta.Condition]@type
ValidatingWebhook 1=name:string!+ 2=clientConfig:WebhookClientConfig!+ 3=rules:[RuleWithOperations]@atomic
  4=failurePolicy:FailurePolicyType* 5=namespaceSelector:meta.LabelSelector* 6=sideEffects:SideEffectClass*+
  7=timeoutSeconds:int32* 8=admissionReviewVersions:[string]!+@atomic 9=matchPolicy:MatchPolicyType*
  10=objectSelector:meta.LabelSelector* 11=matchConditions:[MatchCondition]@name~m:name
ValidatingWebhookConfiguration 1=metadata:meta.ObjectMeta 2=webhooks:[ValidatingWebhook]@name~m:name
Validation 1=expression:string!+ 2=message:string 3=reason:string* 4=messageExpression:string
Variable@atomic 1=name:string!+ 2=expression:string!+
WebhookClientConfig 1=service:ServiceReference* 2=caBundle:bytes 3=url:string*
"""
