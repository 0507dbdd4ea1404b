"""The messages of policy: one line each; the notation is told in the package."""

TABLE = """\
enum UnhealthyPodEvictionPolicyType IfHealthyBudget|AlwaysAllow
Eviction 1=metadata:meta.ObjectMeta 2=deleteOptions:meta.DeleteOptions*
PodDisruptionBudget 1=metadata:meta.ObjectMeta 2=spec:PodDisruptionBudgetSpec 3=status:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec 1=minAvailable:intstr* 2=selector:meta.LabelSelector* 3=maxUnavailable:intstr*
  4=unhealthyPodEvictionPolicy:UnhealthyPodEvictionPolicyType*
PodDisruptionBudgetStatus 1=observedGeneration:int64 2=disruptedPods:{time} 3=disruptionsAllowed:int32!
  4=currentHealthy:int32! 5=desiredHealthy:int32! 6=expectedPods:int32! 7=conditions:[meta.Condition]@type~m:type
"""
