"""The messages of batch: one line each; the notation is told in the package."""

TABLE = """\
enum CompletionMode NonIndexed|Indexed
enum ConcurrencyPolicy Allow|Forbid|Replace
enum PodFailurePolicyAction FailJob|FailIndex|Ignore|Count
enum PodFailurePolicyOnExitCodesOperator In|NotIn
enum PodReplacementPolicy TerminatingOrFailed|Failed
CronJob 1=metadata:meta.ObjectMeta 2=spec:CronJobSpec+ 3=status:CronJobStatus
CronJobSpec 1=schedule:string!+ 2=startingDeadlineSeconds:int64* 3=concurrencyPolicy:ConcurrencyPolicy 4=suspend:bool*
  5=jobTemplate:JobTemplateSpec!+ 6=successfulJobsHistoryLimit:int32* 7=failedJobsHistoryLimit:int32*
  8=timeZone:string*
CronJobStatus 1=active:[core.ObjectReference]@atomic 4=lastScheduleTime:time* 5=lastSuccessfulTime:time*
Job 1=metadata:meta.ObjectMeta 2=spec:JobSpec 3=status:JobStatus
JobCondition 1=type:string!+ 2=status:string!+ 3=lastProbeTime:time 4=lastTransitionTime:time 5=reason:string
  6=message:string
JobSchedulingConfiguration
JobSpec 1=parallelism:int32* 2=completions:int32* 3=activeDeadlineSeconds:int64* 4=selector:meta.LabelSelector*
  5=manualSelector:bool* 6=template:core.PodTemplateSpec!+ 7=backoffLimit:int32* 8=ttlSecondsAfterFinished:int32*
  9=completionMode:CompletionMode* 10=suspend:bool* 11=podFailurePolicy:PodFailurePolicy*
  12=backoffLimitPerIndex:int32* 13=maxFailedIndexes:int32* 14=podReplacementPolicy:PodReplacementPolicy*
  15=managedBy:string* 16=successPolicy:SuccessPolicy* 17=scheduling:JobSchedulingConfiguration*
JobStatus 1=conditions:[JobCondition]@atomic~m:type 2=startTime:time* 3=completionTime:time* 4=active:int32
  5=succeeded:int32 6=failed:int32 7=completedIndexes:string 8=uncountedTerminatedPods:UncountedTerminatedPods*
  9=ready:int32* 10=failedIndexes:string* 11=terminating:int32*
JobTemplateSpec 1=metadata:meta.ObjectMeta 2=spec:JobSpec
PodFailurePolicy 1=rules:[PodFailurePolicyRule]!+@atomic
PodFailurePolicyOnExitCodesRequirement 1=containerName:string* 2=operator:PodFailurePolicyOnExitCodesOperator!+
  3=values:[int32]!+@set
PodFailurePolicyOnPodConditionsPattern 1=type:string!+ 2=status:string!
PodFailurePolicyRule 1=action:PodFailurePolicyAction!+ 2=onExitCodes:PodFailurePolicyOnExitCodesRequirement*
  3=onPodConditions:[PodFailurePolicyOnPodConditionsPattern]@atomic
SuccessPolicy 1=rules:[SuccessPolicyRule]!+@atomic
SuccessPolicyRule 1=succeededIndexes:string* 2=succeededCount:int32*
UncountedTerminatedPods 1=succeeded:[string]@set 2=failed:[string]@set
"""
