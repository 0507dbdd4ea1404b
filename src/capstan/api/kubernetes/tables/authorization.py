"""The messages of authorization: one line each; the notation is told in the package."""

TABLE = """\
FieldSelectorAttributes 1=rawSelector:string 2=requirements:[meta.FieldSelectorRequirement]@atomic
LabelSelectorAttributes 1=rawSelector:string 2=requirements:[meta.LabelSelectorRequirement]@atomic
LocalSubjectAccessReview 1=metadata:meta.ObjectMeta 2=spec:SubjectAccessReviewSpec!+
  3=status:SubjectAccessReviewStatus
NonResourceAttributes 1=path:string 2=verb:string
NonResourceRule 1=verbs:[string]!+@atomic 2=nonResourceURLs:[string]@atomic
ResourceAttributes 1=namespace:string 2=verb:string 3=group:string 4=version:string 5=resource:string
  6=subresource:string 7=name:string 8=fieldSelector:FieldSelectorAttributes* 9=labelSelector:LabelSelectorAttributes*
ResourceRule 1=verbs:[string]!+@atomic 2=apiGroups:[string]@atomic 3=resources:[string]@atomic
  4=resourceNames:[string]@atomic
SelfSubjectAccessReview 1=metadata:meta.ObjectMeta 2=spec:SelfSubjectAccessReviewSpec!+
  3=status:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec 1=resourceAttributes:ResourceAttributes* 2=nonResourceAttributes:NonResourceAttributes*
SelfSubjectRulesReview 1=metadata:meta.ObjectMeta 2=spec:SelfSubjectRulesReviewSpec!+
  3=status:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec 1=namespace:string
SubjectAccessReview 1=metadata:meta.ObjectMeta 2=spec:SubjectAccessReviewSpec!+ 3=status:SubjectAccessReviewStatus
SubjectAccessReviewSpec 1=resourceAttributes:ResourceAttributes* 2=nonResourceAttributes:NonResourceAttributes*
  3=user:string 4=groups:[string]@atomic 5=extra:{strings} 6=uid:string
SubjectAccessReviewStatus 1=allowed:bool!+ 2=reason:string 3=evaluationError:string 4=denied:bool
SubjectRulesReviewStatus 1=resourceRules:[ResourceRule]!+@atomic 2=nonResourceRules:[NonResourceRule]!+@atomic
  3=incomplete:bool!+ 4=evaluationError:string
"""
