"""The messages of flowcontrol: one line each; the notation is told in the package."""

TABLE = """\
ExemptPriorityLevelConfiguration 1=nominalConcurrencyShares:int32* 2=lendablePercent:int32*
FlowDistinguisherMethod 1=type:string!+
FlowSchema 1=metadata:meta.ObjectMeta 2=spec:FlowSchemaSpec+ 3=status:FlowSchemaStatus
FlowSchemaCondition 1=type:string+ 2=status:string 3=lastTransitionTime:time 4=reason:string 5=message:string
FlowSchemaSpec 1=priorityLevelConfiguration:PriorityLevelConfigurationReference!+ 2=matchingPrecedence:int32!
  3=distinguisherMethod:FlowDistinguisherMethod* 4=rules:[PolicyRulesWithSubjects]@atomic
FlowSchemaStatus 1=conditions:[FlowSchemaCondition]@type~m:type
GroupSubject 1=name:string!+
LimitResponse 1=type:string!+ 2=queuing:QueuingConfiguration*
LimitedPriorityLevelConfiguration 1=nominalConcurrencyShares:int32* 2=limitResponse:LimitResponse+
  3=lendablePercent:int32* 4=borrowingLimitPercent:int32*
NonResourcePolicyRule 1=verbs:[string]!+@set 6=nonResourceURLs:[string]!+@set
PolicyRulesWithSubjects 1=subjects:[Subject]!+@atomic 2=resourceRules:[ResourcePolicyRule]@atomic
  3=nonResourceRules:[NonResourcePolicyRule]@atomic
PriorityLevelConfiguration 1=metadata:meta.ObjectMeta 2=spec:PriorityLevelConfigurationSpec+
  3=status:PriorityLevelConfigurationStatus
PriorityLevelConfigurationCondition 1=type:string+ 2=status:string 3=lastTransitionTime:time 4=reason:string
  5=message:string
PriorityLevelConfigurationReference 1=name:string!+
PriorityLevelConfigurationSpec 1=type:string!+ 2=limited:LimitedPriorityLevelConfiguration*
  3=exempt:ExemptPriorityLevelConfiguration*
PriorityLevelConfigurationStatus 1=conditions:[PriorityLevelConfigurationCondition]@type~m:type
QueuingConfiguration 1=queues:int32! 2=handSize:int32! 3=queueLengthLimit:int32!
ResourcePolicyRule 1=verbs:[string]!+@set 2=apiGroups:[string]!+@set 3=resources:[string]!+@set 4=clusterScope:bool
  5=namespaces:[string]!@set
ServiceAccountSubject 1=namespace:string!+ 2=name:string!+
Subject 1=kind:string!+ 2=user:UserSubject* 3=group:GroupSubject* 4=serviceAccount:ServiceAccountSubject*
UserSubject 1=name:string!+
"""
